"""Filters: which records are taken, and what is added to them on the way. What is taken out of them: redaction.py."""

import functools
import logging
import random
import zlib
from collections.abc import Collection, Mapping

from . import context


class ContextFilter(logging.Filter):
    """Adds the log context to each record, a callable's value for it. What the record has by `extra=` wins."""

    def filter(self, record: logging.LogRecord) -> bool:
        attributes = record.__dict__
        for key, value in context.current().items():
            if key not in attributes:
                attributes[key] = value() if callable(value) else value
        return True


class SamplingFilter(logging.Filter):
    """Passes a part of what chatty loggers say below WARNING; each of these records has its share as `sample_rate`.

    `rates` maps a logger's name to a share from 0 to 1; it holds for the loggers below it too, the longest name that
    fits counts: ``{"django.db.backends": 0.01}``. All records of one request, or of one task, are taken or left
    together.
    """

    def __init__(self, rates: Mapping[str, float]) -> None:
        super().__init__()
        self._rates = dict(rates)
        self._rate = functools.lru_cache(maxsize=1024)(self._find_rate)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING or (rate := self._rate(record.name)) is None:
            return True
        bound = context.current()
        together = bound.get("request_id") or bound.get("task_id")
        # crc32 spreads any id evenly over 32 bits, and the same way in each process.
        chance = zlib.crc32(str(together).encode("utf-8", "replace")) / 2**32 if together else random.random()  # noqa: S311
        if chance >= rate:
            return False
        record.sample_rate = rate
        return True

    def _find_rate(self, name: str) -> float | None:
        while name not in self._rates and name:
            name = name.rpartition(".")[0]
        return self._rates.get(name)


class HealthCheckFilter(logging.Filter):
    """Drops access records of health checks, whatever their query string: they come every few seconds and say nothing.

    Reads the access records of gunicorn, whose arguments are a mapping of atoms (`U` is the path), of tornado, whose
    second argument is ``METHOD URI (address)``, and of uvicorn: ``(address, METHOD, URI, version, status)``.
    """

    def __init__(self, paths: Collection[str]) -> None:
        super().__init__()
        self._paths = frozenset(paths)

    def filter(self, record: logging.LogRecord) -> bool:
        match record.args:
            case {"U": path}:
                return path not in self._paths
            case (_, _, str(uri), _, int()):
                return uri.partition("?")[0] not in self._paths
            case (_, str(summary), *_) if len(words := summary.split(" ")) > 1:
                return words[1].partition("?")[0] not in self._paths
        return True


class AccessContextFilter(logging.Filter):
    """Adds request_id, status and duration_ms to gunicorn's access records, status to uvicorn's: from their
    arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        match record.args:
            case dict() as atoms:
                record.status, record.duration_ms = atoms.get("s"), atoms.get("M")
                if request_id := atoms.get("{x-request-id}o"):
                    record.request_id = request_id
            case (_, _, _, _, int(status)):
                record.status = status
        return True


class TaskContextFilter(logging.Filter):
    """Turns the `data` that Celery's own records carry into task_id, task_name and, at the end, duration_ms.

    `data` (``celery.worker.strategy``, ``celery.app.trace``) holds arguments and results too: these may be private and
    stay out of the files.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        data = record.__dict__.get("data")
        if isinstance(data, dict) and "id" in data and record.name.startswith("celery."):
            del record.__dict__["data"]
            record.task_id, record.task_name = data["id"], data.get("name")
            if "runtime" in data:
                record.duration_ms = round(data["runtime"] * 1000, 1)
        return True
