"""rubydebug: events for human eyes."""

from __future__ import annotations

from typing import Any, ClassVar

from ..event import Event
from ..plugin import Codec, Option, boolean
from ..text import inspect
from ..timestamp import Timestamp
from .json import without_metadata


class RubyDebug(Codec):
    name = "rubydebug"
    options: ClassVar = {"metadata": Option(boolean, False)}

    def encode(self, event: Event) -> bytes:
        return (_pretty(event if self.metadata else without_metadata(event), 0) + "\n").encode("utf-8", "replace")


def _pretty(value: Any, indent: int) -> str:
    """Keys stand to the right, at one arrow."""
    outer, inner = " " * indent, " " * (indent + 4)
    if isinstance(value, dict) and value:
        keys = {key: inspect(key) for key in value}
        width = max(map(len, keys.values()))
        items = (f"{inner}{text.rjust(width)} => {_pretty(value[key], indent + 4)}" for key, text in keys.items())
        return "{\n" + ",\n".join(items) + f"\n{outer}}}"
    if isinstance(value, list) and value:
        width = len(str(len(value) - 1))
        items = (f"{inner}[{n:>{width}}] {_pretty(item, indent + 4)}" for n, item in enumerate(value))
        return "[\n" + ",\n".join(items) + f"\n{outer}]"
    return str(value) if isinstance(value, Timestamp) else inspect(value)


plugin = RubyDebug
