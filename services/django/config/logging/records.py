"""Reads a LogRecord's parts without ever raising: a log call must not fail for odd data."""

import logging
import time
from typing import Any

from .text import lines, one_line, safe_repr, safe_str

# What each LogRecord has; anything else on one came by `extra=` or by the context.
_OWN_ATTRIBUTES = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_STANDARD_LEVELS = (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO)


def timestamp(record: logging.LogRecord) -> str:
    """UTC with milliseconds, e.g. ``2025-02-02T12:34:56.123``."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}"


def level(record: logging.LogRecord) -> str:
    """The level's name, one word; a level without such a name takes the standard one below it."""
    name = record.levelname
    if name.isascii() and name.isalpha():
        return name
    return next((logging.getLevelName(number) for number in _STANDARD_LEVELS if record.levelno >= number), "DEBUG")


def message(record: logging.LogRecord) -> str:
    """The merged message on one line; where its arguments don't fit, the message as written and they after it."""
    try:
        return one_line(record.getMessage())
    except Exception:
        return one_line(f"{safe_str(record.msg)} {safe_repr(record.args)}")


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """What came by `extra=` and by the context."""
    return {key: value for key, value in record.__dict__.items() if key not in _OWN_ATTRIBUTES}


def logger_name(record: logging.LogRecord) -> str:
    """The logger's name, unable to end its field of a pipe line."""
    return one_line(safe_str(record.name)).replace("|", r"\x7c") or "root"


def stack_trace(record: logging.LogRecord) -> list[str]:
    """The lines of the record's traceback and of its stack; none when it has neither."""
    return [*lines(_traceback(record)), *lines(safe_str(record.stack_info or ""))]


def _traceback(record: logging.LogRecord) -> str:
    # Kept in exc_text, as logging.Formatter keeps it for the next handler.
    if not record.exc_text and record.exc_info and record.exc_info[0]:
        try:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        except Exception:
            record.exc_text = f"{safe_repr(record.exc_info)} (its traceback could not be formatted)"
    return record.exc_text or ""
