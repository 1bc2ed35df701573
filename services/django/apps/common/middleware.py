"""The log context of a request, and one record for each."""

import logging
import time
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from config.logging import context
from config.logging.config import HEALTH_CHECKS

logger = logging.getLogger(__name__)


@sync_and_async_middleware
def request_log(get_response: Callable) -> Callable:
    """Binds request_id, method and path to the log context, and logs each request but health checks when it is done.

    Belongs right after django_guid's middleware, which sets the request id.
    """
    if iscoroutinefunction(get_response):

        async def middleware(request: HttpRequest) -> HttpResponse:
            started = begin(request)
            response = await get_response(request)
            end(request, response, started)
            return response

    else:

        def middleware(request: HttpRequest) -> HttpResponse:
            started = begin(request)
            response = get_response(request)
            end(request, response, started)
            return response

    return middleware


def begin(request: HttpRequest) -> float:
    # Cleared first: requests of one connection may share a context.
    context.clear()
    context.bind(request_id=request.correlation_id, method=request.method, path=request.path)
    return time.perf_counter()


def end(request: HttpRequest, response: HttpResponse, started: float) -> None:
    if request.path not in HEALTH_CHECKS:
        logger.info(
            "%s %s %s",
            request.method,
            request.path,
            response.status_code,
            extra={"status": response.status_code, "duration_ms": round((time.perf_counter() - started) * 1000, 1)},
        )


@receiver(request_finished)
def clear_context(**kwargs: Any) -> None:
    # Not at the end of the middleware: Django logs 4xx and 5xx responses after the last one.
    context.clear()
