"""Filters: which records a handler takes, and what is added to them on the way."""

import logging
from collections.abc import Collection

from . import context
from .catalogue import Catalogue


class StreamFilter(logging.Filter):
    """Passes records whose logger belongs to one of `streams`, except those of the logger `excluding`."""

    def __init__(self, catalogue: Catalogue, streams: Collection[str], excluding: str | None = None) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._streams = frozenset(streams)
        self._excluded = logging.Filter(excluding) if excluding else None

    def filter(self, record: logging.LogRecord) -> bool:
        if self._catalogue.stream(record.name) not in self._streams:
            return False
        return not (self._excluded and self._excluded.filter(record))


class ContextFilter(logging.Filter):
    """Adds the log context to each record. What the record has by `extra=` wins."""

    def filter(self, record: logging.LogRecord) -> bool:
        for key, value in context.current().items():
            record.__dict__.setdefault(key, value)
        return True


class HealthCheckFilter(logging.Filter):
    """Drops access records of health checks, whatever their query string: they come every few seconds and say nothing.

    Reads gunicorn's access records, whose arguments are a mapping of atoms (`U` is the path), and tornado's, whose
    second argument is ``METHOD URI (address)``.
    """

    def __init__(self, paths: Collection[str]) -> None:
        super().__init__()
        self._paths = frozenset(paths)

    def filter(self, record: logging.LogRecord) -> bool:
        match record.args:
            case {"U": path}:
                return path not in self._paths
            case (_, str(summary), *_) if len(words := summary.split(" ")) > 1:
                return words[1].partition("?")[0] not in self._paths
        return True


class AccessContextFilter(logging.Filter):
    """Adds request_id, status and duration_ms to gunicorn's access records, from the atoms of each."""

    def filter(self, record: logging.LogRecord) -> bool:
        atoms = record.args
        if isinstance(atoms, dict):
            record.status, record.duration_ms = atoms.get("s"), atoms.get("M")
            if request_id := atoms.get("{x-request-id}o"):
                record.request_id = request_id
        return True


class TaskContextFilter(logging.Filter):
    """Turns the `data` that Celery's own records carry into task_id, task_name and, at the end, duration_ms.

    `data` (``celery.worker.strategy``, ``celery.app.trace``) holds arguments and results too: these may be private and
    stay out of the files.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        data = record.__dict__.get("data")
        if record.name.startswith("celery.") and isinstance(data, dict) and "id" in data:
            del record.data
            record.task_id, record.task_name = data["id"], data.get("name")
            if "runtime" in data:
                record.duration_ms = round(data["runtime"] * 1000, 1)
        return True
