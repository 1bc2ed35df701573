import logging

from celery import Task, shared_task

from apps.data_governance.audit import audit
from apps.parcels.models import Parcel

from . import labels
from .carriers import CarrierClient, CarrierError
from .store import STORE_ERRORS

logger = logging.getLogger(__name__)

# Tried again after 1, 2, 4 … seconds, up to a random part of each: what is down for a moment costs nobody a second try.
PATIENCE = {"max_retries": 5, "retry_backoff": 1, "retry_backoff_max": 60, "retry_jitter": True}


@shared_task(bind=True, autoretry_for=STORE_ERRORS, **PATIENCE)
def put_label(self: Task, parcel_id: int) -> str:
    """Put a parcel's label into the label store and return its key there."""
    parcel = Parcel.objects.select_related("tenant").get(pk=parcel_id)
    extra = {"parcel_id": parcel.pk, "tenant": parcel.tenant.slug}
    try:
        parcel.label_key = labels.put_label(parcel)
    except STORE_ERRORS:
        if self.request.retries >= self.max_retries:
            logger.exception("Label of %s not stored", parcel, extra=extra)
        raise
    parcel.save(update_fields=["label_key", "updated_at"])
    logger.info("Label of %s stored", parcel, extra={**extra, "label_key": parcel.label_key})
    return parcel.label_key


@shared_task(bind=True, autoretry_for=(CarrierError,), **PATIENCE)
def book(self: Task, parcel_id: int) -> str:
    """Have the parcel's carrier fetch it, once; returns the carrier's reference."""
    parcel = Parcel.objects.select_related("tenant").get(pk=parcel_id)
    extra = {"parcel_id": parcel.pk, "tenant": parcel.tenant.slug, "carrier": parcel.carrier}
    if parcel.carrier_reference:
        logger.info("%s was booked before", parcel, extra=extra)
        return parcel.carrier_reference
    try:
        booked = CarrierClient().book(parcel.carrier, parcel.reference, parcel.destination, parcel.weight_grams)
    except CarrierError as error:
        if self.request.retries >= self.max_retries:
            logger.exception("%s not booked with %s", parcel, parcel.carrier, extra=extra)
        else:
            logger.warning("%s not booked with %s yet: %s", parcel, parcel.carrier, error, extra=extra)
        raise
    parcel.carrier_reference = booked
    parcel.save(update_fields=["carrier_reference", "updated_at"])
    audit("parcel.booked", parcel, carrier=parcel.carrier)
    logger.info("%s booked with %s", parcel, parcel.carrier, extra={**extra, "carrier_reference": booked})
    return booked
