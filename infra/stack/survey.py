"""How far Filebeat has read each log file: its registry beside the files.

The standard library does, with written.py: the Docker runtime runs both in a container, where the log files are
(counting.py). Filebeat's registry is a journal of JSON lines and a checkpoint of it, in <data>/registry/filebeat
(libbeat/statestore/backend/memlog of https://github.com/elastic/beats).
"""

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from stack.written import NEAR, LogFile, end, is_record, log_file

# A file's present rate is that at which its last so many bytes were written.
RATE_BYTES = 256 * 1024
_ISO = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?"
# Where a record says its time: the pipe format, JSON, nginx's access log (seconds) and error log. All are UTC.
_TIME = re.compile(
    rb'\A[A-Za-z]+\|[^|\n]+\|(?P<pipe>%b)\||"timestamp": ?"(?P<json>%b)|"time":"(?P<seconds>\d+\.\d+)"'
    rb"|\A(?P<error>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) " % (_ISO, _ISO)
)


@dataclass(frozen=True)
class Reading:
    """A log file, or a backup of one. Times are seconds since 1970; lines are records: a traceback is one with its own.

    `size` is that of its whole lines. `shipped_bytes` is the registry's offset: Logstash has taken what is before it.
    `since` is where the lines begin that `lines` and `shipped` count. `waiting_since` is the time of the first line
    that is not shipped.
    """

    path: str
    service: str
    fingerprint: str
    size: int
    shipped_bytes: int
    modified: float
    since: int
    lines: int
    shipped: int
    rate: float  # bytes a second
    waiting_since: float | None

    @property
    def waiting_bytes(self) -> int:
        return max(0, self.size - self.shipped_bytes)


@dataclass(frozen=True)
class Survey:
    """`offsets` is the registry: {fingerprint: bytes that were acknowledged}, of removed files too."""

    readings: tuple[Reading, ...]
    offsets: dict[str, int]
    disk_free: int  # bytes, where the log files are
    disk_total: int

    @classmethod
    def from_json(cls, text: str) -> "Survey":
        found = json.loads(text)
        return cls(**found | {"readings": tuple(Reading(**reading) for reading in found["readings"])})


def survey(logs: Path, data: Path, catalogue: Mapping[str, Sequence[str]], seconds: float) -> Survey:
    """The files of `catalogue` ({service: its files}) below `logs`, and the registry in Filebeat's folder `data`.

    Shipped lines older than `seconds` are not counted: what the store deletes by age would be missing there.
    """
    now, shipped = time.time(), offsets(data / "registry" / "filebeat")
    readings = []
    for service, names in catalogue.items():
        for path in sorted({path for name in names for path in (logs / service).glob(f"{name}*")}):
            try:
                if file := log_file(path):
                    readings.append(_reading(file, shipped.get(file.fingerprint, 0), now, seconds))
            except (FileNotFoundError, PermissionError):
                continue  # rotated away just now; or not ours to read: what Filebeat may read is asked elsewhere
    disk = shutil.disk_usage(logs)
    return Survey(tuple(readings), shipped, disk.free, disk.total)


def _reading(of: LogFile, offset: int, now: float, seconds: float) -> Reading:
    with of.path.open("rb") as file:
        modified = os.fstat(file.fileno()).st_mtime
        size = end(file)
        offset = min(offset, size)
        # What waits counts, however old.
        since = min(first_since(file, size, now - seconds), offset)
        lines, shipped = count(file, since, offset, size)
        return Reading(
            path=str(of.path),
            service=of.service,
            fingerprint=of.fingerprint,
            size=size,
            shipped_bytes=offset,
            modified=modified,
            since=since,
            lines=lines,
            shipped=shipped,
            rate=rate(file, size, now),
            waiting_since=(time_at(file, offset) or modified) if offset < size else None,
        )


def offsets(registry: Path) -> dict[str, int]:
    """{fingerprint: bytes that were acknowledged}, of Filebeat's registry; empty where there is none yet."""
    states: dict[str, Mapping] = {}
    checkpoint = -1
    try:
        active = registry / Path((registry / "active.dat").read_text().strip()).name
        states = {state["_key"]: state for state in json.loads(active.read_text())}
        checkpoint = int(active.stem)
    except (FileNotFoundError, ValueError):
        pass  # no checkpoint yet
    journal = registry / "log.json"
    # A line without an end is being written.
    lines = journal.read_text().split("\n")[:-1] if journal.exists() else []
    for operation, change in zip(lines[::2], lines[1::2], strict=False):
        operation, change = json.loads(operation), json.loads(change)
        if operation["id"] <= checkpoint:
            continue
        if operation["op"] == "set":
            states[change["k"]] = change["v"]
        else:
            states.pop(change["k"], None)
    found = {}
    for key, state in states.items():
        _, _, fingerprint = key.rpartition("::fingerprint::")
        found[fingerprint] = (state.get("cursor") or {}).get("offset", 0)
    return found


def first_since(file: BinaryIO, size: int, since: float) -> int:
    """Where the first line begins whose time is `since` or later: lines stand in the order of their times, nearly."""
    low, high = 0, size
    while high - low > NEAR:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()
        at, when = _next_time(file, high)
        if when is None or when >= since:
            high = middle
        else:
            low = at
    file.seek(low)
    while True:
        at, when = _next_time(file, size)
        if when is None or when >= since:
            return at


def _next_time(file: BinaryIO, stop: int) -> tuple[int, float | None]:
    """(offset, time) of the first line from here on that has a time; (stop, None) when none begins before `stop`."""
    while (at := file.tell()) < stop:
        if (when := line_time(file.readline())) is not None:
            return at, when
    return stop, None


def time_at(file: BinaryIO, offset: int) -> float | None:
    file.seek(offset)
    return line_time(file.readline())


def line_time(line: bytes) -> float | None:
    """When a record was made, by its own word; None for a continuation line and for a format that is not ours."""
    match = _TIME.search(line)
    if not match:
        return None
    try:
        if match["seconds"]:
            return float(match["seconds"])
        if match["error"]:
            return datetime.strptime(match["error"].decode(), "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
        return datetime.fromisoformat((match["pipe"] or match["json"]).decode()).replace(tzinfo=UTC).timestamp()
    except ValueError:  # no such day
        return None


def count(file: BinaryIO, since: int, shipped: int, size: int) -> tuple[int, int]:
    """(records that begin at `since` or later, those of them that begin before `shipped`)."""
    file.seek(since)
    position, lines, before = since, 0, 0
    for line in file:
        if position >= size:
            break
        if is_record(line):
            lines += 1
            before += position < shipped
        position += len(line)
    return lines, before


def rate(file: BinaryIO, size: int, now: float) -> float:
    """Bytes a second, of the last RATE_BYTES that were written; 0 where no line of them has a time."""
    start = max(0, size - RATE_BYTES)
    file.seek(start)
    if start:
        file.readline()
    at, when = _next_time(file, size)
    return (size - at) / max(now - when, 1.0) if when is not None else 0.0


if __name__ == "__main__":  # LOGS DATA CATALOGUE SECONDS
    answer = survey(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), float(sys.argv[4]))
    print(json.dumps(asdict(answer)))
