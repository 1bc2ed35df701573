"""file: events at the end of a file; its path may hold sprintf."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from .. import sprintf
from ..event import Event
from ..plugin import Option, Output, boolean, codec, number, one_of, string


class File(Output):
    """A path that sprintf takes out of the folder that its constant part names goes to `filename_failure` there, so
    that no event can write elsewhere. What is sent is with the operating system when `send` returns: it outlives this
    process."""

    name = "file"
    options: ClassVar = {
        "path": Option(string, required=True),
        "codec": Option(codec),
        "create_if_deleted": Option(boolean, True),
        "dir_mode": Option(number, -1),
        "file_mode": Option(number, -1),
        "filename_failure": Option(string, "_filepath_failures"),
        "write_behavior": Option(one_of("append"), "append"),
    }

    def register(self) -> None:
        self.codec = self.codec or codec("json_lines")
        self._path = sprintf.compile(self.path)
        # The folder above the first part that an event has a say in.
        constant = Path(self.path.split("%{", 1)[0] + "x").parent if not sprintf.is_constant(self.path) else None
        self._root = constant.resolve() if constant else None
        if self._root == Path("/"):
            raise self.refuse("path", "the path's first part can't be made of an event's fields")

    def _file_for(self, event: Event) -> Path:
        path = Path(self._path(event))
        if self._root and not path.resolve().is_relative_to(self._root):
            return self._root / self.filename_failure
        return path

    async def send(self, events: list[Event]) -> None:
        chunks: dict[Path, list[bytes]] = {}
        for event in events:
            chunks.setdefault(self._file_for(event), []).append(self.codec.encode(event))
        for path, lines in chunks.items():
            self._ensure_folder(path.parent)
            new = not path.exists()
            with path.open("ab") as file:
                file.write(b"".join(lines))
            if new and self.file_mode >= 0:
                path.chmod(self.file_mode)

    def _ensure_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            if self.dir_mode >= 0:
                folder.chmod(self.dir_mode)


plugin = File
