import logging

from celery import shared_task

from apps.parcels.models import FINAL, Parcel, Status

from .models import Consignment

BATCH = 50  # parcels that one task scans

logger = logging.getLogger(__name__)


@shared_task
def scan_parcels(consignment_id: int, location: str) -> int:
    """Send tasks that scan the consignment's parcels at `location`; returns how many tasks."""
    consignment = Consignment.objects.get(pk=consignment_id)
    parcels = list(consignment.parcels.exclude(status__in=FINAL).values_list("pk", flat=True))
    batches = [parcels[start : start + BATCH] for start in range(0, len(parcels), BATCH)]
    for batch in batches:
        scan_batch.delay(batch, location)
    logger.info(
        "%d parcels of %s to be scanned",
        len(parcels),
        consignment,
        extra={"consignment_id": consignment.pk, "parcels": len(parcels), "batches": len(batches)},
    )
    return len(batches)


@shared_task
def scan_batch(parcel_ids: list[int], location: str) -> int:
    """Scan these parcels at `location`; returns how many were still on their way."""
    scanned = 0
    for parcel in Parcel.objects.filter(pk__in=parcel_ids).exclude(status__in=FINAL):
        parcel.record_scan(location, Status.IN_TRANSIT)
        scanned += 1
    logger.info("%d parcels scanned", scanned, extra={"parcels": scanned, "location": location})
    return scanned
