"""Inputs in the test's own process, where the test is the pipeline behind them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from logstash_py import Pipeline
from logstash_py.event import Event
from logstash_py.intake import Batch, Intake

SECONDS = 10


class Taken(Batch):
    """A batch that keeps its events as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []

    def add(self, events: list[Event]) -> None:
        self.events += events


def intake(batch_size: int) -> Intake:
    return Intake(batch_size, 0.01, Taken)


@contextlib.asynccontextmanager
async def running(config: str, batch_size: int = 100, **environ: str) -> AsyncIterator[Running]:
    """The only input of a configuration, at work."""
    (input_,) = Pipeline.from_text(config, environ).inputs
    one = Running(input_, intake(batch_size))
    try:
        async with asyncio.timeout(60):
            yield one
    finally:
        one.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await one.task


class Running:
    def __init__(self, input_: Any, intake: Intake) -> None:
        self.input = input_
        self.intake = intake
        self.task = asyncio.create_task(input_.run(intake))

    async def events(self, count: int) -> list[dict]:
        """The next `count` events, which count as stored then."""
        events: list[dict] = []
        while len(events) < count:
            getting = asyncio.create_task(self.intake.batch())
            done, _ = await asyncio.wait([getting, self.task], timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if getting not in done:
                getting.cancel()
                if self.task in done:
                    self.task.result()
                raise AssertionError(f"{count} events were awaited for {SECONDS} s, came {events}")
            batch = getting.result()
            events += batch.events
            batch.finish()
        assert len(events) == count, events
        return events

    async def connect(self, port: int, **arguments: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    return await asyncio.open_connection("127.0.0.1", port, **arguments)
                except ConnectionRefusedError:
                    if self.task.done():
                        self.task.result()
                    await asyncio.sleep(0.01)

    async def until(self, what: str, condition: Any) -> Any:
        try:
            async with asyncio.timeout(SECONDS):
                while not (found := condition()):
                    await asyncio.sleep(0.01)
                return found
        except TimeoutError:
            raise AssertionError(f"{what} was awaited for {SECONDS} s") from None
