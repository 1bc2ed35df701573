"""json_lines: one JSON object a line."""

from __future__ import annotations

from typing import ClassVar

from ..event import Event
from ..lines import MAX_LINE, Lines
from ..plugin import Decoder, Option, size, string
from ..text import dump_json
from .json import Documents, Json, without_metadata


class JsonLines(Json):
    name = "json_lines"
    options: ClassVar = Json.options | {
        "delimiter": Option(string, "\n"),
        "decode_size_limit_bytes": Option(size, MAX_LINE),
    }

    def register(self) -> None:
        if not self.delimiter:
            raise self.refuse("delimiter", "the delimiter can't be empty")
        self._ending = self.delimiter.encode()

    def encode(self, event: Event) -> bytes:
        return dump_json(without_metadata(event)) + self._ending

    def decoder(self, *, stream: bool = False) -> Decoder:
        return _Lines(self)


class _Lines(Documents):
    def __init__(self, codec: JsonLines) -> None:
        super().__init__(codec.charset, codec.target)
        self._lines = Lines(codec.delimiter.encode(), codec.decode_size_limit_bytes)

    @property
    def held(self) -> int:
        return self._lines.held

    def decode(self, data: bytes) -> list[Event]:
        return [event for line in self._lines.cut(data) for event in super(_Lines, self).decode(line)]

    def flush(self) -> list[Event]:
        return super().decode(self._lines.rest())


plugin = JsonLines
