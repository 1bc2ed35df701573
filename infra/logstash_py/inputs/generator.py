"""generator: events made up, to try a pipeline. `count` 0 means without end; its end ends the input."""

from __future__ import annotations

import asyncio
from socket import gethostname
from typing import ClassVar

from ..event import Event
from ..intake import Delivery, Intake
from ..plugin import Input, Option, array, number, string


class Generator(Input):
    name = "generator"
    options: ClassVar = {
        "message": Option(string, "Hello world!"),
        "lines": Option(array),
        "count": Option(number, 0),
        "threads": Option(number, 1),
    }

    def register(self) -> None:
        if self.message == "stdin":
            raise self.refuse("message", "message => stdin is not supported: use the input stdin")
        if self.threads < 1:
            raise self.refuse("threads", "threads must be 1 or more")
        self.codec.decoder()
        self._build = self.builder()
        self._host = ("host", "name") if self.ecs else ("host",)
        self._sequence = ("event", "sequence") if self.ecs else ("sequence",)
        self._texts = [str(line).encode() for line in (self.lines if self.lines is not None else [self.message])]

    async def run(self, intake: Intake) -> None:
        await asyncio.gather(*(self._generate(intake) for _ in range(int(self.threads))))

    async def _generate(self, intake: Intake) -> None:
        if not self._texts:
            return
        decoder = self.codec.decoder()
        host = gethostname()
        number_ = 0
        batch: list[Event] = []
        while not self.count or number_ < self.count:
            fields = {self._host: host, self._sequence: number_}
            batch += [self._build(one, fields) for text in self._texts for one in decoder.decode(text)]
            number_ += 1
            if len(batch) >= intake.batch_size:
                await self._put(batch, intake)
                batch = []
            elif not number_ % 1000:
                # A codec that completes no event must not stop all else.
                await asyncio.sleep(0)
        await self._put(batch + [self._build(one, {self._host: host}) for one in decoder.flush()], intake)

    async def _put(self, batch: list[Event], intake: Intake) -> None:
        await intake.put(Delivery(batch, lambda: None), self.metrics)


plugin = Generator
