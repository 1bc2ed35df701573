from datetime import date

from django.db import models
from django.db.models import F, Q

from apps.common.jobs import Job
from apps.tenant_manager.models import Tenant


class Kind(models.TextChoices):
    DELIVERIES = "deliveries"  # day by day
    CARRIERS = "carriers"
    CUSTOMS = "customs"  # by HS code


class Report(Job):
    kind = models.CharField(max_length=20, choices=Kind.choices)
    first_day = models.DateField()
    last_day = models.DateField()
    by_schedule = models.BooleanField(default=False, editable=False)  # beat asked for it
    columns = models.JSONField(default=list, editable=False)
    rows = models.JSONField(default=list, editable=False)

    class Meta(Job.Meta):
        constraints = (
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="report_ends_after_its_beginning"),
            # Beat may send its task twice; the day has one report all the same.
            models.UniqueConstraint(
                fields=("tenant", "kind", "first_day", "last_day"),
                condition=Q(by_schedule=True),
                name="one_scheduled_report_of_a_period",
            ),
        )

    @classmethod
    def scheduled(cls, tenant: Tenant, kind: Kind, day: date) -> tuple["Report", bool]:
        """The report of one day that beat's schedule asks for, and whether it is new."""
        return cls.objects.get_or_create(tenant=tenant, kind=kind, first_day=day, last_day=day, by_schedule=True)
