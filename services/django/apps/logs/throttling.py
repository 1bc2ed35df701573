"""How much of a browser's log is taken in."""

import logging
import time

from django.conf import settings
from django.core.cache import cache
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

WINDOW = 10  # seconds

logger = logging.getLogger(__name__)


class EventThrottle(BaseThrottle):
    """At most CLIENT_LOGS_RATE events a second of each address, over WINDOW seconds, however they are batched.

    Before a request's body is read it counts as one event; the view tells the rest to `take`. One counter of the cache
    for each address and window: what DRF's own throttles keep, each request's time, is too much at this rate.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.address = self.get_ident(request)
        self.key = f"client-logs:{self.address}:{int(time.time()) // WINDOW}"
        view.event_throttle = self
        return self.count(1)

    def take(self, events: int) -> None:
        """Count further events. Raises Throttled when they are too many: none of the batch is to be taken then."""
        if not self.count(events):
            raise Throttled(self.wait())

    def count(self, events: int) -> bool:
        limit = settings.CLIENT_LOGS_RATE * WINDOW
        cache.add(self.key, 0, timeout=2 * WINDOW)
        try:
            total = cache.incr(self.key, events)
        except ValueError:  # the cache has just dropped it
            return True
        if total - events <= limit < total:  # once a window: who floods us must not flood the log
            logger.warning("Client events throttled", extra={"address": self.address, "limit": limit})
        return total <= limit

    def wait(self) -> float:
        return WINDOW - time.time() % WINDOW
