"""Writes records in a thread of its own, so that the code that logs does not wait for formats, files and locks."""

import logging
import logging.handlers
import os
import threading
import time
import weakref
from collections import Counter, deque

from . import records
from .handlers import LocklessHandler
from .redaction import redact_arguments
from .text import plain

CAPACITY = 10_000  # records
# The thread lets records gather for so long, seconds: one change of threads for many records.
LINGER = 0.01
# How long flush() waits at most for the thread to finish with the records that it is at, seconds.
FLUSH_TIMEOUT = 5.0

# Lanes of the queue: DEBUG and below, INFO, WARNING, ERROR, CRITICAL and above.
_LANES = 5
_LANE_OF = {logging.DEBUG: 0, logging.INFO: 1, logging.WARNING: 2, logging.ERROR: 3, logging.CRITICAL: 4}
# What nobody can change while it waits.
_CONSTANT = frozenset({str, int, float, bool, type(None)})


class RecordQueue:
    """Records in their order, `capacity` of them at most.

    A full queue drops the least severe first: a new record takes the place of the oldest one of the lowest level
    below its own (DEBUG, then INFO, and so on), and is itself dropped where there is none. What is dropped is counted
    by level.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._size = self._number = 0
        self._dropped: Counter[str] = Counter()
        self._lanes: tuple[deque[tuple[int, logging.LogRecord]], ...] = tuple(deque() for _ in range(_LANES))
        # A lock that its thread may take again: a signal's handler may log in the middle of a log call.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._waiting = self._stopped = False

    def __len__(self) -> int:
        return self._size

    def put_nowait(self, record: logging.LogRecord) -> bool:
        """Take the record, or count it as dropped. False when the queue is stopped: then it takes none."""
        lane = _LANE_OF.get(record.levelno, -1)
        if lane < 0:  # a level of someone's own
            lane = min(max(record.levelno // 10 - 1, 0), _LANES - 1)
        with self._lock:
            if self._stopped:
                return False
            if self._size >= self.capacity:
                lower = next((self._lanes[number] for number in range(lane) if self._lanes[number]), None)
                dropped = lower.popleft()[1] if lower else record
                self._dropped[records.level(dropped)] += 1
                if dropped is record:
                    return True
                self._size -= 1
            self._size += 1
            self._number += 1
            self._lanes[lane].append((self._number, record))
            if self._waiting:
                self._waiting = False
                self._changed.notify()
            return True

    def get_nowait(self) -> logging.LogRecord | None:
        """The oldest record; None when there is none."""
        with self._lock:
            if not self._size:
                return None
            self._size -= 1
            return min((lane for lane in self._lanes if lane), key=lambda lane: lane[0][0]).popleft()[1]

    def wait(self) -> bool:
        """Wait for a record. False once the queue is stopped."""
        with self._lock:
            while not self._size and not self._stopped:
                self._waiting = True
                self._changed.wait()
            return not self._stopped

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            self._changed.notify_all()

    def successor(self) -> "RecordQueue":
        """An empty queue, stopped if this one is."""
        queue = RecordQueue(self.capacity)
        queue._stopped = self._stopped
        return queue

    def take_dropped(self) -> Counter[str]:
        """How many were dropped of each level since this was last asked."""
        if not self._dropped:
            return self._dropped
        with self._lock:
            dropped, self._dropped = self._dropped, Counter()
        return dropped


class BackgroundHandler(LocklessHandler, logging.handlers.QueueHandler):
    """Queues records for `target`, which handles them in a thread.

    The caller's thread runs this handler's own filters, which add the context of the moment, and fixes what may change
    while the record waits. Formats, redaction and files are the target's.

    Flushed by `logging.shutdown`, which Python calls at exit; afterwards records go straight to the target. A process
    forked from one that logs, as gunicorn and Celery make their workers, begins with an empty queue and a thread of
    its own. One that ends without Python's exit handlers must call `flush()` before: Celery's pool ends its workers
    so, after its signal ``worker_process_shutdown``. What a ``kill -9`` finds in the queue is lost: about `LINGER`
    seconds of records.
    """

    queue: RecordQueue  # type: ignore[assignment]  # the base class only puts

    def __init__(self, target: logging.Handler, capacity: int = CAPACITY) -> None:
        super().__init__(RecordQueue(capacity))  # type: ignore[arg-type]
        if not isinstance(target, logging.Handler):
            raise ValueError(f"the target must be a handler that is made before this one, and is not: {target!r}")
        self._target = target
        self._begin()
        _instances.add(self)

    def _begin(self) -> None:
        self._thread: threading.Thread | None = None
        self._writing = threading.RLock()

    def begin_after_fork(self) -> None:
        # The records in the queue are the parent's, which writes them.
        self.queue = self.queue.successor()
        self._begin()

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """A copy of the record in which nothing can change any more."""
        copy = object.__new__(record.__class__)
        copy.__dict__ = attributes = record.__dict__.copy()
        if record.exc_info:
            records.traceback(copy)
            copy.exc_info = None
        args, copy.args = record.args, None
        constant = type(args) is tuple and _CONSTANT.issuperset(map(type, args))
        if constant and _CONSTANT.issuperset(map(type, attributes.values())):
            copy.args = args
            return copy  # nearly all records
        for key, value in records.extras(copy).items():
            if type(value) not in _CONSTANT:
                attributes[key] = plain(value)
        copy.args = args
        redact_arguments(copy)
        copy.msg, copy.args = records.raw_message(copy), ()
        return copy

    def enqueue(self, record: logging.LogRecord) -> None:
        running = self._thread is not None or self._start()
        if not (running and self.queue.put_nowait(record)):
            self._target.handle(record)

    def flush(self) -> None:
        """Have all that is queued written."""
        if self._writing.acquire(timeout=FLUSH_TIMEOUT):
            try:
                self._write()
            finally:
                self._writing.release()

    def close(self) -> None:
        self.queue.stop()
        self.flush()
        super().close()

    def _start(self) -> bool:
        self.acquire()
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._run, args=(self.queue,), name="log-writer", daemon=True)
                thread.start()
                self._thread = thread
            return self._thread is not None
        except RuntimeError:  # the interpreter is about to end: no more threads
            return False
        finally:
            self.release()

    def _run(self, queue: RecordQueue) -> None:
        while queue.wait():
            time.sleep(LINGER)
            with self._writing:
                self._write()

    def _write(self) -> None:
        # Not for ever: under a steady load too, flush() comes back and losses are told of.
        for _ in range(self.queue.capacity):
            record = self.queue.get_nowait()
            if record is None:
                break
            self._hand_on(record)
        if dropped := self.queue.take_dropped():
            self._hand_on(_loss(dropped))

    def _hand_on(self, record: logging.LogRecord) -> None:
        try:
            self._target.handle(record)
        except Exception:  # the thread must outlive any record
            self.handleError(record)


def _loss(dropped: Counter[str]) -> logging.LogRecord:
    text = "Log queue was full: %d records dropped"
    record = logging.LogRecord(__package__, logging.WARNING, __file__, 0, text, (dropped.total(),), None, "_loss")
    record.dropped = dict(dropped)
    return record


def flush() -> None:
    """Have all that is queued in this process written: before an end that Python's exit handlers don't see."""
    for handler in list(_instances):
        handler.flush()


def _after_fork() -> None:
    for handler in list(_instances):
        handler.begin_after_fork()


_instances: weakref.WeakSet[BackgroundHandler] = weakref.WeakSet()
os.register_at_fork(after_in_child=_after_fork)
