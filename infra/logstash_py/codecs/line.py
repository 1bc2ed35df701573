"""line: as plain, one event a line."""

from __future__ import annotations

from .plain import Plain


class Line(Plain):
    name = "line"
    ending = "\n"


plugin = Line
