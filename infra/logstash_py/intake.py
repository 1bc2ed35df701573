"""Between inputs and workers: deliveries come in, batches of events go out, and each delivery is told when it is all
done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .event import Event


class Delivery:
    """Some events that an input handed over together; `done` is called once, when the last of them is where it
    belongs."""

    __slots__ = ("_done", "_left", "events", "taken")

    def __init__(self, events: list[Event], done: Callable[[], None]) -> None:
        self.events = events
        self.taken = 0
        self._left = len(events)
        self._done = done

    def finish(self, count: int) -> None:
        self._left -= count
        if self._left == 0:
            self._done()


class Batch:
    """Events for one worker, and the deliveries that they are from."""

    __slots__ = ("events", "shares")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.shares: list[tuple[Delivery, int]] = []

    def take(self, delivery: Delivery, limit: int) -> None:
        """Takes what is left of a delivery, up to `limit` events in all."""
        count = min(len(delivery.events) - delivery.taken, limit - len(self.events))
        self.events += delivery.events[delivery.taken : delivery.taken + count]
        delivery.taken += count
        self.shares.append((delivery, count))

    def finish(self) -> None:
        for delivery, count in self.shares:
            delivery.finish(count)


class Intake:
    """A queue of few deliveries: an input that hands over more waits, and so does the one that sends to it."""

    def __init__(self, batch_size: int, batch_delay: float, waiting: int = 2) -> None:
        """`batch_delay` in seconds: how long a batch that isn't full waits for more."""
        self._batch_size = batch_size
        self._batch_delay = batch_delay
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue(waiting)
        self._current: Delivery | None = None
        self._lock = asyncio.Lock()
        self.events_in = 0

    async def put(self, delivery: Delivery) -> None:
        if not delivery.events:
            delivery.finish(0)
            return
        await self._queue.put(delivery)
        self.events_in += len(delivery.events)

    async def batch(self) -> Batch:
        """The next batch: full, or as full as it got within the delay."""
        async with self._lock:
            batch = Batch()
            delivery = self._current or await self._queue.get()
            self._current = None
            deadline = None
            while True:
                batch.take(delivery, self._batch_size)
                if delivery.taken < len(delivery.events):
                    self._current = delivery
                    return batch
                if len(batch.events) == self._batch_size:
                    return batch
                loop = asyncio.get_running_loop()
                deadline = deadline or loop.time() + self._batch_delay
                try:
                    async with asyncio.timeout_at(deadline):
                        delivery = await self._queue.get()
                except TimeoutError:
                    return batch

    @property
    def empty(self) -> bool:
        return self._current is None and self._queue.empty()
