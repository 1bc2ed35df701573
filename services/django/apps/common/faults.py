"""Faults on demand, so that their way through the logs can be seen. Routed where FAULT_VIEWS is true."""

import time

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET

from apps.parcels.models import Parcel

HELD_SECONDS = 2


@require_GET
def unhandled(request: HttpRequest) -> JsonResponse:
    """An exception that nobody handles."""
    raise RuntimeError("A fault was asked for")


@require_GET
def bad_release(request: HttpRequest) -> JsonResponse:
    """A release whose setting was forgotten."""
    return JsonResponse({"delivery_window": settings.DELIVERY_WINDOW})


@require_GET
def held_lock(request: HttpRequest) -> JsonResponse:
    """A transaction that keeps everybody from writing parcels while it waits for something else."""
    with transaction.atomic():  # on SQLite this is a lock already, see DATABASES
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {connection.ops.quote_name(Parcel._meta.db_table)} IN EXCLUSIVE MODE")
        time.sleep(HELD_SECONDS)
    return JsonResponse({"held_seconds": HELD_SECONDS})


urlpatterns = [
    path("", unhandled),
    path("bad-release/", bad_release),
    path("held-lock/", held_lock),
]
