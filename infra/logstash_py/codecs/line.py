"""line: as plain, one event a line."""

from __future__ import annotations

from typing import ClassVar

from .. import charset, sprintf
from ..event import Event
from ..lines import Lines
from ..plugin import Decoder, Option, string
from .plain import Plain, message_event


class Line(Plain):
    name = "line"
    options: ClassVar = Plain.options | {"delimiter": Option(string, "\n")}

    def register(self) -> None:
        if not self.delimiter:
            raise self.refuse("delimiter", "the delimiter can't be empty")
        self._text = sprintf.compile((self.format or "%{@timestamp} %{host} %{message}") + self.delimiter)

    def decoder(self, *, stream: bool = False) -> Decoder:
        return _Lines(self)


class _Lines(Decoder):
    def __init__(self, codec: Line) -> None:
        self._convert = charset.converter(codec.charset)
        self._ecs = codec.ecs
        self._lines = Lines(codec.delimiter.encode())

    @property
    def held(self) -> int:
        return self._lines.held

    def decode(self, data: bytes) -> list[Event]:
        return [message_event(self._convert(line), self._ecs) for line in self._lines.cut(data)]

    def flush(self) -> list[Event]:
        rest = self._lines.rest()
        return [message_event(self._convert(rest), self._ecs)] if rest else []


plugin = Line
