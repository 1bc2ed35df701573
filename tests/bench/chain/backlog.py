"""A backlog: lines of all services (mix.yml) that were written while Filebeat was down, and how they are drained."""

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import orjson
import psutil

from native.settings import Settings
from stack.store import Store
from tests.bench import mix
from tests.bench.chain import parts
from tests.polling import poll_until

EVERYTHING = {"exists": {"field": "service"}}
RATE = 20_000  # lines a second by their own times: no backlog's are of another's
FIRST = 1_000  # documents, with which the measurement begins: Filebeat's start is none of it


@dataclass(frozen=True)
class Drained:
    """`bytes` are a line's, `stolen` the share of the processors that the machine's host took meanwhile."""

    lines: int
    bytes: float
    rate: float  # lines a second
    taken: dict[str, parts.Taken]  # for `counted` lines
    counted: int
    stolen: float

    def seconds_per(self, lines: int, part: str) -> float:
        return self.taken[part].seconds * lines / self.counted


def opening() -> bytes:
    """A file's first line. Filebeat knows a file by its first 64 bytes."""
    return f"INFO|config.logging|2025-02-02T12:34:56.123|{uuid.uuid4().hex} opened\n".encode()


def drain(settings: Settings, lines: int) -> Drained:
    """Write a backlog, start Filebeat, and wait until the last line of it is found."""
    store = Store(settings)
    parts.stop(settings, "filebeat")
    size, before = write(settings, lines), store.count(EVERYTHING)
    parts.start(settings, "filebeat")
    poll_until("the first documents", lambda: store.count(EVERYTHING) > before + FIRST, 60, 0.02)
    parts.wait_until_healthy(settings, "filebeat")
    begun, first, taken, host = time.monotonic(), store.count(EVERYTHING), parts.taken(settings), psutil.cpu_times()
    poll_until("all lines", lambda: store.count(EVERYTHING) >= before + lines, 60 + lines / 1_000, 0.2)
    took, counted = time.monotonic() - begun, before + lines - first
    stolen = (psutil.cpu_times().steal - host.steal) / (took * psutil.cpu_count())
    return Drained(lines, size / lines, counted / took, parts.between(taken, parts.taken(settings)), counted, stolen)


def write(settings: Settings, lines: int) -> int:
    """Into files of its own beside the services'. Returns the bytes."""
    run, files, size = uuid.uuid4().hex[:8], {}, 0
    for payload in islice(mix.events(start=datetime.now(UTC), rate=RATE), lines):
        event = orjson.loads(payload)
        path = settings.logs / event["service"] / f"{Path(event['log']['file']['path']).name}.{run}"
        if path not in files:
            files[path] = path.open("wb")
            files[path].write(opening())
        size += files[path].write(event["message"].encode() + b"\n")
    for file in files.values():
        file.close()
    return size
