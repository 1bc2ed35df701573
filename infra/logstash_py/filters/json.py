"""json: a JSON text becomes fields."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

from .. import fieldref
from ..errors import FieldError, InvalidReference
from ..event import Event, tag
from ..plugin import Filter, Option, array, boolean, field_reference, string, target
from ..text import check_depth, load_json, ruby_text
from ..timestamp import Timestamp


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def load(text: Any) -> Any:
    """A JSON document. Of several in one text the last counts; a blank text is null. Raises ValueError."""
    if type(text) is not str:
        raise ValueError("not a text")
    try:
        return load_json(text)
    except ValueError:
        value = _load_last(text.removeprefix("\ufeff"))
        check_depth(value, text)
        return value


def _load_last(text: str) -> Any:
    value, position, end = None, 0, len(text)
    while True:
        while position < end and text[position] in " \t\r\n":
            position += 1
        if position == end:
            return value
        value, position = _decoder.raw_decode(text, position)


class Json(Filter):
    name = "json"
    options: ClassVar = {
        "source": Option(string, required=True),
        "target": Option(field_reference),
        "skip_on_invalid_json": Option(boolean, False),
        "tag_on_failure": Option(array, ["_jsonparsefailure"]),
    }

    def apply(self) -> Callable[[Event], None]:
        get = target(self.source)[0] if isinstance(self.source, str) else _no_reference
        set_ = fieldref.setter(fieldref.parse(self.target)) if self.target else None
        matched = self.matched()
        skip_invalid = self.skip_on_invalid_json

        def fail(event: Event) -> None:
            self.metrics.failures += 1
            for name in self.tag_on_failure:
                tag(event, name)

        def parse(event: Event) -> None:
            try:
                source = get(event)
                if source is None:
                    return
                try:
                    parsed = load(source)
                except (ValueError, RecursionError):
                    if not skip_invalid:
                        fail(event)
                    return
                if set_ is not None:
                    set_(event, parsed)
                elif type(parsed) is dict:
                    _set_root(event, parsed)
                else:
                    fail(event)
                    return
                if matched:
                    matched(event)
            except (FieldError, InvalidReference):
                fail(event)

        return parse


def _no_reference(event: Event) -> Any:
    raise InvalidReference("the source is no field reference")


def _set_root(event: Event, parsed: dict[str, Any]) -> None:
    """The keys of the document are references; an unusable @timestamp is kept aside."""
    timestamp = parsed.pop("@timestamp", None)
    for key, value in parsed.items():
        if "[" in key or "]" in key or key in ("tags", "@metadata"):
            fieldref.set_(event, fieldref.parse(key), value)
        else:
            event[key] = value
    if timestamp is None:
        return
    moment = Timestamp.parse(timestamp) if type(timestamp) is str else None
    if moment is not None:
        event["@timestamp"] = moment
        return
    event["@timestamp"] = Timestamp.now()
    tag(event, "_timestampparsefailure")
    event["_@timestamp"] = ruby_text(timestamp)


plugin = Json
