"""How often an address failed to sign in lately."""

from django.core.cache import cache
from django.http import HttpRequest

from apps.common.clients import client_address

PERIOD = 60  # seconds, from the first failure


def _key(request: HttpRequest) -> str:
    return f"sign-in-failures:{client_address(request)}"


def recent_failures(request: HttpRequest) -> int:
    return cache.get(_key(request), 0)


def count_failure(request: HttpRequest) -> int:
    """Returns how many they are now."""
    cache.add(_key(request), 0, PERIOD)
    try:
        return cache.incr(_key(request))
    except ValueError:  # it expired in between
        return 1
