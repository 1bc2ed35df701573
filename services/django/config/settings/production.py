"""Settings for production: errors to the console, files as configured."""

from .base import *  # noqa: F403
from .base import LOGGING_OPTIONS, build_logging

LOGGING = build_logging(**LOGGING_OPTIONS, console_level="ERROR")

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # nginx sets it on every request
