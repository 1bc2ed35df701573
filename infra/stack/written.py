"""What stands in the log files: the records that a document must exist for.

A record is a line and the continuation lines (they start with a tab) that follow it. A file is known by its first 64
bytes, as Filebeat knows it (filebeat/filebeat.template.yml), so that a rotation between two looks changes nothing.

The standard library does: the Docker runtime runs this file in a container, where the log files are (counting.py), and
survey.py, which tells how far Filebeat has read them.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

FINGERPRINT_BYTES = 64
# Bytes that are read at once: to look for something in fewer by halves would save nothing.
NEAR = 64 * 1024


@dataclass(frozen=True)
class LogFile:
    """A log file or a backup of one. `fingerprint` is the document's log.file.fingerprint, `size` that
    of its whole lines: what a full disk left of a line belongs to the next one."""

    path: Path
    service: str
    fingerprint: str
    size: int

    def records_from(self, offset: int) -> int:
        """Records that begin at byte `offset` (a line's first) or later. A last line without an end is none yet."""
        with self.path.open("rb") as file:
            file.seek(offset)
            return sum(1 for line in file if line.endswith(b"\n") and is_record(line))


def is_record(line: bytes) -> bool:
    """Whether a whole line begins a record: it is neither empty nor a continuation line."""
    return bool(line.rstrip(b"\r\n")) and not line.startswith(b"\t")


def log_files(logs: Path) -> Iterator[LogFile]:
    """The services' log files and backups below `logs`, as far as Filebeat reads them."""
    for path in sorted(logs.glob("*/*.log*")):
        if file := log_file(path):
            yield file


def log_file(path: Path) -> LogFile | None:
    """None for one that Filebeat does not read: it is too short for a fingerprint yet, or a symbolic link."""
    if path.is_symlink():
        return None
    with path.open("rb") as file:
        head = file.read(FINGERPRINT_BYTES)
        if len(head) < FINGERPRINT_BYTES:
            return None
        return LogFile(path, path.parent.name, hashlib.sha256(head).hexdigest(), end(file))


def end(file: BinaryIO) -> int:
    """Where its last whole line ends."""
    size = file.seek(0, 2)
    position = size
    while position:
        start = max(0, position - NEAR)
        file.seek(start)
        if (found := file.read(position - start).rfind(b"\n")) >= 0:
            return start + found + 1
        position = start
    return 0


def count_records(logs: Path, offsets: Mapping[str, int]) -> dict[LogFile, int]:
    """{file: its records from the offset on that is given for its fingerprint}, from the first on where none is."""
    return {file: file.records_from(offsets.get(file.fingerprint, 0)) for file in log_files(logs)}


# count_records of the log files of one stack.
Count = Callable[[Mapping[str, int]], dict[LogFile, int]]


class Mark:
    """A point in every log file. What is written after it is counted, whatever rotates meanwhile."""

    def __init__(self, count: Count) -> None:
        self.count = count
        self.offsets = {file.fingerprint: file.size for file in count({})}

    def written(self) -> dict[LogFile, int]:
        """{file: records written to it since the mark}, for the files that have any."""
        return {file: count for file, count in self.count(self.offsets).items() if count}

    def offset(self, file: LogFile) -> int:
        return self.offsets.get(file.fingerprint, 0)


if __name__ == "__main__":  # LOGS OFFSETS, the latter as JSON
    found = count_records(Path(sys.argv[1]), json.loads(sys.argv[2]))
    print(json.dumps([[str(f.path), f.service, f.fingerprint, f.size, count] for f, count in found.items()]))
