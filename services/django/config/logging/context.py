"""The log context: values that every record of a request or a task carries.

Held in one context variable, so each request and each task has its own, in threads and in coroutines alike.
Usual keys: request_id, user_id, tenant, path, method, task_id, task_name, and duration_ms: `stopwatch`.
"""

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

_EMPTY: Mapping[str, Any] = MappingProxyType({})
_context: ContextVar[Mapping[str, Any]] = ContextVar("log_context", default=_EMPTY)


def current() -> Mapping[str, Any]:
    """The values bound now, read-only."""
    return _context.get()


def bind(**values: Any) -> None:
    """Add `values` to the context, over older ones of the same name. A callable is called for each record."""
    # A new mapping each time: a context copied for another thread or task keeps what it had.
    _context.set(MappingProxyType({**_context.get(), **values}))


def clear() -> None:
    _context.set(_EMPTY)


def stopwatch() -> Callable[[], float]:
    """A function that returns the milliseconds since now: ``bind(duration_ms=stopwatch())``."""
    started = time.perf_counter()
    return lambda: round((time.perf_counter() - started) * 1000, 1)
