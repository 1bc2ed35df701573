from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.common.models import TenantModel, TenantQuerySet
from apps.integrations.signatures import new_secret

# A worker needs seconds to send a notice: one that took it so long ago was killed meanwhile.
CLAIM_ENDS_AFTER = timedelta(minutes=10)


class WebhookEndpoint(TenantModel):
    """Where a tenant wants to be told of its parcels' scans."""

    url = models.URLField(max_length=500)
    secret = models.CharField(max_length=64, default=new_secret, editable=False)  # signs what is sent there
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"endpoint {self.pk}"


class Channel(models.TextChoices):
    EMAIL = "email"
    WEBHOOK = "webhook"


class State(models.TextChoices):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"  # for good


class NoticeQuerySet(TenantQuerySet):
    def unclaimed(self) -> "NoticeQuerySet":
        """Those to be sent that no worker is sending."""
        free = Q(claimed_at=None) | Q(claimed_at__lt=timezone.now() - CLAIM_ENDS_AFTER)
        return self.filter(free, state=State.QUEUED)


class Notice(TenantModel):
    """An e-mail to a recipient or a message to a webhook endpoint, sent by a task."""

    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    recipient = models.EmailField(blank=True)  # of an e-mail
    endpoint = models.ForeignKey(
        WebhookEndpoint, null=True, blank=True, on_delete=models.CASCADE, related_name="notices"
    )
    subject = models.CharField(max_length=200)
    body = models.TextField(max_length=10_000, blank=True)
    data = models.JSONField(default=dict, blank=True, editable=False)  # for programs; webhooks alone carry it
    # Who asks for the same notice again, by mistake or because no answer came, gives the same key. Empty: no key.
    idempotency_key = models.CharField(max_length=120, blank=True, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    error = models.CharField(max_length=200, blank=True, editable=False)  # of the last attempt
    claimed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)  # queued or tried
    sent_at = models.DateTimeField(null=True, editable=False)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "idempotency_key"), condition=~Q(idempotency_key=""), name="notice_of_a_key_is_one"
            ),
        )

    def __str__(self) -> str:
        return f"notice {self.pk}"

    def claim(self) -> bool:
        """Take the notice for sending; False when it was sent, has failed, or another worker is at it."""
        taken = Notice.objects.filter(pk=self.pk).unclaimed()
        now = timezone.now()
        return bool(taken.update(claimed_at=now, updated_at=now, attempts=F("attempts") + 1))

    def release(self, state: State, error: str = "") -> None:
        """Note how an attempt ended."""
        self.state, self.error, self.claimed_at = state, error[:200], None
        self.sent_at = timezone.now() if state == State.SENT else None
        self.save(update_fields=["state", "error", "claimed_at", "updated_at", "sent_at"])
