"""Reads a LogRecord's parts without ever raising: a log call must not fail for odd data."""

import functools
import itertools
import logging
import time
from typing import Any

from .text import cut, lines, one_line, safe_repr, safe_str

# What each LogRecord has; anything else on one came by `extra=` or by the context.
_OWN = len(logging.makeLogRecord({}).__dict__)
_OWN_ATTRIBUTES = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
MAX_NAME = 512
_STANDARD_LEVELS = (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO)


def timestamp(record: logging.LogRecord) -> str:
    """UTC with milliseconds, e.g. ``2025-02-02T12:34:56.123``."""
    return f"{_second(int(record.created))}.{int(record.msecs):03d}"


@functools.lru_cache(maxsize=16)
def _second(time_stamp: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time_stamp))


def level(record: logging.LogRecord) -> str:
    """The level's name, one word; a level without such a name takes the standard one below it."""
    name = record.levelname
    if name.isascii() and name.isalpha():
        return name
    return next((logging.getLevelName(number) for number in _STANDARD_LEVELS if record.levelno >= number), "DEBUG")


def raw_message(record: logging.LogRecord) -> str:
    """The merged message as it was given; where its arguments don't fit, the message as written and they after it."""
    try:
        return record.getMessage()
    except Exception:
        return f"{safe_str(record.msg)} {safe_repr(record.args)}"


def message(record: logging.LogRecord) -> str:
    """`raw_message` on one line, no longer than `text.MAX_TEXT` and its escapes."""
    return one_line(cut(raw_message(record)))


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """What came by `extra=` and by the context."""
    # LogRecord's constructor sets its own first; formatters of others add some later.
    added = itertools.islice(record.__dict__.items(), _OWN, None)
    return {key: value for key, value in added if key not in _OWN_ATTRIBUTES}


def logger_name(record: logging.LogRecord) -> str:
    """The logger's name, unable to end its field of a pipe line."""
    return _field(safe_str(record.name))


@functools.lru_cache(maxsize=1024)
def _field(name: str) -> str:
    return one_line(cut(name, MAX_NAME)).replace("|", r"\x7c") or "root"


def traceback(record: logging.LogRecord) -> str:
    """The record's traceback as text, empty without one; kept in `exc_text`, where logging.Formatter looks for it."""
    if not record.exc_text and record.exc_info and record.exc_info[0]:
        try:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        except Exception:
            record.exc_text = f"{safe_repr(record.exc_info)} (its traceback could not be formatted)"
    return record.exc_text or ""


def stack_trace(record: logging.LogRecord) -> list[str]:
    """The lines of the record's traceback and of its stack; none when it has neither."""
    if not (record.exc_info or record.exc_text or record.stack_info):
        return []
    return [*lines(cut(traceback(record))), *lines(cut(safe_str(record.stack_info or "")))]
