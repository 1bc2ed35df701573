"""Builds the dictionary for `logging.config.dictConfig`: Django's LOGGING, gunicorn's and Celery's alike."""

from pathlib import Path
from typing import Any

from .catalogue import UNKNOWN, Catalogue
from .files import SharedRotatingFileHandler
from .filters import AccessContextFilter, ContextFilter, HealthCheckFilter, StreamFilter, TaskContextFilter
from .formatters import JsonFormatter, MemoryLoggingFormatter, PipeFormatter

MAX_BYTES = 10 * 2**20
BACKUPS = 5

# Each writes a line or more for each call of theirs.
NOISY_LOGGERS = ("boto", "boto3", "botocore", "s3transfer", "urllib3", "nose")
HEALTH_CHECKS = ("/health", "/auth-health", "/flower/healthcheck")
# The service whose records are split into one file for each stream.
SPLIT_SERVICE = "django"
# Loggers under this name hold what browsers report: a file and a service of its own.
BROWSER_LOGGER = "react"
# Streams that have a file of their own; the others share app.log.
FILE_STREAMS = ("django", "server", "system", "aws", "network")
APP_STREAMS = ("app", UNKNOWN)


def build_logging(
    *,
    service: str,
    catalogue_path: str | Path,
    log_file_path: str | Path | None = None,
    level: str = "INFO",
    console_level: str = "NOTSET",
    noisy_level: str = "CRITICAL",
    json: bool = False,
    max_bytes: int = MAX_BYTES,
    backups: int = BACKUPS,
) -> dict[str, Any]:
    """The logging configuration of one process of `service`.

    Records go to the console, from `console_level` up, and, when `log_file_path` is given, to files below it:
    ``<service>/<service>.log``, or for django one file a stream of the catalogue and ``react/react.log``.
    Files rotate at `max_bytes` and keep `backups` older ones.

    Raises ValueError when the catalogue can't be read.
    """
    console = {
        "class": "logging.StreamHandler",
        "level": console_level,
        "formatter": "console",
        "filters": ["context", "task"],
    }
    files: dict[str, dict[str, Any]] = {}
    filters: dict[str, dict[str, Any]] = {
        "context": {"()": ContextFilter},
        "task": {"()": TaskContextFilter},
        "health_check": {"()": HealthCheckFilter, "paths": HEALTH_CHECKS},
        "access_context": {"()": AccessContextFilter},
    }

    def add_file(name: str, folder: str, record_filter: dict[str, Any] | None = None) -> None:
        # The context comes after the filter that takes the record, as most records are another file's.
        handler_filters = ["context", "task"]
        if record_filter:
            filters[f"{name}_file"] = record_filter
            handler_filters.insert(0, f"{name}_file")
        files[f"{name}_file"] = {
            "()": SharedRotatingFileHandler,
            "filename": str(Path(log_file_path) / folder / f"{name}.log"),
            "max_bytes": max_bytes,
            "backups": backups,
            "formatter": "file",
            "filters": handler_filters,
        }

    if log_file_path and service == SPLIT_SERVICE:
        catalogue = Catalogue.load(catalogue_path)
        stream_filter = {"()": StreamFilter, "catalogue": catalogue}
        for stream in FILE_STREAMS:
            add_file(stream, service, {**stream_filter, "streams": (stream,)})
        add_file("app", service, {**stream_filter, "streams": APP_STREAMS, "excluding": BROWSER_LOGGER})
        add_file(BROWSER_LOGGER, BROWSER_LOGGER, {"name": BROWSER_LOGGER})
    elif log_file_path:
        add_file(service, service)

    line_format = {"()": PipeFormatter}
    console_format = {"()": MemoryLoggingFormatter} if service == "celery" else line_format
    if json:
        line_format = console_format = {"()": JsonFormatter, "service": service}

    to_root = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"file": line_format, "console": console_format},
        "filters": filters,
        "handlers": {"console": console, **files},
        "root": {"level": level, "handlers": ["console", *files]},
        "loggers": {
            # These bring handlers of their own; through the root each record is written once.
            "django": to_root,
            "django.server": to_root,
            "gunicorn.error": to_root,
            "gunicorn.access": {**to_root, "filters": ["health_check", "access_context"]},
            "celery": to_root,
            "flower": to_root,
            "tornado.access": {**to_root, "filters": ["health_check"]},
            # It tells of each request whether an id was found or made.
            "django_guid": {**to_root, "level": "WARNING"},
            **{name: {**to_root, "level": noisy_level} for name in NOISY_LOGGERS},
        },
    }
