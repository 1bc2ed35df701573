"""The dead letter queue: events that no retry can store, with the reason, as JSON lines on disk.

    <path.data>/dead_letter_queue/<pipeline>/00000001.jsonl, 00000002.jsonl, …

Entries are added to the last segment, by any number of worker processes, each under a lock. A segment of 10 MiB is
followed by a new one. Whoever takes entries out (replay, purge) first starts a new segment, and so has those before it
to himself. The queue never drops: when it is full, those that would add to it wait, and so do their senders.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .event import Event
from .text import dump_json, load_json
from .timestamp import Timestamp

logger = logging.getLogger(__name__)

SEGMENT_BYTES = 10 * 1024 * 1024
_LOOK_AGAIN = 1.0
_LOG_EVERY = 10.0

Entry = dict[str, Any]


class DeadLetterQueue:
    """An entry: {"id", "timestamp", "plugin_type", "plugin_id", "reason", "event"}; the event has its `@metadata`."""

    def __init__(self, folder: Path, max_bytes: int = 1 << 30) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        # Since the start of this process.
        self.count = 0
        self.last_error = ""
        self._told = -_LOG_EVERY

    # Adding

    async def put(self, entries: list[tuple[Event, str]], plugin_type: str, plugin_id: str) -> None:
        """Adds (event, reason) entries: they are on disk, synced, when it returns. Waits while the queue is full, or
        the disk is."""
        lines = [_line(event, reason, plugin_type, plugin_id) for event, reason in entries]
        data = b"".join(lines)
        while True:
            try:
                if self._add(data):
                    break
                problem = f"is full ({self.max_bytes} bytes, dead_letter_queue.max_bytes)"
            except OSError as error:
                problem = f"can't be written: {error}"
            now = time.monotonic()
            if now - self._told >= _LOG_EVERY:
                self._told = now
                logger.error(
                    "the dead letter queue %s %s: the pipeline waits until `dlq replay` or `dlq purge` makes room; "
                    "nothing is dropped",
                    self.folder,
                    problem,
                )
            await asyncio.sleep(_LOOK_AGAIN)
        self.count += len(entries)
        self.last_error = entries[-1][1]
        logger.error(
            "%d events of %s went to the dead letter queue %s, the first because: %s",
            len(entries),
            plugin_id,
            self.folder,
            entries[0][1],
        )

    def _add(self, data: bytes) -> bool:
        """False when there is no room. An empty queue takes entries of any size."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked("lock"):
            size = self.size_in_bytes
            if size and size + len(data) > self.max_bytes:
                return False
            segments = self.segments()
            last = segments[-1] if segments else self._segment(1)
            if segments and (last.stat().st_size >= SEGMENT_BYTES or _torn(last)):
                last = self._next(last)
            with last.open("ab", buffering=0) as file:
                start = file.tell()
                try:
                    written = file.write(data)
                    if written != len(data):
                        raise OSError(None, "the disk is full", str(last))
                    os.fsync(file.fileno())
                except OSError:
                    # No half entries: another process's would be glued to them.
                    file.truncate(start)
                    raise
        return True

    # Looking

    @property
    def size_in_bytes(self) -> int:
        return sum(_size(segment) for segment in self.segments())

    def segments(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.jsonl"))

    def entries(self) -> Iterator[Entry]:
        """All entries, oldest first. Safe while others add and take: each entry is whole."""
        for segment in self.segments():
            try:
                yield from self.read(segment)
            except FileNotFoundError:
                continue

    # Taking out

    @contextmanager
    def taking(self) -> Iterator[list[Path]]:
        """The segments that nobody adds to any more, for one who takes entries out of them by `keep_only`.

        Raises BlockingIOError while another does.
        """
        if not self.folder.is_dir():
            yield []
            return
        with self._locked("taking.lock", wait=False):
            with self._locked("lock"):
                closed = self.segments()
                if closed:
                    self._next(closed[-1]).touch()
            yield closed

    @staticmethod
    def read(segment: Path) -> Iterator[Entry]:
        with segment.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield load_json(line)

    def keep_only(self, segment: Path, wanted: Callable[[Entry], bool]) -> int:
        """Takes the entries that are not wanted out of a segment of `taking()`; how many they were."""
        kept, gone = [], 0
        for entry in self.read(segment):
            if wanted(entry):
                kept.append(dump_json(entry) + b"\n")
            else:
                gone += 1
        if not kept:
            segment.unlink()
        elif gone:
            partial = segment.with_suffix(".partial")
            with partial.open("wb") as file:
                file.writelines(kept)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(segment)
        return gone

    def _segment(self, number: int) -> Path:
        return self.folder / f"{number:08d}.jsonl"

    def _next(self, segment: Path) -> Path:
        return self._segment(int(segment.stem) + 1)

    @contextmanager
    def _locked(self, name: str, *, wait: bool = True) -> Iterator[None]:
        with (self.folder / name).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield


def _line(event: Event, reason: str, plugin_type: str, plugin_id: str) -> bytes:
    entry = {
        "id": secrets.token_hex(6),
        "timestamp": Timestamp.now(),
        "plugin_type": plugin_type,
        "plugin_id": plugin_id,
        "reason": reason,
        "event": event,
    }
    return dump_json(entry) + b"\n"


def _torn(segment: Path) -> bool:
    """Whether the last entry was cut short, by a kill: it was not acknowledged, and isn't read."""
    with segment.open("rb") as file:
        return bool(file.seek(0, os.SEEK_END)) and file.seek(-1, os.SEEK_END) >= 0 and file.read() != b"\n"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
