import logging
from datetime import timedelta

from celery import shared_task
from django.db.models import Count
from django.utils import timezone

from apps.parcels.models import Parcel, Status

STALE_AFTER = timedelta(days=7)

logger = logging.getLogger(__name__)


@shared_task
def report_stale_parcels() -> int:
    """Warn, tenant by tenant, of parcels on their way that nobody has seen for a week; returns how many they are."""
    tenants = (
        Parcel.objects.exclude(status__in=(Status.DELIVERED, Status.RETURNED))
        .filter(updated_at__lt=timezone.now() - STALE_AFTER)
        .order_by()
        .values_list("tenant__slug")
        .annotate(count=Count("pk"))
    )
    total = 0
    for tenant, count in tenants:
        logger.warning("%d parcels not seen for a week", count, extra={"tenant": tenant, "stale_parcels": count})
        total += count
    logger.info("Stale parcels counted: %d", total, extra={"stale_parcels": total})
    return total
