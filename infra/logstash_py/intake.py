"""Between inputs and workers: deliveries come in, batches of events go out, and each delivery is told when it is all
done. A budget of bytes bounds what all connections of a process may hold."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

from .event import Event
from .plugin import Metrics

# What connections may have read and not yet handed over or had stored, in bytes of events on the wire. Decoded, an
# event takes some six times its length.
BUDGET_BYTES = 4 * 1024 * 1024


class Delivery:
    """Some events that an input handed over together; `done` is called once, when the last of them is where it
    belongs. `events` are those that no batch has taken yet."""

    __slots__ = ("_done", "_left", "events")

    def __init__(self, events: list[Event], done: Callable[[], None]) -> None:
        self.events = events
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
        count = min(len(delivery.events), limit - len(self.events))
        self.events += _taken(delivery.events, count)
        self.shares.append((delivery, count))

    def few(self, number: int) -> Iterator[list[Event]]:
        """Its events, so many at a time. Nothing here holds them any longer."""
        while self.events:
            yield _taken(self.events, number)

    def finish(self) -> None:
        for delivery, count in self.shares:
            delivery.finish(count)


def _taken(events: list[Event], count: int) -> list[Event]:
    first = events[:count]
    del events[:count]
    return first


class Budget:
    """So many bytes for all connections of a process together; each connection has an Account in it.

    A connection that has read something asks for `room()` before it goes on. When the budget is used up it waits, and
    those that wait go on in the order in which they came. When all that is held lies in windows that aren't complete,
    nothing would ever be freed: then the one that has waited longest has the turn and reads its window to the end. So
    what is held is bounded by the budget, one window or a part of it, and one read of each connection.
    """

    def __init__(self, limit: int = BUDGET_BYTES) -> None:
        self.limit = limit
        self.held = 0
        # Of these, bytes of deliveries: they are freed without the help of any sender.
        self.moving = 0
        self._waiting: deque[tuple[Account, asyncio.Future[None]]] = deque()
        self._turn: Account | None = None

    @property
    def full(self) -> bool:
        return self.held >= self.limit

    async def _wait(self, account: Account) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((account, future))
        self._wake()
        await future

    def _wake(self) -> None:
        while self._waiting and not (self.full and (self.moving or self._turn)):
            account, future = self._waiting.popleft()
            if not future.done():
                if self.full:
                    self._turn = account
                future.set_result(None)


class Account:
    """What one connection holds of a budget: `keep` for frames and windows that aren't complete, `move` for windows
    under way. To be closed when the connection ends."""

    __slots__ = ("_budget", "_kept")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._kept = 0

    @property
    def has_turn(self) -> bool:
        """Whether all others wait for this connection: it is not to dawdle."""
        return self._budget._turn is self

    @property
    def must_wait(self) -> bool:
        """Whether others have to free something first, or were here before."""
        return not self.has_turn and (self._budget.full or bool(self._budget._waiting))

    async def room(self) -> None:
        """Returns when this connection may go on with what it has read."""
        if self.must_wait:
            await self._budget._wait(self)

    def keep(self, size: int) -> None:
        """Says how many bytes of incomplete frames and windows the connection holds now."""
        self._budget.held += size - self._kept
        less = size < self._kept
        self._kept = size
        # A turn ends with its window, which may have come in one piece.
        if less or (self.has_turn and not size):
            self._freed()

    def move(self, size: int) -> Callable[[], None]:
        """Notes a delivery of `size` bytes; what it returns is to be called when that is done."""
        budget = self._budget
        budget.held += size
        budget.moving += size

        def done() -> None:
            budget.held -= size
            budget.moving -= size
            budget._wake()

        return done

    def close(self) -> None:
        self._budget.held -= self._kept
        self._kept = 0
        self._freed()

    def _freed(self) -> None:
        if self.has_turn:
            self._budget._turn = None
        self._budget._wake()


class Intake:
    """A queue of few deliveries: an input that hands over more waits, and so does the one that sends to it."""

    def __init__(self, batch_size: int, batch_delay: float, budget: Budget | None = None, waiting: int = 2) -> None:
        """`batch_delay` in seconds: how long a batch that isn't full waits for more."""
        self.batch_size = batch_size
        self.batch_delay = batch_delay
        self.budget = budget or Budget()
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue(waiting)
        self._current: Delivery | None = None
        self._lock = asyncio.Lock()
        self._filling = False
        self._closed = False
        self.events_in = 0
        # How long inputs had to wait, in seconds: back-pressure.
        self.waited = 0.0

    async def put(self, delivery: Delivery, metrics: Metrics) -> None:
        """Returns when the delivery is queued; never once the intake is closed, so that a sender keeps what it has.

        `metrics` are the input's: its events, and as its seconds how long it had to wait.
        """
        count = len(delivery.events)
        metrics.events_out += count
        if not count:
            delivery.finish(0)
            return
        if self._closed:
            await asyncio.Event().wait()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await self._queue.put(delivery)
        waited = loop.time() - begun
        self.waited += waited
        metrics.seconds += waited
        self.events_in += count

    def close(self) -> None:
        """Takes in nothing more; what is queued still goes out."""
        self._closed = True

    async def batch(self) -> Batch:
        """The next batch: full, or as full as it got within the delay."""
        async with self._lock:
            delivery = self._current or await self._queue.get()
            self._current = None
            self._filling = True
            try:
                return await self._fill(delivery)
            finally:
                self._filling = False

    async def _fill(self, delivery: Delivery) -> Batch:
        batch = Batch()
        deadline = None
        while True:
            batch.take(delivery, self.batch_size)
            if delivery.events:
                self._current = delivery
                return batch
            if len(batch.events) == self.batch_size:
                return batch
            loop = asyncio.get_running_loop()
            deadline = deadline or loop.time() + self.batch_delay
            try:
                async with asyncio.timeout_at(deadline):
                    delivery = await self._queue.get()
            except TimeoutError:
                return batch

    @property
    def waiting(self) -> int:
        """Events that no batch has taken yet."""
        deliveries = [*self._queue._queue, *([self._current] if self._current else [])]
        return sum(len(one.events) for one in deliveries)

    @property
    def empty(self) -> bool:
        """Whether nothing waits, nor fills a batch that isn't given yet."""
        return self._current is None and self._queue.empty() and not self._filling
