"""Between inputs and outputs: deliveries come in, batches go out, and each delivery is told when it is all done. A
budget of bytes bounds what all connections of a process may hold."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from .event import Event
from .plugin import Metrics

# What connections may have read and not yet handed over or had stored, in bytes of events on the wire. Decoded, an
# event takes some six times its length.
BUDGET_BYTES = 4 * 1024 * 1024
# Events that are filtered and prepared for the outputs together: few enough to stay in a processor's cache all the way.
FEW = 125


class Delivery:
    """Some events that an input handed over together; `done` is called once, when the last of them is where it
    belongs. `events` are those that no batch has taken yet."""

    __slots__ = ("_done", "_left", "events")

    def __init__(self, events: list[Event], done: Callable[[], None]) -> None:
        self.events = events
        self._left = len(events)
        self._done = done

    def take(self, count: int) -> list[Event]:
        """At most so many of its events. Nothing here holds them any longer."""
        taken = self.events[:count]
        del self.events[:count]
        return taken

    def finish(self, count: int) -> None:
        self._left -= count
        if self._left == 0:
            self._done()


class Batch(ABC):
    """What goes to the outputs together, and the deliveries that it is from."""

    def __init__(self) -> None:
        self.count = 0
        self._shares: list[tuple[Delivery, int]] = []

    @abstractmethod
    def add(self, events: list[Event]) -> None:
        """Makes of events, at once, what is kept of them."""

    def take(self, delivery: Delivery, limit: int) -> None:
        """Takes what is left of a delivery, up to `limit` events in all."""
        before = self.count
        while delivery.events and self.count < limit:
            few = delivery.take(min(FEW, limit - self.count))
            self.count += len(few)
            self.add(few)
        self._shares.append((delivery, self.count - before))

    def finish(self) -> None:
        for delivery, count in self._shares:
            delivery.finish(count)


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
    """Where inputs hand over what they read. Events go into the open batch at once, while a processor's caches hold
    them. When the batch is full and nobody takes it, an input that hands over more waits, and so does the one that
    sends to it."""

    def __init__(
        self, batch_size: int, batch_delay: float, open_batch: Callable[[], Batch], budget: Budget | None = None
    ) -> None:
        """`batch_delay` in seconds: how long a batch that isn't full waits for more."""
        self.batch_size = batch_size
        self.batch_delay = batch_delay
        self.budget = budget or Budget()
        self._open_batch = open_batch
        self._open: Batch | None = None
        self._deadline = 0.0
        self._opened, self._complete, self._taken = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._taking = asyncio.Lock()
        self._closed = False
        self.events_in = 0
        # Deliveries that batches have not taken whole yet.
        self._left: set[Delivery] = set()
        # How long inputs had to wait, in seconds: back-pressure.
        self.waited = 0.0

    async def put(self, delivery: Delivery, metrics: Metrics) -> None:
        """Returns when all events are in batches; never once the intake is closed, so that a sender keeps what it has.

        `metrics` are the input's: its events, and as its seconds how long it had to wait.
        """
        count = len(delivery.events)
        metrics.events_out += count
        if not count:
            delivery.finish(0)
            return
        if self._closed:
            await asyncio.Event().wait()
        self.events_in += count
        self._left.add(delivery)
        try:
            while delivery.events:
                if self._complete.is_set():
                    await self._wait(metrics)
                else:
                    self._take(delivery)
        finally:
            self._left.discard(delivery)

    async def _wait(self, metrics: Metrics) -> None:
        """Returns when somebody has taken the batch that is complete."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self._taken.clear()
        await self._taken.wait()
        waited = loop.time() - begun
        self.waited += waited
        metrics.seconds += waited

    def _take(self, delivery: Delivery) -> None:
        if not self._open:
            self._open = self._open_batch()
            self._deadline = asyncio.get_running_loop().time() + self.batch_delay
            self._opened.set()
        self._open.take(delivery, self.batch_size)
        if self._open.count >= self.batch_size:
            self._complete.set()

    def complete(self) -> None:
        """The batch that is open takes nothing more."""
        if self._open:
            self._complete.set()

    def close(self) -> None:
        """Takes in nothing more; what is in a batch still goes out."""
        self._closed = True
        self.complete()

    async def batch(self) -> Batch:
        """The next batch: full, or as full as it got within the delay."""
        async with self._taking:
            await self._opened.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._deadline):
                    await self._complete.wait()
            batch, self._open = self._open, None
            self._opened.clear()
            self._complete.clear()
            self._taken.set()
            assert batch  # noqa: S101 it was opened
            return batch

    @property
    def waiting(self) -> int:
        """Events that no batch has taken yet."""
        return sum(len(one.events) for one in self._left)

    @property
    def empty(self) -> bool:
        """Whether nothing waits, nor lies in a batch that nobody has taken."""
        return self._open is None and not self._left
