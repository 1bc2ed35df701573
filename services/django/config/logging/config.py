"""Builds the dictionary for `logging.config.dictConfig`: Django's LOGGING, gunicorn's and Celery's alike."""

import logging
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .background import BackgroundHandler
from .catalogue import Catalogue
from .files import SharedRotatingFileHandler
from .filters import AccessContextFilter, ContextFilter, HealthCheckFilter, SamplingFilter, TaskContextFilter
from .formatters import JsonFormatter, MemoryLoggingFormatter, PipeFormatter
from .logstash import LogstashFormatter
from .redaction import PERSONAL, RedactionFilter
from .routing import Router

MAX_BYTES = 10 * 2**20
BACKUPS = 5

# Each writes a line or more for each call of theirs.
NOISY_LOGGERS = ("boto", "boto3", "botocore", "s3transfer", "urllib3", "nose")
# Asked every few seconds: health checks, which say nothing, and the live tail of the logs, which would show itself.
UNLOGGED_PATHS = ("/health", "/auth-health", "/flower/healthcheck", "/api/logs/explorer/tail/")
# The service whose records are split into one file for each stream.
SPLIT_SERVICE = "django"
# Loggers under this name hold what browsers report: a file and a service of its own.
BROWSER_LOGGER = "react"
# Streams that have a file of their own; the others share app.log.
FILE_STREAMS = ("django", "server", "system", "aws", "network")
DEFAULT_FILE = "app"

# These, or the servers that they belong to, bring handlers of their own; through the root each record is written once.
OWN_HANDLERS = (
    *("django", "django.server", "gunicorn.error", "gunicorn.access", "celery", "flower", "tornado.access"),
    *("uvicorn.error", "uvicorn.access", "daphne.server"),
)
# What they say at DEBUG holds tokens, frames or commands: too much, and too private.
NEVER_DEBUG = (
    *("channels", "channels_redis", "daphne", "uvicorn", "websockets", "redis"),
    *("oauthlib", "requests_oauthlib", "oauth2_provider", "authlib", "social_core"),
)
# They tell of each request: whether an id was found or made, and that Elasticsearch was asked.
WARNINGS_ONLY = ("django_guid", "elastic_transport")


def build_logging(
    *,
    service: str,
    catalogue_path: str | Path,
    production: bool = False,
    level: str = "INFO",
    noisy_level: str = "CRITICAL",
    console_level: str | None = None,
    log_file_path: str | Path | None = None,
    files: bool = True,
    json: bool = False,
    background: bool = False,
    sampling: Mapping[str, float] | None = None,
    redact: Collection[str] = PERSONAL,
    logstash: tuple[str, int] | None = None,
    logstash_ca: str | None = None,
    group: str = "pt",
    max_bytes: int = MAX_BYTES,
    backups: int = BACKUPS,
) -> dict[str, Any]:
    """The logging configuration of one process of `service`; `from_environment` gives most of the options.

    Records go to the console and, when `log_file_path` is given, to files below it: ``<service>/<service>.log``, or
    for django one file a stream of the catalogue and ``react/react.log``. Files rotate at `max_bytes` and keep
    `backups` older ones. The handlers:

    - ``console_verbose`` in development: pipe lines; the Celery worker's with memory figures.
    - ``console_json`` in production, and with `json`: JSON, for what collects the console, such as Kubernetes. Beside
      files it shows errors alone in production, as the files are what is collected then.
    - ``file_<name>``: the files, as pipe lines or `json`.
    - ``file_error``: where `files` is false, ``<service>/error.log`` takes errors all the same: a backup of the
      console's.
    - ``logstash``: Logstash's tcp input at `logstash`, (host, port), by the package python-logstash-async.
    - ``router``: hands each record to those. It, or ``router_thread`` before it with `background`, is the root's only
      one.

    In production no DEBUG record is made, whatever `level`, `noisy_level` and `console_level` say. `sampling` is
    `SamplingFilter`'s; `redact` names the personal data that goes with the secrets.

    Raises ValueError when the catalogue can't be read, or `logstash` is given without its package.
    """
    if logstash and not find_spec("logstash_async"):
        raise ValueError("LOGSTASH_TCP is set, but its handler is not installed: pip install python-logstash-async")
    catalogue = Catalogue.load(catalogue_path)
    split = service == SPLIT_SERVICE
    if production:
        level, noisy_level = _at_least("INFO", level), _at_least("INFO", noisy_level)
    if console_level is None:
        console_level = "ERROR" if production and log_file_path and files else "NOTSET"

    pipe = {"()": PipeFormatter}
    as_json = {"()": JsonFormatter, "service": service}
    formatters: dict[str, dict[str, Any]] = {
        "file": as_json if json else pipe,
        "console": as_json if json or production else {"()": MemoryLoggingFormatter} if service == "celery" else pipe,
    }

    handlers: dict[str, dict[str, Any]] = {}
    console = "console_json" if json or production else "console_verbose"
    handlers[console] = {"class": "logging.StreamHandler", "level": console_level, "formatter": "console"}
    always = [console]
    routes: dict[str, Any] = {}

    def add_file(name: str, folder: str, level: str = "NOTSET") -> str:
        handlers[f"file_{name}"] = {
            "()": SharedRotatingFileHandler,
            "filename": str(Path(log_file_path or "") / folder / f"{name}.log"),
            "level": level,
            "max_bytes": max_bytes,
            "backups": backups,
            "formatter": "file",
        }
        return f"file_{name}"

    if log_file_path and not files:
        always.append(add_file("error", service, level="ERROR"))
    elif log_file_path and split:
        names = {stream: add_file(stream, service) for stream in FILE_STREAMS}
        default = add_file(DEFAULT_FILE, service)
        routes["files"] = {
            component: _reference(names.get(stream, default)) for component, stream in catalogue.components().items()
        }
        routes["files"][BROWSER_LOGGER] = _reference(add_file(BROWSER_LOGGER, BROWSER_LOGGER))
        routes["default"] = _reference(default)
    elif log_file_path:
        always.append(add_file(service, service))

    if logstash:
        formatters["logstash"] = {
            "()": LogstashFormatter,
            "line": JsonFormatter(service) if json else PipeFormatter(),
            "catalogue": catalogue,
            "service": service,
            "services": {BROWSER_LOGGER: BROWSER_LOGGER} if split else {},
            "group": group,
        }
        handlers["logstash"] = {
            "class": "logstash_async.handler.AsynchronousLogstashHandler",
            "formatter": "logstash",
            "host": logstash[0],
            "port": logstash[1],
            "database_path": None,  # in memory
            "event_ttl": 600,  # seconds without Logstash; the files have them all
            "ssl_enable": logstash_ca is not None,
            "ca_certs": logstash_ca,
        }
        always.append("logstash")

    filters: dict[str, dict[str, Any]] = {
        "context": {"()": ContextFilter},
        "redaction": {"()": RedactionFilter, "personal": tuple(redact)},
        "health_check": {"()": HealthCheckFilter, "paths": UNLOGGED_PATHS},
        "access_context": {"()": AccessContextFilter},
        "task": {"()": TaskContextFilter},
    }
    # What needs the caller's own context, and then what needs but the record.
    at_once = ["context"]
    if sampling:
        filters["sampling"] = {"()": SamplingFilter, "rates": dict(sampling)}
        at_once.insert(0, "sampling")
    handlers["router"] = {
        "()": Router,
        "filters": [*([] if background else at_once), "redaction"],
        "always": [_reference(name) for name in always],
        **routes,
    }
    front = "router"
    if background:
        front = "router_thread"
        handlers[front] = {"()": BackgroundHandler, "filters": at_once, "target": _reference("router")}
    if production:
        handlers[front]["level"] = "INFO"  # a logger that code has set to DEBUG

    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": formatters,
        "filters": filters,
        "handlers": handlers,
        "root": {"level": level, "handlers": [front]},
        "loggers": {
            **{name: _to_root() for name in OWN_HANDLERS},
            **{name: _to_root(level=_at_least("INFO", level)) for name in NEVER_DEBUG},
            **{name: _to_root(level=_at_least("WARNING", level)) for name in WARNINGS_ONLY},
            **{name: _to_root(level=noisy_level) for name in NOISY_LOGGERS},
            "gunicorn.access": _to_root(filters=["health_check", "access_context"]),
            "uvicorn.access": _to_root(filters=["health_check", "access_context"]),
            "tornado.access": _to_root(filters=["health_check"]),
            "celery.app.trace": _to_root(filters=["task"]),
            "celery.worker.strategy": _to_root(filters=["task"]),
        },
    }


def _at_least(least: str, level: str) -> str:
    number = logging.getLevelNamesMapping()
    # An unknown level is left for dictConfig to refuse.
    return least if number.get(level, number["CRITICAL"]) < number[least] else level


def _to_root(**options: Any) -> dict[str, Any]:
    return {"handlers": [], "propagate": True, **options}


def _reference(handler: str) -> str:
    return f"cfg://handlers.{handler}"
