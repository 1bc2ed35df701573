"""json: a JSON object, with nothing after it."""

from __future__ import annotations

from ..event import Event
from ..text import dump_json
from .json_lines import JsonLines, without_metadata


class Json(JsonLines):
    name = "json"

    def encode(self, event: Event) -> bytes:
        return dump_json(without_metadata(event))


plugin = Json
