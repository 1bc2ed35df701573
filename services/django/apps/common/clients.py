"""Who sent a request, seen through nginx."""

from ipaddress import ip_address

from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The address that nginx took the request from, the last of X-Forwarded-For, else the connection's."""
    forwarded_for = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    return forwarded_for or request.META.get("REMOTE_ADDR") or ""


def is_on_this_host(request: HttpRequest) -> bool:
    """True when both the connection and, behind a proxy, its client are on the loopback interface."""
    return _is_loopback(request.META.get("REMOTE_ADDR", "")) and _is_loopback(client_address(request))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
