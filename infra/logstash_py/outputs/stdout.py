"""stdout: events on the standard output."""

from __future__ import annotations

import sys

from ..event import Event
from ..plugin import Output


class Stdout(Output):
    name = "stdout"
    default_codec = "rubydebug"

    async def send(self, events: list[Event]) -> None:
        sys.stdout.buffer.write(b"".join(map(self.codec.encode, events)))
        sys.stdout.buffer.flush()


plugin = Stdout
