"""Log files that several processes share and that rotate by size."""

import contextlib
import fcntl
import logging
import os
import secrets
from pathlib import Path

_NO_FILE = -1


class SharedRotatingFileHandler(logging.Handler):
    """A rotating file, safe for several processes, whose every new file begins with a record saying so.

    That record makes the first 64 bytes of each file unique: Filebeat's ``fingerprint`` file identity tells files apart
    by these, whatever inode and name a rotation gives them. Missing folders of `filename` are made.

    A file that has reached `max_bytes` becomes ``<filename>.1``, that one ``.2`` and so on up to `backups`. Each
    record is one write under a lock (flock(2), on a hidden file beside) that the writers take in turn, so records are
    neither torn nor lost when another process rotates. A record that the disk has no room for is taken back whole.

    For POSIX systems and local disks. concurrent-log-handler does the same on Windows too, but its locks and checks
    take four times as long (docs/performance.md).
    """

    terminator = "\n"

    def __init__(self, filename: str | os.PathLike[str], *, max_bytes: int, backups: int) -> None:
        super().__init__()
        self.path = Path(filename).absolute()
        self.max_bytes = max_bytes
        self.backups = backups
        self._path = str(self.path)
        self._lock_path = str(self.path.with_name(f".__{self.path.stem}.lock"))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._process = os.getpid()
        self._file = self._lock_file = _NO_FILE
        self._identity: tuple[int, int] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            data = f"{self.format(record)}{self.terminator}".encode()
            if self._process != os.getpid():
                # A lock that came by fork is its parent's too: it would keep neither of them waiting.
                self._close_files()
            if self._lock_file == _NO_FILE:
                self._lock_file = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            fcntl.flock(self._lock_file, fcntl.LOCK_EX)
            try:
                self._append(data)
            finally:
                fcntl.flock(self._lock_file, fcntl.LOCK_UN)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Close the files; a later record opens them again."""
        self.acquire()
        try:
            self._close_files()
        finally:
            self.release()
        super().close()

    def _close_files(self) -> None:
        for file in (self._file, self._lock_file):
            if file != _NO_FILE:
                os.close(file)
        self._file = self._lock_file = _NO_FILE
        self._identity = None
        self._process = os.getpid()

    def _append(self, data: bytes) -> None:
        size = self._current_size()
        if size >= self.max_bytes > 0:
            self._rotate()
            size = self._current_size()
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, data[written:] if written else data)
        except OSError:
            if written:
                os.ftruncate(self._file, size)
            raise

    def _current_size(self) -> int:
        """Bytes of the file that bears the name now, which is open afterwards."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 half the time of Path.stat
        except FileNotFoundError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != self._identity:
            # New, or another process has rotated, or someone has moved it away.
            return self._open()
        return found.st_size

    def _open(self) -> int:
        if self._file != _NO_FILE:
            os.close(self._file)
            self._file = _NO_FILE
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            self._file = os.open(self._path, flags, 0o666)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, flags, 0o666)
        found = os.fstat(self._file)
        self._identity = (found.st_dev, found.st_ino)
        if found.st_size:
            return found.st_size
        return os.write(self._file, f"{self.format(self._opened_record())}{self.terminator}".encode())

    def _rotate(self) -> None:
        # Where it can't be renamed, the file grows on: its records are worth more than its size.
        with contextlib.suppress(OSError):
            if self.backups < 1:
                self.path.unlink()
                return
            # Those up to the first gap move; the last one goes.
            last = next((n for n in range(1, self.backups) if not self._backup(n).exists()), self.backups)
            for number in range(last - 1, 0, -1):
                self._backup(number).replace(self._backup(number + 1))
            self.path.replace(self._backup(1))

    def _backup(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _opened_record(self) -> logging.LogRecord:
        # Short, as only 20 bytes remain of the 64 after level, logger and time; the time alone may repeat.
        text = f"{secrets.token_hex(4)} {self.path.name}[{os.getpid()}] opened"
        return logging.LogRecord(__package__, logging.INFO, __file__, 0, text, (), None, "do_open")
