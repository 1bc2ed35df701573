"""What stands in the log files: the records that a document must exist for.

A record is a line and the continuation lines (they start with a tab) that follow it. A file is known by its first 64
bytes, as Filebeat knows it (filebeat/filebeat.template.yml), so that a rotation between two looks changes nothing.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from native.state import SERVICES

FINGERPRINT_BYTES = 64


@dataclass(frozen=True)
class LogFile:
    """A log file or a backup of one. `fingerprint` is the document's log.file.fingerprint."""

    path: Path
    service: str
    fingerprint: str
    size: int

    def records_from(self, offset: int) -> int:
        """Records that begin at byte `offset` (a line's first) or later. A last line without an end is none yet."""
        with self.path.open("rb") as file:
            file.seek(offset)
            return sum(
                1 for line in file if line.endswith(b"\n") and line.rstrip(b"\r\n") and not line.startswith(b"\t")
            )


def log_files(logs: Path) -> Iterator[LogFile]:
    """The six services' log files and backups below `logs`; those too short for a fingerprint are not read yet."""
    for service in SERVICES:
        for path in sorted((logs / service).glob("*.log*")):
            with path.open("rb") as file:
                head = file.read(FINGERPRINT_BYTES)
            if len(head) == FINGERPRINT_BYTES:
                yield LogFile(path, service, hashlib.sha256(head).hexdigest(), path.stat().st_size)


class Mark:
    """A point in every log file. What is written after it is counted, whatever rotates meanwhile."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.offsets = {file.fingerprint: file.size for file in log_files(logs)}

    def written(self) -> dict[LogFile, int]:
        """{file: records written to it since the mark}, for the files that have any."""
        counts = {file: file.records_from(self.offset(file)) for file in log_files(self.logs)}
        return {file: count for file, count in counts.items() if count}

    def offset(self, file: LogFile) -> int:
        return self.offsets.get(file.fingerprint, 0)
