"""WebSockets that follow parcels.

A browser can set no header on a WebSocket, and an address ends up in access logs: so the token comes as a subprotocol,
``new WebSocket("wss://…/ws/parcels/?tenant=acme", ["parcels.v1", "token.<key>"])``. Programs may send the headers
``Authorization: Token <key>`` and ``X-Tenant`` as to the API. No cookie is looked at, so a page of another site can't
use a visitor's session.
"""

import asyncio
import logging
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django_guid.utils import generate_guid, validate_guid
from redis.exceptions import RedisError
from rest_framework.authtoken.models import Token

from apps.custom_auth.models import User
from apps.tenant_manager.models import Tenant
from config.logging import context

from . import live
from .models import Parcel

PROTOCOL = "parcels.v1"
TOKEN_PREFIX = "token."  # noqa: S105 - what a token comes after

# Close codes: RFC 6455, and from 4000 on the application's own.
UNSUPPORTED = 1003
INTERNAL_ERROR = 1011
ACCESS_LOST = 4403

_SLUG = re.compile(r"[-\w]{1,50}", re.ASCII)

logger = logging.getLogger(__name__)


class Refused(Exception):
    """The message says why, for the log: the client isn't told."""


@dataclass(frozen=True)
class Access:
    user: User
    tenant: Tenant
    parcel: Parcel | None  # None: all of the tenant's


class ParcelConsumer(AsyncJsonWebsocketConsumer):
    """Sends a tenant's member what happens to one parcel, or to all of the tenant's: `live.status_event`.

    Who follows one parcel is sent its status first. Every LIVE_HEARTBEAT seconds comes ``{"type": "heartbeat"}``, by
    when the token and the membership were looked at again: whoever lost either is sent away with the code 4403.
    """

    heartbeat: asyncio.Task | None = None

    async def connect(self) -> None:
        self.opened, self.sent = time.perf_counter(), 0
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}
        context.clear()
        context.bind(request_id=self.request_id(), path=self.scope["path"])
        try:
            access = await self.access()
        except Refused as error:
            logger.warning("Live status refused: %s", error)
            await self.close()  # before it is accepted: HTTP 403
            return
        context.bind(user_id=access.user.pk, tenant=access.tenant.slug)
        self.group = live.parcel_group(access.parcel) if access.parcel else live.tenant_group(access.tenant)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept(PROTOCOL if PROTOCOL in self.scope["subprotocols"] else None)
        logger.info("Live status opened")
        if access.parcel:
            # Read again: what was scanned before the group was joined was not heard.
            await access.parcel.arefresh_from_db(fields=["status"])
            await self.send_json(live.status_event(access.parcel, None))
        self.heartbeat = asyncio.create_task(self.beat())

    async def disconnect(self, code: int) -> None:
        if self.heartbeat is None:
            return  # it was refused
        self.heartbeat.cancel()
        duration = round((time.perf_counter() - self.opened) * 1000, 1)
        logger.info("Live status closed", extra={"code": code, "sent": self.sent, "duration_ms": duration})
        try:
            await self.channel_layer.group_discard(self.group, self.channel_name)
        except (RedisError, OSError) as error:
            logger.warning("Live status not unsubscribed: %s", error)  # it expires

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.close(UNSUPPORTED, "Nothing is to be sent here")

    async def parcel_status(self, message: dict[str, Any]) -> None:
        await self.send_json(message["event"])
        self.sent += 1

    async def beat(self) -> None:
        try:
            while True:
                await asyncio.sleep(settings.LIVE_HEARTBEAT)
                await self.access()
                await self.send_json({"type": "heartbeat"})
        except Refused as error:
            logger.warning("Live status ended: %s", error)
            await self.close(ACCESS_LOST, "Sign in again")
        except OSError:
            logger.debug("The client went away while the heartbeat was sent")
        except Exception:
            # Who can't be looked up may have lost access.
            logger.exception("Live status ended: access could not be checked")
            await self.close(INTERNAL_ERROR)

    def request_id(self) -> str:
        given = self.headers.get("x-request-id", "")
        return given if validate_guid(given) else generate_guid()

    @database_sync_to_async
    def access(self) -> Access:
        """Who follows what. Raises Refused."""
        token = Token.objects.select_related("user").filter(key=self.token(), user__is_active=True).first()
        if token is None:
            raise Refused("no valid token")
        tenant = token.user.tenants.filter(slug=self.slug()).first()
        if tenant is None:
            raise Refused("not a tenant of the user's")
        reference = self.scope["url_route"]["kwargs"].get("reference")
        parcel = Parcel.objects.for_tenant(tenant).filter(reference=reference).first() if reference else None
        if reference and parcel is None:
            raise Refused("not a parcel of the tenant's")
        return Access(token.user, tenant, parcel)

    def token(self) -> str:
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "token":
            return key.strip()
        offered = (p.removeprefix(TOKEN_PREFIX) for p in self.scope["subprotocols"] if p.startswith(TOKEN_PREFIX))
        return next(offered, "")

    def slug(self) -> str:
        """The tenant's slug: the header X-Tenant's, else the address's ``?tenant=``, else the host's subdomain."""
        slug = (
            self.headers.get("x-tenant")
            or parse_qs(self.scope["query_string"].decode("latin-1")).get("tenant", [""])[0]
        )
        if not slug:
            subdomain, _, domain = self.headers.get("host", "").partition(":")[0].partition(".")
            slug = subdomain if domain and domain == settings.TENANT_DOMAIN else ""
        return slug if _SLUG.fullmatch(slug) else ""
