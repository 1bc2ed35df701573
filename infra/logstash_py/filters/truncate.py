"""truncate: texts are cut to a number of bytes, between characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from .. import fieldref
from ..event import Event
from ..plugin import Filter, Option, array, number


class Truncate(Filter):
    """Without `fields` all fields are cut, nested ones too. An object as one of `fields` that isn't written in brackets
    kills Logstash's pipeline: `v[k]` is no field reference."""

    name = "truncate"
    options: ClassVar = {"fields": Option(array), "length_bytes": Option(number, required=True)}

    def apply(self) -> Callable[[Event], None]:
        limit = int(self.length_bytes)
        matched = self.matched()
        names = None if self.fields is None else list(map(str, self.fields))

        def trim(text: str) -> str | None:
            data = text.encode("utf-8", "surrogatepass")
            if len(data) <= limit:
                return text
            return data[:limit].decode("utf-8", "ignore") if limit >= 0 else None

        def cut(event: Event, name: str) -> bool:
            """Whether the field was changed."""
            path = fieldref.parse(name)
            value = fieldref.get(event, path)
            if type(value) is dict:
                return any([cut(event, f"{name}[{key}]") for key in value])
            if type(value) is str:
                new = trim(value)
            elif type(value) is list:
                # Only the texts in it: not what is deeper.
                new = [trim(item) if type(item) is str else item for item in value]
            else:
                return False
            if new == value:
                return False
            fieldref.set_(event, path, new)
            return True

        def truncate(event: Event) -> None:
            fields = names if names is not None else [f"[{key}]" for key in event if key != "@metadata"]
            changed = [cut(event, name) for name in fields]
            if any(changed) and matched:
                matched(event)

        return truncate


plugin = Truncate
