"""truncate: texts are cut to a number of bytes, between characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from .. import fieldref
from ..errors import InvalidReference
from ..event import Event
from ..plugin import Filter, Option, array, number


class Truncate(Filter):
    """Without `fields` all fields are cut, nested ones too. An object as one of `fields` kills Logstash's pipeline."""

    name = "truncate"
    options: ClassVar = {"fields": Option(array), "length_bytes": Option(number, required=True)}

    def apply(self) -> Callable[[Event], None]:
        limit = int(self.length_bytes)
        matched = self.matched()
        paths = None if self.fields is None else [(str(name), fieldref.parse(str(name))) for name in self.fields]

        def cut(value: Any) -> Any:
            if type(value) is str:
                data = value.encode("utf-8", "surrogatepass")
                return data[:limit].decode("utf-8", "ignore") if len(data) > limit else value
            if type(value) is list:
                return [cut(item) for item in value]
            if type(value) is dict:
                return {key: cut(item) for key, item in value.items()}
            return value

        def truncate(event: Event) -> None:
            changed = False
            if paths is None:
                for key in [key for key in event if not key.startswith("@")]:
                    new = cut(event[key])
                    if new != event[key]:
                        event[key], changed = new, True
            else:
                for name, path in paths:
                    value = fieldref.get(event, path)
                    if type(value) is dict and "[" not in name:
                        raise InvalidReference(f"Invalid FieldReference: `{name}[{next(iter(value), '')}]`")
                    new = cut(value)
                    if new != value:
                        fieldref.set_(event, path, new)
                        changed = True
            if changed and matched:
                matched(event)

        return truncate


plugin = Truncate
