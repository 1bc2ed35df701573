"""Hands each record to the handlers that it is for."""

import logging
from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType

from .handlers import LocklessHandler


class Router(LocklessHandler):
    """Hands a record to every handler in `always`, and to the one that `files` has for its logger's first component.

    ``apps.parcels.views`` goes to ``files["apps"]``; to `default`, if any, where `files` has nothing for it.

    Its filters run once for each record, whatever the number of handlers: each of them sees the record when context
    has been added and secrets are gone. In ``dictConfig`` the handlers are references, ``cfg://handlers.<name>``;
    their names must come before the router's own, as handlers are made in the order of their names.
    """

    def __init__(
        self,
        always: Sequence[logging.Handler] = (),
        files: Mapping[str, logging.Handler] = MappingProxyType({}),
        default: logging.Handler | None = None,
    ) -> None:
        super().__init__()
        # By index and by key: dictConfig's own lists and mappings resolve a reference at that moment.
        everywhere = tuple(always[index] for index in range(len(always)))
        by_component = {component: (*everywhere, files[component]) for component in files}
        otherwise = (*everywhere, default) if default else everywhere
        for handler in chain(otherwise, *by_component.values()):
            if not isinstance(handler, logging.Handler):
                raise ValueError(f"the router needs handlers that are made before it, and this is not: {handler!r}")
        self._by_component, self._otherwise = by_component, otherwise

    def emit(self, record: logging.LogRecord) -> None:
        for handler in self._by_component.get(record.name.partition(".")[0], self._otherwise):
            if record.levelno >= handler.level:
                handler.handle(record)
