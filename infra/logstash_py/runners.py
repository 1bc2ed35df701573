"""All pipelines of one process."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from .intake import Budget
from .runner import Runner
from .sources import Source

# Events are trees: nothing in one refers back, and its memory is free with its last reference. By default the collector
# of cycles goes through the thousands that wait some hundred times a second, to find nothing: a tenth of the time.
COLLECTOR_THRESHOLDS = (50_000, 20, 100)


class Runners:
    """`failed` gets the first error that ends a pipeline; `ended` is set when the inputs of each came to their end."""

    def __init__(self, *, first: bool = True) -> None:
        """`first`: this is the only process, or the first of several."""
        gc.set_threshold(*COLLECTOR_THRESHOLDS)
        self._first = first
        self._budget = Budget()
        self._runners: dict[str, Runner] = {}
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()

    async def add(self, source: Source) -> None:
        """Raises ConfigError, OSError."""
        runner = Runner(source, self._budget, first=self._first)
        await runner.start()
        self._runners[source.id] = runner
        self._watch(runner)

    async def replace(self, source: Source) -> None:
        """Raises what Runner.replace raises."""
        await self._runners[source.id].replace(source)

    async def remove(self, pipeline_id: str) -> None:
        if runner := self._runners.pop(pipeline_id, None):
            await runner.stop()

    async def stop(self) -> None:
        await asyncio.gather(*(runner.stop() for runner in self._runners.values()))

    async def stats(self) -> dict[str, Any]:
        """The figures of each pipeline, by its id."""
        return {name: runner.stats() for name, runner in self._runners.items()}

    def _watch(self, runner: Runner) -> None:
        def failed(future: asyncio.Future[None]) -> None:
            if not future.cancelled() and (error := future.exception()) and not self.failed.done():
                self.failed.set_exception(error)

        runner.failed.add_done_callback(failed)
        runner.on_end = self._look_for_end
        self._look_for_end()

    def _look_for_end(self) -> None:
        if self._runners and all(runner.ended.is_set() for runner in self._runners.values()):
            self.ended.set()
