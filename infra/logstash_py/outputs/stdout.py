"""stdout: events on the standard output."""

from __future__ import annotations

import sys
from typing import ClassVar

from ..event import Event
from ..plugin import Option, Output, codec


class Stdout(Output):
    name = "stdout"
    options: ClassVar = {"codec": Option(codec)}

    def register(self) -> None:
        self.codec = self.codec or codec("rubydebug")

    async def send(self, events: list[Event]) -> None:
        sys.stdout.buffer.write(b"".join(map(self.codec.encode, events)))
        sys.stdout.buffer.flush()


plugin = Stdout
