"""prune: fields are kept or removed by the patterns of their names and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from .. import regex
from ..event import Event
from ..plugin import Filter, Option, array, boolean, hash_
from ..text import ruby_text


class Prune(Filter):
    """Fields at the root only. `interpolate` is not supported."""

    name = "prune"
    options: ClassVar = {
        "whitelist_names": Option(array, []),
        "blacklist_names": Option(array, ["%{[^}]+}"]),
        "whitelist_values": Option(hash_, {}),
        "blacklist_values": Option(hash_, {}),
        "interpolate": Option(boolean, False),
    }

    def register(self) -> None:
        if self.interpolate:
            raise self.refuse("interpolate", "interpolate => true is not supported")
        try:
            self._keep = self._any(self.whitelist_names) if self.whitelist_names else None
            self._remove = self._any(self.blacklist_names) if self.blacklist_names else None
            self._keep_values = {key: regex.compile(str(p)).pattern.search for key, p in self.whitelist_values.items()}
            self._remove_values = {
                key: regex.compile(str(p)).pattern.search for key, p in self.blacklist_values.items()
            }
        except ValueError as error:
            raise self.refuse("whitelist_names", str(error)) from None

    @staticmethod
    def _any(patterns: list[str]) -> Callable[[str], Any]:
        searches = [regex.compile(str(pattern)).pattern.search for pattern in patterns]
        return lambda name: any(search(name) for search in searches)

    def apply(self) -> Callable[[Event], None]:
        matched = self.matched()

        def prune(event: Event) -> None:
            for name in [key for key in event if key != "@metadata"]:
                if (self._keep and not self._keep(name)) or (self._remove and self._remove(name)):
                    del event[name]
            for searches, keep in ((self._keep_values, True), (self._remove_values, False)):
                for name, search in searches.items():
                    if name in event:
                        self._prune_value(event, name, search, keep)
            if matched:
                matched(event)

        return prune

    @staticmethod
    def _prune_value(event: Event, name: str, search: Callable[[str], Any], keep: bool) -> None:
        value = event[name]
        if type(value) is list:
            left = [item for item in value if (search(ruby_text(item)) is not None) == keep]
            if left:
                event[name] = left
            else:
                del event[name]
        elif (search(ruby_text(value)) is not None) != keep:
            del event[name]


plugin = Prune
