from typing import Any

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from .failures import recent_failures


class FailureLimitBackend(BaseBackend):
    """First of the backends: an address that failed too often is refused, whichever page or view it signs in by."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        if request and recent_failures(request) >= settings.SIGN_IN_FAILURES_LIMIT:
            raise PermissionDenied  # no other backend is asked
