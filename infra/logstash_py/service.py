"""A pipeline as a service: inputs, workers, outputs, and the way from start to a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time

from . import plugin
from .dead_letters import DeadLetterQueue
from .errors import SettingsError
from .event import Event
from .intake import Batch, Intake
from .monitoring import Monitoring
from .pipeline import Pipeline
from .settings import Settings

logger = logging.getLogger(__name__)

# How long events under way may take to be stored at the end. What isn't by then was not acknowledged: its sender sends
# it again.
DRAIN_SECONDS = 15.0


class Service:
    """`run()` serves until SIGTERM or SIGINT, or until an input or output fails for good (then it raises)."""

    def __init__(self, pipeline: Pipeline, settings: Settings) -> None:
        self.pipeline = pipeline
        self.settings = settings
        self.dead_letters = DeadLetterQueue(settings.path_data, pipeline.id)
        self.intake = Intake(settings.batch_size, settings.batch_delay / 1000)
        self.events_filtered = 0
        self.events_out = 0
        self.filter_seconds = 0.0
        self.started = time.time()
        self._busy = 0
        self._stop = asyncio.Event()

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        """Raises SettingsError when a port is taken, and what an input or a worker raises."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        for output in self.pipeline.outputs:
            await output.start(self.dead_letters)
        inputs = [asyncio.create_task(input_.run(self.intake)) for input_ in self.pipeline.inputs]
        workers = [asyncio.create_task(self._work()) for _ in range(self.settings.workers)]
        others = [asyncio.create_task(self._tick())]
        stop = asyncio.create_task(self._stop.wait())
        try:
            async with Monitoring(self):
                logger.info("pipeline %s started: %d workers", self.pipeline.id, self.settings.workers)
                await self._until_stopped(stop, inputs, [*workers, *others])
                logger.info("stopping: no more events are taken in")
                await self._end(inputs)
                await self._drain()
        except OSError as error:
            raise SettingsError(str(error)) from error
        finally:
            await self._end([*inputs, *workers, *others, stop])
            for output in self.pipeline.outputs:
                await output.stop()
        logger.info("stopped")

    async def _until_stopped(self, stop: asyncio.Task, inputs: list[asyncio.Task], workers: list[asyncio.Task]) -> None:
        waiting = {stop, *inputs, *workers}
        while not stop.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # an input or a worker that failed takes all down
            if inputs and all(task.done() for task in inputs):
                return  # inputs that end, such as a file's, end the pipeline

    @staticmethod
    async def _end(tasks: list[asyncio.Task]) -> None:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while self._busy or not self.intake.empty:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            logger.warning(
                "events under way could not be stored in %s s; their senders will send them again", DRAIN_SECONDS
            )

    async def _work(self) -> None:
        while True:
            batch = await self.intake.batch()
            self._busy += 1
            try:
                await self._process(batch)
            finally:
                self._busy -= 1

    async def _process(self, batch: Batch) -> None:
        pipeline = self.pipeline
        begun = time.perf_counter()
        events = pipeline.run_filters(batch.events)
        routed = pipeline.route(events)
        self.filter_seconds += time.perf_counter() - begun
        self.events_filtered += len(batch.events)
        if pipeline.crashed:
            self._bury_crashed()
        sends = [self._send(output, share) for output, share in zip(pipeline.outputs, routed, strict=True) if share]
        if len(sends) == 1:
            await sends[0]
        elif sends:
            await asyncio.gather(*sends)
        self.events_out += len(events)
        batch.finish()

    @staticmethod
    async def _send(output: plugin.Output, events: list[Event]) -> None:
        output.metrics.events_in += len(events)
        await output.send(events)
        output.metrics.events_out += len(events)

    def _bury_crashed(self) -> None:
        """Where Logstash's pipeline would die, the event goes to the dead letter queue and the others go on."""
        crashed, self.pipeline.crashed[:] = list(self.pipeline.crashed), []
        entries = [(event, f"a filter broke: {type(error).__name__}: {error}") for event, error in crashed]
        self.dead_letters.write(entries, "filter", self.pipeline.id)
        logger.error(
            "%d events broke a filter and went to the dead letter queue %s, the first because: %s",
            len(entries),
            self.dead_letters.path,
            entries[0][1],
        )

    async def _tick(self) -> None:
        """Dictionaries that have changed are read again."""
        watching = [one for one in self.pipeline.filters if hasattr(one, "tick")]
        while True:
            await asyncio.sleep(1)
            for one in watching:
                try:
                    if one.tick():
                        logger.info("%s: the dictionary was read again", one.id)
                except (OSError, ValueError) as error:
                    logger.error("%s: the dictionary can't be read again, the old one stays: %s", one.id, error)
