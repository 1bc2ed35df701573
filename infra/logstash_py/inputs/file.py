"""file: lines of files, either followed as they grow (mode tail) or read to their end once (mode read).

How far a file was read is kept in a sincedb: one JSON object a line, for each file its device and inode, the offset up
to which all lines are where they belong, when it was last read, and a signature (length and checksum of its first
bytes). A file whose inode is known but whose signature differs is another one, and read from its start. The sincedb of
a process that was killed may be `sincedb_write_interval` seconds old: the lines since then are read again.

Rotation: a file that is renamed is read to its end by its open handle while a new one of its name is read from its
start; one that is cut to less than was read (copytruncate) is read from its start.
"""

from __future__ import annotations

import asyncio
import fnmatch
import gzip
import json
import logging
import math
import os
import re
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from glob import glob
from hashlib import md5
from pathlib import Path
from socket import gethostname
from typing import Any, BinaryIO, ClassVar

from ..event import Event
from ..intake import Delivery, Intake
from ..lines import Lines, LineTooLong
from ..plugin import Decoder, Input, Option, WrongValue, array, boolean, number, one_of, string

logger = logging.getLogger(__name__)

_SIGNED = 256
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_UNITS = {
    "w": 604800, "week": 604800, "weeks": 604800, "d": 86400, "day": 86400, "days": 86400,
    "h": 3600, "hour": 3600, "hours": 3600, "m": 60, "min": 60, "minute": 60, "minutes": 60,
    "s": 1, "sec": 1, "second": 1, "seconds": 1, "ms": 1e-3, "msec": 1e-3, "msecs": 1e-3,
    "us": 1e-6, "usec": 1e-6, "usecs": 1e-6,
}  # fmt: skip


def _duration(unit: float) -> Callable[[Any], float]:
    """Seconds: a number is in `unit` seconds, a text such as "2 days" has its own."""

    def duration(value: Any) -> float:
        match = _DURATION.fullmatch(str(value).strip())
        if match and match[2] in _UNITS:
            return float(match[1]) * _UNITS[match[2]]
        if match:
            raise WrongValue(f"Value '{value}' is not a valid duration string")
        return number(value) * unit

    return duration


@dataclass
class _Tracked:
    """One file. `offset` is up to where it was read, `done` up to where all is where it belongs."""

    path: str
    key: tuple[int, int]
    lines: Lines
    offset: int = 0
    done: int = 0
    signature: tuple[int, int] = (0, 0)
    read_at: float = field(default_factory=time.time)
    handle: BinaryIO | None = None
    decoder: Decoder | None = None
    finished: bool = False
    ignored: bool = False
    # [offset, whether it is done] of what is under way, oldest first.
    under_way: deque[list[Any]] = field(default_factory=deque)
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def expect(self, offset: int) -> Callable[[], None]:
        """What it returns is called when all up to `offset` is where it belongs, apart from what was before."""
        entry = [offset, False]
        self.under_way.append(entry)
        self.settled.clear()

        def done() -> None:
            entry[1] = True
            while self.under_way and self.under_way[0][1]:
                self.done = self.under_way.popleft()[0]
            if not self.under_way:
                self.settled.set()

        return done

    def restart(self) -> None:
        self.offset = self.done = 0
        self.signature = (0, 0)
        self.lines.rest()


class _Sincedb:
    def __init__(self, path: Path, clean_after: float) -> None:
        """`clean_after` in seconds."""
        self._path = path
        self._clean_after = clean_after
        self._records: dict[tuple[int, int], dict[str, Any]] = {}

    def load(self) -> None:
        """Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        for number_, line in enumerate(text.splitlines(), 1):
            try:
                record = json.loads(line)
                self._records[record["device"], record["inode"]] = record
            except (ValueError, KeyError, TypeError):
                logger.warning("file: %s:%d: no record of a sincedb: skipped", self._path, number_)

    def find(self, key: tuple[int, int], path: str) -> dict[str, Any] | None:
        """What is known of a file, unless it is another one by now. Raises OSError."""
        record = self._records.get(key)
        if record is None or _signature(path, record["signed"])[1] == record["checksum"]:
            return record
        del self._records[key]
        return None

    def write(self, files: Iterable[_Tracked]) -> None:
        """Raises OSError."""
        for one in files:
            device, inode = one.key
            signed, checksum = one.signature
            self._records[one.key] = {
                "device": device,
                "inode": inode,
                "offset": one.done,
                "finished": one.finished and one.done == one.offset,
                "signed": signed,
                "checksum": checksum,
                "read_at": round(one.read_at, 3),
                "path": one.path,
            }
        oldest = time.time() - self._clean_after
        lines = [json.dumps(record) + "\n" for record in self._records.values() if record["read_at"] > oldest]
        temporary = self._path.with_name(self._path.name + ".new")
        temporary.write_text("".join(lines), encoding="utf-8")
        temporary.replace(self._path)


def _signature(path: str, length: int) -> tuple[int, int]:
    """(length, checksum) of a file's first bytes. Raises OSError."""
    with Path(path).open("rb") as stream:
        data = stream.read(length)
    return len(data), zlib.crc32(data)


class File(Input):
    name = "file"
    options: ClassVar = {
        "path": Option(array, required=True),
        "exclude": Option(array, []),
        "mode": Option(one_of("tail", "read"), "tail"),
        "start_position": Option(one_of("beginning", "end"), "end"),
        "delimiter": Option(string, "\n"),
        "discover_interval": Option(number, 15),
        "stat_interval": Option(_duration(1), 1.0),
        "sincedb_path": Option(string),
        "sincedb_write_interval": Option(_duration(1), 15.0),
        "sincedb_clean_after": Option(_duration(86400), 14 * 86400.0),
        "ignore_older": Option(_duration(1)),
        "close_older": Option(_duration(1), 3600.0),
        "file_chunk_size": Option(number, 32768),
        "file_sort_by": Option(one_of("last_modified", "path"), "last_modified"),
        "file_sort_direction": Option(one_of("asc", "desc"), "asc"),
        "file_completed_action": Option(one_of("delete", "log", "log_and_delete"), "delete"),
        "file_completed_log_path": Option(string),
        "exit_after_read": Option(boolean, False),
    }
    refused: ClassVar = {
        "file_chunk_count": "not supported: each file is read to its end in turn",
        "max_open_files": "not supported: what isn't written to for close_older seconds is closed",
        "check_archive_validity": "not supported: an archive that can't be read is told and left",
    }

    def register(self) -> None:
        self._patterns = [str(one) for one in self.path]
        for pattern in self._patterns:
            if not pattern.startswith("/"):
                raise self.refuse("path", f"File paths must be absolute, relative path specified: {pattern}")
        if self.codec.name in ("line", "json_lines"):
            # Lines come one by one here.
            values = {name: getattr(self.codec, name) for name in ("charset",) if name in self.codec.given}
            self.codec = self.make_codec({"line": "plain", "json_lines": "json"}[self.codec.name], **values)
        self.codec.decoder()
        if self.mode == "read" and "log" in self.file_completed_action and not self.file_completed_log_path:
            raise self.refuse(
                "file_completed_action",
                'The "file_completed_log_path" setting must be provided when the "file_completed_action" is set to '
                '"log" or "log_and_delete"',
            )
        if self.exit_after_read and self.mode != "read":
            raise self.refuse("exit_after_read", 'The "exit_after_read" setting only works when mode is "read"')
        self._delimiter = self.delimiter.encode()
        self._build = self.builder()
        self._path_field = ("log", "file", "path") if self.ecs else ("path",)
        self._host_field = ("host", "name") if self.ecs else ("host",)
        self._sincedb = _Sincedb(self._sincedb_path(), self.sincedb_clean_after)
        self._files: dict[tuple[int, int], _Tracked] = {}

    def _sincedb_path(self) -> Path:
        if not self.sincedb_path:
            name = md5(",".join(self._patterns).encode(), usedforsecurity=False).hexdigest()
            return self.context.path_data / "plugins" / "inputs" / "file" / f".sincedb_{name}"
        if Path(self.sincedb_path).is_dir():
            raise self.refuse("sincedb_path", 'The "sincedb_path" argument must point to a file, received a directory')
        return Path(self.sincedb_path)

    async def run(self, intake: Intake) -> None:
        """Raises OSError when the sincedb can't be read or written."""
        self._sincedb.load()
        first, discovered, written = True, 0.0, time.monotonic()
        try:
            while True:
                now = time.monotonic()
                if first or now - discovered >= self.discover_interval * self.stat_interval:
                    self._discover(first)
                    first, discovered = False, now
                for tracked in self._sorted():
                    await self._read(tracked, intake)
                if now - written >= self.sincedb_write_interval:
                    self._sincedb.write(self._files.values())
                    written = now
                if self.exit_after_read and all(one.finished for one in self._files.values()):
                    return
                await asyncio.sleep(self.stat_interval)
        finally:
            self._sincedb.write(self._files.values())
            for tracked in self._files.values():
                self._close(tracked)

    # Which files

    def _paths(self) -> Iterator[str]:
        for pattern in self._patterns:
            for path in sorted(glob(pattern, recursive=True)):  # noqa: PTH207 patterns are absolute
                if not any(fnmatch.fnmatch(Path(path).name, str(one)) for one in self.exclude):
                    yield path

    def _discover(self, first: bool) -> None:
        for path in self._paths():
            try:
                stat = Path(path).stat()
            except OSError:
                continue
            if not Path(path).is_file():
                continue
            key = (stat.st_dev, stat.st_ino)
            known = self._files.get(key)
            if known:
                # Renamed, perhaps.
                known.path = path
                continue
            tracked = self._files[key] = _Tracked(path, key, Lines(self._delimiter))
            if self.ignore_older is not None and time.time() - stat.st_mtime > self.ignore_older:
                tracked.ignored, tracked.offset = True, stat.st_size
            self._place(tracked, stat, first)

    def _place(self, tracked: _Tracked, stat: os.stat_result, first: bool) -> None:
        """Where reading begins: where it ended before, else by start_position; a file that appears later is new."""
        try:
            record = self._sincedb.find(tracked.key, tracked.path)
        except OSError as error:
            logger.warning("file: %s can't be read: %s", tracked.path, error.strerror)
            return
        if record:
            offset = record["offset"]
            tracked.offset = tracked.done = offset if offset <= stat.st_size else 0
            tracked.signature = (record["signed"], record["checksum"])
            tracked.finished = self.mode == "read" and record["finished"] and offset == stat.st_size
        elif tracked.ignored:
            tracked.done = tracked.offset
        elif self.mode == "tail" and self.start_position == "end" and first:
            tracked.offset = tracked.done = stat.st_size

    def _sorted(self) -> list[_Tracked]:
        def modified(tracked: _Tracked) -> float:
            try:
                return Path(tracked.path).stat().st_mtime
            except OSError:
                return 0.0

        by = modified if self.file_sort_by == "last_modified" else (lambda tracked: tracked.path)
        return sorted(self._files.values(), key=by, reverse=self.file_sort_direction == "desc")

    # Reading

    async def _read(self, tracked: _Tracked, intake: Intake) -> None:
        if tracked.finished:
            return
        try:
            if self.mode == "read":
                await self._read_whole(tracked, intake)
            else:
                await self._follow(tracked, intake)
        except (OSError, EOFError, zlib.error) as error:
            logger.warning("file: %s can't be read: %s", tracked.path, error)
            self._close(tracked)
            if self.mode == "read":
                tracked.finished = True

    async def _follow(self, tracked: _Tracked, intake: Intake) -> None:
        if tracked.handle is None and not self._open(tracked):
            return
        size = os.fstat(tracked.handle.fileno()).st_size
        if tracked.ignored and size == tracked.offset:
            return
        tracked.ignored = False
        if size < tracked.offset:
            logger.info("file: %s was cut: read from its start", tracked.path)
            tracked.restart()
            tracked.handle.seek(0)
        read = False
        while data := tracked.handle.read(int(self.file_chunk_size)):
            read = True
            tracked.offset += len(data)
            await self._put(tracked, self._cut(tracked, data), intake)
        if read:
            self._touch(tracked)
        elif tracked.decoder and time.time() - tracked.read_at >= (self.codec.auto_flush_interval or math.inf):
            await self._put_events(tracked, tracked.decoder.flush(), tracked.offset - tracked.lines.held, intake)
        if not read and self._moved(tracked):
            # What had its name is another file now, and nothing more came.
            self._close(tracked)
            del self._files[tracked.key]
            self._discover(False)
        elif not read and time.time() - tracked.read_at > self.close_older:
            self._close(tracked)

    def _open(self, tracked: _Tracked) -> bool:
        """Opens the file at its offset, when it has grown or was cut."""
        try:
            stat = Path(tracked.path).stat()
        except FileNotFoundError:
            del self._files[tracked.key]
            return False
        if (stat.st_dev, stat.st_ino) != tracked.key:
            del self._files[tracked.key]
            self._discover(False)
            return False
        if stat.st_size == tracked.offset and tracked.read_at < time.time() - self.close_older:
            return False
        if _signature(tracked.path, tracked.signature[0]) != tracked.signature:
            # Its inode was given to a new file.
            tracked.restart()
        tracked.handle = Path(tracked.path).open("rb", buffering=0)  # noqa: SIM115 closed when it is done with
        tracked.handle.seek(tracked.offset)
        return True

    @staticmethod
    def _moved(tracked: _Tracked) -> bool:
        try:
            stat = Path(tracked.path).stat()
        except OSError:
            return True
        return (stat.st_dev, stat.st_ino) != tracked.key

    async def _read_whole(self, tracked: _Tracked, intake: Intake) -> None:
        path = Path(tracked.path)
        if path.suffix in (".gz", ".gzip"):
            size = path.stat().st_size
            with gzip.open(path, "rb") as stream:
                while data := stream.read(int(self.file_chunk_size)):
                    await self._put(tracked, self._cut(tracked, data), intake, counted=False)
            tracked.offset = size
        else:
            with path.open("rb") as stream:
                stream.seek(tracked.offset)
                while data := stream.read(int(self.file_chunk_size)):
                    tracked.offset += len(data)
                    await self._put(tracked, self._cut(tracked, data), intake)
        rest = tracked.lines.rest()
        await self._put(tracked, [rest] if rest else [], intake)
        if tracked.decoder:
            await self._put_events(tracked, tracked.decoder.flush(), tracked.offset, intake)
        self._touch(tracked)
        # Only what is stored may be deleted.
        if tracked.under_way:
            await tracked.settled.wait()
        tracked.done, tracked.finished = tracked.offset, True
        self._complete(tracked)

    def _cut(self, tracked: _Tracked, data: bytes) -> list[bytes]:
        try:
            return tracked.lines.cut(data)
        except LineTooLong as error:
            logger.warning("file: %s: %s was skipped", tracked.path, error)
            self.metrics.failures += 1
            return []

    async def _put(self, tracked: _Tracked, lines: list[bytes], intake: Intake, *, counted: bool = True) -> None:
        tracked.decoder = tracked.decoder or self.codec.decoder()
        events = [event for line in lines for event in tracked.decoder.decode(line)]
        held = tracked.lines.held + tracked.decoder.held
        await self._put_events(tracked, events, tracked.offset - held if counted else 0, intake)

    @staticmethod
    def _touch(tracked: _Tracked) -> None:
        tracked.read_at = time.time()
        if tracked.signature[0] < _SIGNED:
            tracked.signature = _signature(tracked.path, min(_SIGNED, tracked.offset))

    async def _put_events(self, tracked: _Tracked, decoded: list[Event], offset: int, intake: Intake) -> None:
        """`offset`: up to where the file is done with once these events are."""

        host = gethostname()
        fields = {("@metadata", "path"): tracked.path, ("@metadata", "host"): host}
        fields |= {self._path_field: tracked.path, self._host_field: host}
        events = [self._build(one, fields) for one in decoded]
        await intake.put(Delivery(events, tracked.expect(offset)), self.metrics)

    def _complete(self, tracked: _Tracked) -> None:
        if "log" in self.file_completed_action:
            with Path(self.file_completed_log_path).open("a", encoding="utf-8") as log:
                log.write(f"{tracked.path}\n")
        if "delete" in self.file_completed_action:
            Path(tracked.path).unlink(missing_ok=True)

    def _close(self, tracked: _Tracked) -> None:
        if tracked.handle:
            tracked.handle.close()
            tracked.handle = None


plugin = File
