"""prune: fields are kept or removed by the patterns of their names and values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from .. import fieldref, regex, sprintf
from ..event import Event
from ..plugin import Filter, Option, array, boolean, hash_

Search = Callable[[str], Any]


class Prune(Filter):
    """Fields at the root only. A value of a watched field that is no text (or list of texts) kills Logstash's pipeline.

    With `interpolate` names and patterns may hold sprintf, and patterns are compiled for each event.
    """

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
            return
        for name in self.options:
            value = getattr(self, name)
            try:
                for pattern in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
                    regex.compile(str(pattern))
            except ValueError as error:
                raise self.refuse(name, str(error)) from None

    def apply(self) -> Callable[[Event], None]:
        matched = self.matched()
        by_name = [(self._searches(self.whitelist_names), True), (self._searches(self.blacklist_names), False)]
        by_value = [(self._pairs(self.whitelist_values), True), (self._pairs(self.blacklist_values), False)]

        def prune(event: Event) -> None:
            # All is decided by the event as it came.
            gone: list[tuple[str, list[str] | None]] = []
            for searches, keep in by_name:
                patterns = searches(event)
                if patterns:
                    names = [key for key in event if key != "@metadata"]
                    gone += [(name, None) for name in names if any(search(name) for search in patterns) != keep]
            for pairs, keep in by_value:
                for name, search in pairs(event):
                    value = event.get(name)
                    if value is None or value is False:
                        continue
                    values = value if type(value) is list else [value]
                    out = [one for one in values if bool(search(_text(one))) != keep]
                    if out:
                        gone.append((name, None if len(out) == len(values) else out))
            for name, values in gone:
                path = fieldref.parse(name)
                if values is None:
                    fieldref.remove(event, path)
                else:
                    fieldref.set_(event, path, [one for one in fieldref.get(event, path) if one not in values])
            if matched:
                matched(event)

        return prune

    def _compile(self, pattern: Any) -> Callable[[Event], Search]:
        if self.interpolate:
            text = sprintf.compile(pattern)
            return lambda event: regex.compile(text(event)).pattern.search
        search = regex.compile(str(pattern)).pattern.search
        return lambda event: search

    def _searches(self, patterns: Iterable[Any]) -> Callable[[Event], list[Search]]:
        compiled = [self._compile(pattern) for pattern in patterns]
        return lambda event: [one(event) for one in compiled]

    def _pairs(self, patterns: dict[str, Any]) -> Callable[[Event], list[tuple[str, Search]]]:
        compiled = [
            (sprintf.compile(key) if self.interpolate else (lambda event, key=key: key), self._compile(pattern))
            for key, pattern in patterns.items()
        ]
        return lambda event: [(key(event), search(event)) for key, search in compiled]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"undefined method `match' for {value!r}")
    return value


plugin = Prune
