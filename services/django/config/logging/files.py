"""Log files that several processes share and that rotate by size."""

import logging
import os
import secrets
from pathlib import Path
from typing import TextIO

from concurrent_log_handler import ConcurrentRotatingFileHandler


class SharedRotatingFileHandler(ConcurrentRotatingFileHandler):
    """A rotating file, safe for several processes, whose every new file begins with a record saying so.

    That record makes the first 64 bytes of each file unique: Filebeat's ``fingerprint`` file identity tells files apart
    by these, whatever inode and name a rotation gives them. Missing folders of `filename` are made.
    """

    def __init__(self, filename: str | os.PathLike[str], *, max_bytes: int, backups: int) -> None:
        Path(filename).parent.mkdir(parents=True, exist_ok=True)
        super().__init__(filename, maxBytes=max_bytes, backupCount=backups, encoding="utf-8")

    def do_open(self, mode: str | None = None) -> TextIO:
        # Called for the first file and after each rollover, by this process's or another's, with the lock held.
        stream = super().do_open(mode)
        if os.fstat(stream.fileno()).st_size == 0:
            stream.write(self.format(self._opened_record()) + self.terminator)
            stream.flush()
        return stream

    def _opened_record(self) -> logging.LogRecord:
        # Short, as only 20 bytes remain of the 64 after level, logger and time; the time alone may repeat.
        text = f"{secrets.token_hex(4)} {Path(self.baseFilename).name}[{os.getpid()}] opened"
        return logging.LogRecord(__package__, logging.INFO, __file__, 0, text, (), None, "do_open")
