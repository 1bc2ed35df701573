"""json: a JSON object, with nothing after it; read, also an array of objects, each an event."""

from __future__ import annotations

from typing import ClassVar

from .. import charset, fieldref
from ..event import Event
from ..plugin import Codec, Decoder, Option, field_reference
from ..plugin import charset as charset_option
from ..text import dump_json, load_json


class Json(Codec):
    name = "json"
    options: ClassVar = {"charset": Option(charset_option, "utf-8"), "target": Option(field_reference)}

    def encode(self, event: Event) -> bytes:
        return dump_json(without_metadata(event))

    def decoder(self, *, stream: bool = False) -> Decoder:
        if stream:
            values = {name: getattr(self, name) for name in ("charset", "target") if name in self.given}
            return self.make_codec("json_lines", **values).decoder(stream=True)
        return Documents(self.charset, self.target)


class Documents(Decoder):
    """Each piece is one JSON text. What is none becomes a message, tagged, as in Logstash."""

    def __init__(self, charset_name: str, target: str | None) -> None:
        self._convert = None if charset_name == "utf-8" else charset.converter(charset_name)
        self._target = fieldref.parse(target) if target else None

    def decode(self, data: bytes) -> list[Event]:
        if self._convert:
            data = self._convert(data).encode()
        objects = _objects(data)
        if objects is None:
            return _failed(data)
        return [_at(self._target, one) for one in objects] if self._target else objects


def without_metadata(event: Event) -> Event:
    return {key: value for key, value in event.items() if key != "@metadata"} if "@metadata" in event else event


def decode_json(data: bytes) -> list[Event]:
    """The events of a JSON text."""
    objects = _objects(data)
    return _failed(data) if objects is None else objects


def _objects(data: bytes) -> list[Event] | None:
    """One object, those of an array, none for an empty text; None for anything else."""
    try:
        value = load_json(data)
    except ValueError:
        return None if data.strip() else []
    items = value if type(value) is list else [value]
    return items if all(type(item) is dict for item in items) else None


def _failed(data: bytes) -> list[Event]:
    return [{"message": charset.from_utf8(data), "tags": ["_jsonparsefailure"]}]


def _at(target: fieldref.Path, value: Event) -> Event:
    event: Event = {}
    fieldref.set_(event, target, value)
    return event


plugin = Json
