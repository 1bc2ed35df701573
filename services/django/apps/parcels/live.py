"""Live status: what happens to parcels, sent to the WebSockets that follow them.

Events go to the group of the parcel and to that of its tenant; a group's name is made of primary keys, so nobody who
may not see a parcel can be in a group that hears of it.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.dispatch import receiver
from redis.exceptions import RedisError

from apps.tenant_manager.models import Tenant

from .models import Parcel, Scan
from .signals import parcel_scanned

logger = logging.getLogger(__name__)


def tenant_group(tenant: Tenant) -> str:
    return f"parcels.tenant.{tenant.pk}"


def parcel_group(parcel: Parcel) -> str:
    return f"parcels.parcel.{parcel.pk}"


def status_event(parcel: Parcel, scan: Scan | None) -> dict[str, Any]:
    """What a follower is sent, as JSON: ``{"type": "status", "reference", "status", "location", "at"}``."""
    return {
        "type": "status",
        "reference": parcel.reference,
        "status": scan.status if scan else parcel.status,
        "location": scan.location if scan else None,
        "at": (scan.scanned_at if scan else parcel.created_at).isoformat(),
    }


@receiver(parcel_scanned)
def publish(parcel: Parcel, scan: Scan, **kwargs: Any) -> None:
    """Send a scan to whoever follows the parcel. Without Redis nobody hears of it, and the scan stands."""
    message = {"type": "parcel.status", "event": status_event(parcel, scan)}
    try:
        async_to_sync(_send)((parcel_group(parcel), tenant_group(parcel.tenant)), message)
    except (RedisError, OSError) as error:
        logger.warning("Status of %s not sent to its followers: %s", parcel, error, extra={"parcel_id": parcel.pk})


async def _send(groups: Iterable[str], message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    await asyncio.gather(*(layer.group_send(group, message) for group in groups))
