"""Work that a task does for a tenant while its user waits: state and progress, as the API shows them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from .models import TenantModel, TenantQuerySet

# A job that runs tells of its progress far more often, and CELERY_TASK_TIME_LIMIT ends it sooner: what has not moved
# for so long was lost with its worker or with the broker.
ABANDONED_AFTER = timedelta(minutes=30)


class JobState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class JobQuerySet(TenantQuerySet):
    def abandoned(self) -> "JobQuerySet":
        """Unfinished jobs that nobody works on any more."""
        unfinished = self.filter(state__in=(JobState.QUEUED, JobState.RUNNING))
        return unfinished.filter(updated_at__lt=timezone.now() - ABANDONED_AFTER)


class Job(TenantModel):
    """A job's row; the task that does it is given the primary key.

    ::

        with export.running() as mine:
            if mine:
                ...
                export.advance(done, total)
    """

    # Null: nobody asked for it, beat's schedule did.
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED, editable=False)
    progress = models.PositiveSmallIntegerField(default=0, editable=False)  # percent
    error = models.CharField(max_length=200, blank=True, editable=False)  # in words for the user
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = JobQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @contextmanager
    def running(self) -> Iterator[bool]:
        """Yields whether the job is the caller's to do: a task that is delivered twice is done once.

        It is done when the block ends, and failed when that raises.
        """
        claim = type(self)._base_manager.filter(pk=self.pk, state=JobState.QUEUED)
        mine = bool(claim.update(state=JobState.RUNNING, updated_at=timezone.now()))
        if not mine:
            yield False
            return
        self.state = JobState.RUNNING
        try:
            yield True
        except Exception:
            self.finish(JobState.FAILED, error="It could not be completed. Please ask again.")
            raise
        self.progress = 100
        self.finish(JobState.DONE)

    def advance(self, done: int, total: int) -> None:
        """Save the progress, when that is another percent than before. The last one is kept for the end."""
        percent = min(99, 100 * done // max(total, 1))
        if percent != self.progress:
            self.progress = percent
            self.save(update_fields=["progress", "updated_at"])

    def finish(self, state: JobState, error: str = "") -> None:
        self.state, self.error, self.finished_at = state, error, timezone.now()
        self.save()
