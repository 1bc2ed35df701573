"""One pipeline at work in this process: inputs, batches, outputs, and its exchange for another while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from . import plugin
from .dead_letters import DeadLetterQueue
from .event import Event
from .intake import Batch, Budget, Intake
from .pipeline import Pipeline
from .plugin import Metrics
from .sources import Source

logger = logging.getLogger(__name__)

# How long events under way may take to be stored at the end. What isn't by then was not acknowledged: its sender sends
# it again.
DRAIN_SECONDS = 15.0
# Batches that are being stored at once, while another fills.
BATCHES = 3
# An input that can't start, such as for a taken port, says so at once.
_START_SECONDS = 0.5


class Runner:
    """`failed` gets the error of an input or a worker that broke; `ended` is set, and `on_end` called, when all inputs
    came to their end."""

    def __init__(self, source: Source, budget: Budget, *, first: bool = True) -> None:
        """`first`: this is the only process, or the first of several. Raises ConfigError."""
        settings = source.settings
        self.source = source
        self.pipeline = source.compile()
        self.dead_letters = DeadLetterQueue(settings.dead_letter_folder, settings.dead_letter_max_bytes)
        self.intake = Intake(settings.batch_size, settings.batch_delay / 1000, self._open_batch, budget)
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()
        self.on_end: Callable[[], None] = lambda: None
        self.events_filtered = 0
        self.events_out = 0
        # Seconds in filters and outputs.
        self.seconds = 0.0
        self._first = first
        self._inputs: dict[plugin.Input, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._retiring: set[asyncio.Task[None]] = set()
        # Batches under way, by their pipeline: an old one's outputs stop after its last batch.
        self._under_way: Counter[Pipeline] = Counter()

    @property
    def id(self) -> str:
        return self.source.id

    async def start(self) -> None:
        """Raises OSError when an input can't start."""
        for output in self.pipeline.outputs:
            await output.start(self.dead_letters)
        batches = 1 if self.source.settings.ordered == "true" else BATCHES
        self._tasks = [self._watched(self._work()) for _ in range(batches)] + [self._watched(self._tick())]
        await self._start_inputs(self.pipeline.inputs)
        self._look_for_end()
        logger.info("pipeline %s started", self.id)

    async def replace(self, source: Source) -> None:
        """Goes over to another source between two batches. An input that stays the same goes on, with its connections.

        Raises ConfigError, OSError, or what else a plugin raises that can't start; then all is as before.
        """
        new, old = source.compile(), self.pipeline
        kept = _pair(old.inputs, new.inputs)
        new.inputs[:] = [kept.get(one, one) for one in new.inputs]
        started: list[plugin.Output] = []
        gone = [one for one in old.inputs if one not in new.inputs]
        try:
            for output in new.outputs:
                started.append(output)
                await output.start(self.dead_letters)
            await self._end_inputs(gone)
            await self._start_inputs([one for one in new.inputs if one not in old.inputs], _START_SECONDS)
        except BaseException:
            for output in started:
                await output.stop()
            await self._start_inputs([one for one in gone if one not in self._inputs])
            raise
        self.pipeline, self.source = new, source
        self.intake.complete()
        self.intake.batch_size, self.intake.batch_delay = (
            source.settings.batch_size,
            source.settings.batch_delay / 1000,
        )
        self.dead_letters.max_bytes = source.settings.dead_letter_max_bytes
        retiring = self._watched(self._retire(old, new))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)
        self._look_for_end()

    async def _retire(self, old: Pipeline, new: Pipeline) -> None:
        """Ends an old pipeline's outputs after its last batch."""
        while self._under_way[old]:
            await asyncio.sleep(0.01)
        del self._under_way[old]
        for output in old.outputs:
            await output.stop()
        _carry_over(old, new)

    async def stop(self) -> None:
        """Takes in nothing more, stores what is under way, and ends."""
        self.intake.close()
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while self._under_way.total() or not self.intake.empty:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            logger.warning(
                "pipeline %s: events under way could not be stored in %s s; their senders will send them again",
                self.id,
                DRAIN_SECONDS,
            )
        await self._end_inputs(list(self._inputs))
        await _end([*self._tasks, *self._retiring])
        for output in self.pipeline.outputs:
            await output.stop()
        logger.info("pipeline %s stopped", self.id)

    # Inputs

    async def _start_inputs(self, inputs: list[plugin.Input], patience: float = 0) -> None:
        """Raises what an input raises within `patience` seconds; later it goes to `failed`."""
        starting = {one: asyncio.create_task(one.run(self.intake)) for one in inputs if self._first or one.listens}
        if starting and patience:
            done, _ = await asyncio.wait(starting.values(), timeout=patience, return_when=asyncio.FIRST_EXCEPTION)
            failed = [task for task in done if task.exception()]
            if failed:
                await _end(list(starting.values()))
                failed[0].result()
        self._inputs |= starting
        for task in starting.values():
            task.add_done_callback(self._input_ended)

    async def _end_inputs(self, inputs: list[plugin.Input]) -> None:
        await _end([self._inputs.pop(one) for one in inputs if one in self._inputs])

    def _input_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._take_failure(task)
            self._look_for_end()

    def _look_for_end(self) -> None:
        """Inputs that end, such as a file's, end the pipeline."""
        if self._first and not self.failed.done() and all(task.done() for task in self._inputs.values()):
            self.ended.set()
            self.on_end()

    # Batches

    def _watched(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._take_failure)
        return task

    def _take_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) and not self.failed.done():
            self.failed.set_exception(error)

    def _open_batch(self) -> _Batch:
        self._under_way[self.pipeline] += 1
        return _Batch(self, self.pipeline)

    async def _work(self) -> None:
        while True:
            batch = await self.intake.batch()
            try:
                await self._process(batch)
            finally:
                self._under_way[batch.pipeline] -= 1
                # What it holds is not to wait for the next one.
                del batch

    async def _process(self, batch: _Batch) -> None:
        if batch.crashed:
            await self._bury(batch.crashed)
        outputs = batch.pipeline.outputs
        sends = [self._send(output, share) for output, share in zip(outputs, batch.prepared, strict=True) if share]
        begun = time.perf_counter()
        if len(sends) == 1:
            await sends[0]
        elif sends:
            await asyncio.gather(*sends)
        self.seconds += time.perf_counter() - begun
        batch.finish()

    def prepare(self, events: list[Event], pipeline: Pipeline) -> list[list[Any]]:
        """Filters events; what each output is to send of them."""
        begun = time.perf_counter()
        self.events_filtered += len(events)
        left = pipeline.run_filters(events)
        self.events_out += len(left)
        prepared = [
            self._prepare(output, share) if share else []
            for output, share in zip(pipeline.outputs, pipeline.route(left), strict=True)
        ]
        self.seconds += time.perf_counter() - begun
        return prepared

    @staticmethod
    def _prepare(output: plugin.Output, events: list[Event]) -> list[Any]:
        begun = time.perf_counter()
        prepared = output.prepare(events)
        output.metrics.events_in += len(events)
        output.metrics.seconds += time.perf_counter() - begun
        return prepared

    @staticmethod
    async def _send(output: plugin.Output, prepared: list[Any]) -> None:
        begun = time.perf_counter()
        await output.send(prepared)
        output.metrics.seconds += time.perf_counter() - begun
        output.metrics.events_out += len(prepared)

    async def _bury(self, crashed: list[tuple[Event, Exception]]) -> None:
        """Where Logstash's pipeline would die, the event goes to the dead letter queue and the others go on."""
        entries = [(event, f"a filter broke: {type(error).__name__}: {error}") for event, error in crashed]
        await self.dead_letters.put(entries, "filter", self.id)

    async def _tick(self) -> None:
        """Dictionaries that have changed are read again."""
        while True:
            await asyncio.sleep(1)
            for one in self.pipeline.filters:
                if not hasattr(one, "tick"):
                    continue
                try:
                    if one.tick():
                        logger.info("%s: the dictionary was read again", one.id)
                except (OSError, ValueError) as error:
                    logger.error("%s: the dictionary can't be read again, the old one stays: %s", one.id, error)

    # Figures

    def stats(self) -> dict[str, Any]:
        """The figures of this process, in the form of the monitoring API but for plugins, which are by their ids. All
        numbers may be added to those of other processes."""
        pipeline, dead_letters = self.pipeline, self.dead_letters
        pushed = int(self.intake.waited * 1000)
        return {
            "events": {
                "in": self.intake.events_in,
                "filtered": self.events_filtered,
                "out": self.events_out,
                "duration_in_millis": int(self.seconds * 1000),
                "queue_push_duration_in_millis": pushed,
            },
            "plugins": {
                "inputs": {one.id: _input_stats(one) for one in pipeline.inputs},
                "filters": {one.id: _filter_stats(one) for one in pipeline.filters},
                "outputs": {one.id: _output_stats(one) for one in pipeline.outputs},
            },
            "queue": {"events_count": self.intake.waiting},
            "dead_letter_queue": {"count": dead_letters.count, "last_error": dead_letters.last_error},
        }


class _Batch(Batch):
    """Of events that came in: what the outputs of a pipeline are to send, and what broke a filter."""

    def __init__(self, runner: Runner, pipeline: Pipeline) -> None:
        super().__init__()
        self._runner = runner
        self.pipeline = pipeline
        self.prepared: list[list[Any]] = [[] for _ in pipeline.outputs]
        self.crashed: list[tuple[Event, Exception]] = []

    def add(self, events: list[Event]) -> None:
        for so_far, more in zip(self.prepared, self._runner.prepare(events, self.pipeline), strict=True):
            so_far += more
        if crashed := self.pipeline.crashed:
            self.crashed += crashed
            crashed.clear()


def _input_stats(one: Any) -> dict[str, Any]:
    metrics = one.metrics
    events = {"out": metrics.events_out, "queue_push_duration_in_millis": int(metrics.seconds * 1000)}
    stats = {"name": one.name, "events": events}
    if hasattr(one, "connections"):
        stats["current_connections"] = one.connections
    return stats


def _filter_stats(one: Any) -> dict[str, Any]:
    metrics = one.metrics
    events = {
        "in": metrics.events_in,
        "out": metrics.events_out,
        "duration_in_millis": int(metrics.seconds * 1000),
    }
    stats: dict[str, Any] = {"name": one.name, "events": events}
    if metrics.matches:
        stats["matches"] = metrics.matches
    if metrics.failures:
        stats["failures"] = metrics.failures
    return stats


def _output_stats(one: Any) -> dict[str, Any]:
    """With what the plugin itself tells, such as the elasticsearch output of its documents and requests."""
    return _filter_stats(one) | (one.stats() if hasattr(one, "stats") else {})


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


def _pair(old: list[plugin.Input], new: list[plugin.Input]) -> dict[plugin.Input, plugin.Input]:
    """The new inputs that are the same as an old one → that one."""
    left = list(old)
    pairs = {}
    for one in new:
        same = next((other for other in left if _configuration(other) == _configuration(one)), None)
        if same:
            left.remove(same)
            pairs[one] = same
    return pairs


def _configuration(one: Any) -> tuple[Any, ...]:
    """What makes a plugin what it is. An id that only names a place is no part of it."""
    at_place = f"{one.name}_{one.at.line}_{one.at.column}"
    values = []
    for name in sorted(one.given):
        value = getattr(one, name)
        if name == "id" and str(value).startswith(at_place):
            continue
        values.append((name, _configuration(value) if isinstance(value, plugin.Codec) else value))
    return (one.kind, one.name, one.context.ecs, tuple(values))


def _carry_over(old: Pipeline, new: Pipeline) -> None:
    """The figures of plugins with the same id go on."""
    for kind in ("filters", "outputs"):
        before = {(one.name, one.id): one for one in getattr(old, kind)}
        for one in getattr(new, kind):
            if other := before.get((one.name, one.id)):
                for item in fields(Metrics):
                    total = getattr(one.metrics, item.name) + getattr(other.metrics, item.name)
                    setattr(one.metrics, item.name, total)
                if hasattr(one, "add_stats"):
                    one.add_stats(other)
