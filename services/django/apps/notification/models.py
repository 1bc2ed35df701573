from django.db import models


class Notice(models.Model):
    """An e-mail to a recipient, sent by a task."""

    tenant = models.ForeignKey("tenant_manager.Tenant", on_delete=models.CASCADE, related_name="notices")
    recipient = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField(max_length=10_000)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"notice {self.pk}"
