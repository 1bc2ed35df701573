"""Takes personal data out of parcels. Their figures stay: reference, weight, carrier, status, scans."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.parcels.models import FINAL, Parcel

ANONYMISED = "[anonymised]"


def anonymise(parcels: models.QuerySet[Parcel]) -> int:
    """Anonymise those of `parcels` that are not yet; returns how many they were."""
    return parcels.exclude(recipient=ANONYMISED).update(recipient=ANONYMISED, destination=ANONYMISED)


def past_retention() -> models.QuerySet[Parcel]:
    """Parcels, of all tenants, to which nothing happens any more and whose retention has ended."""
    finished_before = timezone.now() - timedelta(days=settings.PARCEL_RETENTION_DAYS)
    return Parcel.objects.filter(status__in=FINAL, updated_at__lt=finished_before)
