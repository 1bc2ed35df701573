"""Whether what the application depends on answers."""

import logging
from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from rest_framework.authtoken.models import Token

from config.celery import app as celery_app

TIMEOUT = 2.0  # seconds, for the broker

logger = logging.getLogger(__name__)


def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def users() -> None:
    get_user_model().objects.exists()
    Token.objects.exists()


def throttles() -> None:
    cache.get("health")


def broker() -> None:
    with celery_app.connection_for_write(
        connect_timeout=TIMEOUT, transport_options={"socket_timeout": TIMEOUT}
    ) as connection:
        connection.ensure_connection(max_retries=1, timeout=TIMEOUT)


# Each raises when its dependency doesn't answer.
DEPENDENCIES: dict[str, Callable[[], None]] = {
    "database": database,
    "users": users,
    "cache": throttles,
    "broker": broker,
}


def state() -> dict[str, str]:
    """``{"database": "ok", "broker": "unreachable", …}``; why one is unreachable goes to the log."""
    found = {}
    for name, check in DEPENDENCIES.items():
        try:
            check()
        except Exception:  # of each client library its own
            logger.exception("Dependency %s is unreachable", name, extra={"dependency": name})
            found[name] = "unreachable"
        else:
            found[name] = "ok"
    return found
