"""Addresses of WebSockets."""

import logging
from typing import Any

from django.urls import path, re_path

from .consumers import ParcelConsumer

logger = logging.getLogger(__name__)


async def refuse(scope: dict[str, Any], receive: Any, send: Any) -> None:
    logger.warning("No WebSocket has the address %s", scope["path"])
    await send({"type": "websocket.close"})


websocket_urlpatterns = [
    path("ws/parcels/", ParcelConsumer.as_asgi()),
    path("ws/parcels/<slug:reference>/", ParcelConsumer.as_asgi()),
    re_path("", refuse),
]
