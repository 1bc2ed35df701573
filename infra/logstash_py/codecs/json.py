"""json: a JSON object, or an array of them, in each frame."""

from __future__ import annotations

from ..event import Event
from ..text import dump_json
from .json_lines import JsonLines, decode_json, without_metadata


class Json(JsonLines):
    name = "json"

    def decode(self, data: bytes) -> list[Event]:
        return decode_json(data)

    def encode(self, event: Event) -> bytes:
        return dump_json(without_metadata(event))


plugin = Json
