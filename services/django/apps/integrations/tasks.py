import logging

from celery import shared_task

from apps.parcels.models import Parcel

from . import labels

logger = logging.getLogger(__name__)


@shared_task
def put_label(parcel_id: int) -> str:
    """Put a parcel's label into the label store and return its key there."""
    parcel = Parcel.objects.select_related("tenant").get(pk=parcel_id)
    try:
        parcel.label_key = labels.put_label(parcel)
    except labels.STORE_ERRORS:
        logger.exception("Label of %s not stored", parcel, extra={"parcel_id": parcel.pk})
        raise
    parcel.save(update_fields=["label_key", "updated_at"])
    logger.info("Label of %s stored", parcel, extra={"parcel_id": parcel.pk, "label_key": parcel.label_key})
    return parcel.label_key
