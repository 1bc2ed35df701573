"""What the service says of itself: lines on the standard error, as text or as JSON, in Logstash's own forms."""

from __future__ import annotations

import json
import logging
import sys

_LEVELS = {
    "fatal": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": logging.DEBUG,
}
_NAMES = {"CRITICAL": "FATAL", "WARNING": "WARN"}


class _Plain(logging.Formatter):
    """[2025-02-02T12:34:56,123][INFO ][logstash_py.service] message"""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s,%03d"

    def format(self, record: logging.LogRecord) -> str:
        record.level = _NAMES.get(record.levelname, record.levelname)
        return super().format(record)


class _Json(logging.Formatter):
    """One object a line, with the keys of Logstash's log.format: json."""

    def format(self, record: logging.LogRecord) -> str:
        event = {"message": record.getMessage()}
        if record.exc_info:
            event["stacktrace"] = self.formatException(record.exc_info)
        entry = {
            "level": _NAMES.get(record.levelname, record.levelname),
            "loggerName": record.name,
            "timeMillis": int(record.created * 1000),
            "thread": record.processName,
            "logEvent": event,
        }
        return json.dumps(entry, ensure_ascii=False)


def configure(level: str = "info", form: str = "plain") -> None:
    """`level` and `form` as in log.level and log.format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Plain("[%(asctime)s][%(level)-5s][%(name)s] %(message)s"))
    logging.basicConfig(level=_LEVELS[level], handlers=[handler])
    # Each request that fails is told by the output, once in a while; the transport would tell of every one.
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)
