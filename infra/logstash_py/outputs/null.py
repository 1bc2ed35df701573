"""null: events end here."""

from __future__ import annotations

from ..event import Event
from ..plugin import Output


class Null(Output):
    name = "null"

    async def send(self, events: list[Event]) -> None:
        pass


plugin = Null
