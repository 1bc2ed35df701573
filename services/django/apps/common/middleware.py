"""The log context of a request, and one record for each."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from config.logging import context
from config.logging.config import UNLOGGED_PATHS

logger = logging.getLogger(__name__)


def request_log(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Binds request_id, method, path and duration_ms to the log context, and logs each request when it is done.

    What is asked every few seconds, as health checks are, is not logged. Belongs right after django_guid's
    middleware, which sets the request id.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        # Cleared first: requests of one connection may share a context.
        context.clear()
        # Each line tells how long its request has taken so far; the last one, how long it took.
        context.bind(
            duration_ms=context.stopwatch(),
            request_id=request.correlation_id,
            method=request.method,
            path=request.path,
        )
        response = get_response(request)
        if request.path not in UNLOGGED_PATHS:
            status = response.status_code
            logger.info("%s %s %s", request.method, request.path, status, extra={"status": status})
        return response

    return middleware


@receiver(request_finished)
def clear_context(**kwargs: Any) -> None:
    # Not at the end of the middleware: Django logs 4xx and 5xx responses after the last one.
    context.clear()
