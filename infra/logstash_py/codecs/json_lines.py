"""json_lines: one JSON object a line."""

from __future__ import annotations

from typing import Any, ClassVar

from ..event import Event
from ..plugin import Codec, Option, one_of
from ..text import dump_json, load_json


class JsonLines(Codec):
    name = "json_lines"
    options: ClassVar = {"charset": Option(one_of("UTF-8"), "UTF-8")}

    def encode(self, event: Event) -> bytes:
        return dump_json(without_metadata(event)) + b"\n"


def without_metadata(event: Event) -> Event:
    return {key: value for key, value in event.items() if key != "@metadata"} if "@metadata" in event else event


def decode_json(data: bytes) -> list[dict[str, Any]]:
    """The objects of a JSON text: one, or those of an array. What is no JSON becomes a message with a tag, as in
    Logstash."""
    try:
        value = load_json(data)
    except ValueError:
        return [{"message": data.decode("utf-8", "replace"), "tags": ["_jsonparsefailure"]}]
    items = value if type(value) is list else [value]
    if not all(type(item) is dict for item in items):
        return [{"message": data.decode("utf-8", "replace"), "tags": ["_jsonparsefailure"]}]
    return items


plugin = JsonLines
