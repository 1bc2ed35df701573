"""How much of the log files has arrived in Elasticsearch, as far as this process can read them."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FINGERPRINT_BYTES = 64  # filebeat/filebeat.template.yml
MAX_RECORD = 1310720  # there too: a longer record is cut

_END = re.compile(rb"\n(?!\t)")  # a line that begins with a tab continues the record


@dataclass(frozen=True)
class LogFile:
    path: Path
    size: int
    written_at: datetime
    fingerprint: str  # the documents' log.file.fingerprint

    def waiting(self, offset: int | None) -> int:
        """Bytes after the record that begins at `offset`, the last one that has arrived; None: nothing has."""
        if offset is None:
            return self.size
        with self.path.open("rb") as file:
            file.seek(offset)
            record = _END.search(file.read(MAX_RECORD + 1))
        return max(0, self.size - offset - record.end()) if record else 0


def log_files(root: Path, services: dict[str, dict[str, str]]) -> list[LogFile]:
    """The files of the catalogue that are there; without those that this process may not read, or are still empty."""
    found = []
    for path in (root / service / name for service, names in services.items() for name in names):
        try:
            with path.open("rb") as file:
                head = file.read(FINGERPRINT_BYTES)
            stat = path.stat()
        except OSError:
            continue
        if len(head) == FINGERPRINT_BYTES:
            written = datetime.fromtimestamp(stat.st_mtime, UTC)
            found.append(LogFile(path, stat.st_size, written, hashlib.sha256(head).hexdigest()))
    return found
