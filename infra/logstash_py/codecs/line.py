"""line: one event a line."""

from __future__ import annotations

from ..event import Event
from .plain import Plain


class Line(Plain):
    name = "line"
    ending = "\n"

    def decode(self, data: bytes) -> list[Event]:
        return [{"message": line} for line in data.decode("utf-8", "replace").splitlines()]


plugin = Line
