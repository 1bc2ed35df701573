"""Settings for production: JSON on the console, errors alone where there are files; no debug lines."""

from .base import *  # noqa: F403
from .base import LOGGING_OPTIONS, build_logging

LOGGING = build_logging(**{**LOGGING_OPTIONS, "production": True})

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # nginx sets it on every request

# Everything over TLS; health and metrics are asked for inside, without it.
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^auth-health$", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
