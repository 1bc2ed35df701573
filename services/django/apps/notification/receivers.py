from typing import Any

from django.dispatch import receiver

from apps.parcels.live import status_event
from apps.parcels.models import Parcel, Scan
from apps.parcels.signals import parcel_scanned

from .models import Channel, Notice, WebhookEndpoint
from .tasks import send_notice


@receiver(parcel_scanned)
def tell_endpoints(parcel: Parcel, scan: Scan, **kwargs: Any) -> None:
    """Send a scan to the webhook endpoints of the parcel's tenant."""
    for endpoint in WebhookEndpoint.objects.for_tenant(parcel.tenant).filter(active=True):
        notice, new = Notice.objects.get_or_create(
            tenant=parcel.tenant,
            idempotency_key=f"scan:{scan.pk}:{endpoint.pk}",
            defaults={
                "channel": Channel.WEBHOOK,
                "endpoint": endpoint,
                "subject": "parcel.scanned",
                "data": status_event(parcel, scan),
            },
        )
        if new:
            send_notice.delay(notice.pk)
