"""file: events at the end of a file; its path may hold sprintf."""

from __future__ import annotations

import asyncio
import gzip
import logging
from pathlib import Path
from typing import ClassVar

from .. import sprintf
from ..event import Event
from ..plugin import Option, Output, boolean, number, one_of, string

logger = logging.getLogger(__name__)

# A disk that is full may be freed: until then nothing is lost and nothing acknowledged.
RETRY_SECONDS = 1.0
_TELL_EVERY = 30


class File(Output):
    """A path that sprintf takes out of the folder that its constant part names goes to `filename_failure` there, so
    that no event can write elsewhere. What is sent is with the operating system when `send` returns: it outlives this
    process, and keeps any `flush_interval` (the longest that Logstash holds lines back). With `gzip` each batch is a
    whole gzip member, so that a file is never broken, however this process ends."""

    name = "file"
    default_codec = "json_lines"
    options: ClassVar = {
        "path": Option(string, required=True),
        "create_if_deleted": Option(boolean, True),
        "dir_mode": Option(number, -1),
        "file_mode": Option(number, -1),
        "filename_failure": Option(string, "_filepath_failures"),
        "flush_interval": Option(number, 2),
        "gzip": Option(boolean, False),
        "write_behavior": Option(one_of("append", "overwrite"), "append"),
    }
    refused: ClassVar = {
        "message_format": "is gone: use codec => line { format => … }",
        "stale_cleanup_interval": "not supported: no file is kept open",
    }

    def register(self) -> None:
        self._path = sprintf.compile(self.path)
        # The folder above the first part that an event has a say in.
        constant = Path(self.path.split("%{", 1)[0] + "x").parent if not sprintf.is_constant(self.path) else None
        self._root = constant.resolve() if constant else None
        if self._root == Path("/"):
            raise self.refuse("path", "The starting part of the path should not be dynamic.")

    def _file_for(self, event: Event) -> Path:
        path = Path(self._path(event))
        if self._root and not path.resolve().is_relative_to(self._root):
            return self._root / self.filename_failure
        if not self.create_if_deleted and not path.exists():
            return (self._root or path.resolve().parent) / self.filename_failure
        return path

    async def send(self, events: list[Event]) -> None:
        chunks: dict[Path, list[bytes]] = {}
        for event in events:
            chunks.setdefault(self._file_for(event), []).append(self.codec.encode(event))
        for path, texts in chunks.items():
            overwrite = self.write_behavior == "overwrite"
            data = texts[-1] if overwrite else b"".join(texts)
            await self._write(path, gzip.compress(data) if self.gzip else data, overwrite)

    async def _write(self, path: Path, data: bytes, overwrite: bool) -> None:
        tries = 0
        while True:
            try:
                self._write_once(path, data, overwrite)
                return
            except OSError as error:
                if tries % _TELL_EVERY == 0:
                    logger.error("file: %s can't be written, trying again: %s", path, error.strerror)
                tries += 1
                await asyncio.sleep(RETRY_SECONDS)

    def _write_once(self, path: Path, data: bytes, overwrite: bool) -> None:
        """Raises OSError; then the file is as it was, so that another try doubles nothing."""
        self._ensure_folder(path.parent)
        new = not path.exists()
        with path.open("wb" if overwrite else "ab", buffering=0) as file:
            if new and self.file_mode >= 0:
                path.chmod(self.file_mode)
            size = file.tell()
            written = 0
            try:
                while written < len(data):
                    written += file.write(data[written:])
            except OSError:
                if file.seekable():
                    file.truncate(size)
                raise

    def _ensure_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            if self.dir_mode >= 0:
                folder.chmod(self.dir_mode)


plugin = File
