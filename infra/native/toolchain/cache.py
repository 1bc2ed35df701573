"""Installs tools into a cache folder: each once, whole or not at all.

Layout: `<cache>/<tool>/<version>-<digest>/bin/<command>`. The digest covers all that defines the tool, so a changed
definition is another folder, and two checkouts share a cache without disturbing each other. What is downloaded and
built on the way lies in `<cache>/build/`: kept after a failure, so that the next run resumes; removed after success.
"""

import fcntl
import hashlib
import os
import shutil
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HEARTBEAT = 15.0  # seconds between two lines about a step that still runs


class ToolchainError(Exception):
    """A tool could not be installed; the message says what failed and what to do."""


@dataclass(frozen=True)
class Tool:
    """How to get one tool.

    `install(target, build, say)` fills the empty folder `target`; `build` is a folder that outlives a failed run;
    `say(text)` tells the person who waits what goes on. `inputs` is all that decides what comes out.
    `room`: bytes of disk that it takes, with what is removed at its end.
    """

    name: str
    version: str
    install: Callable[[Path, Path, Callable[[str], None]], None] = field(repr=False)
    inputs: tuple[bytes, ...] = field(default=(), repr=False)
    room: int = 10 * 2**20

    @property
    def digest(self) -> str:
        digest = hashlib.sha256(sysconfig.get_platform().encode())
        for part in (self.version.encode(), *self.inputs):
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()[:12]

    def folder(self, cache: Path) -> Path:
        return cache / self.name / f"{self.version}-{self.digest}"


def install(tools: Iterable[Tool], cache: Path, progress: "Progress | None" = None) -> dict[str, Path]:
    """Make sure that each tool is in `cache`, and return {name: folder}.

    Missing tools are installed side by side. Raises ToolchainError for the first that fails, after the others ended.
    """
    tools = list(tools)
    folders = {tool.name: tool.folder(cache) for tool in tools}
    if all(folder.is_dir() for folder in folders.values()):
        return folders
    progress = progress or Progress()
    # Readable by all: as root, the servers run as another user.
    umask = os.umask(0o022)
    try:
        build = cache / "build"
        build.mkdir(parents=True, exist_ok=True)
        with _locked(cache / "lock", progress):
            missing = [tool for tool in tools if not folders[tool.name].is_dir()]
            if not missing:
                return folders
            with progress.running(), ThreadPoolExecutor(len(missing)) as pool:
                installs = [pool.submit(_install_one, tool, folders[tool.name], build, progress) for tool in missing]
            for done in installs:
                done.result()
            remove_tree(build)
    finally:
        os.umask(umask)
    return folders


def _install_one(tool: Tool, folder: Path, build: Path, progress: "Progress") -> None:
    partial = folder.with_name(f".{folder.name}.partial")
    remove_tree(partial)  # what a run that was killed left behind
    partial.mkdir(parents=True)
    with progress.step(f"{tool.name} {tool.version}") as say:
        try:
            tool.install(partial, build, say)
            partial.rename(folder)
        finally:
            remove_tree(partial)


@contextmanager
def _locked(path: Path, progress: "Progress") -> Iterator[None]:
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.write(f"Another run is installing into {path.parent}: waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_tree(folder: Path) -> None:
    """Remove `folder` if it is there, read-only folders in it included (Go's module cache has them)."""

    def writable_then_again(function, path, _error):
        Path(path).parent.chmod(0o755)
        function(path)

    if folder.is_dir():
        shutil.rmtree(folder, onerror=writable_then_again)


def verify_sha256(path: Path, expected: str) -> None:
    """Compare a download with the checksum recorded in the tree; on a mismatch remove it and raise ToolchainError."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        path.unlink()
        raise ToolchainError(
            f"{path.name} has sha256 {found}, not {expected}: removed. A broken download is mended by running this "
            "again; the same sum twice means that what is published has changed, so do not trust it."
        )


class Progress:
    """Tells which steps run and for how long, line by line: on a terminal and in a CI log alike."""

    def __init__(self, stream=sys.stderr) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._running: dict[str, tuple[float, str]] = {}
        self._stopped = threading.Event()

    def write(self, text: str) -> None:
        with self._lock:
            print(text, file=self._stream, flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Time a step; yields `say(text)`, what the step is at: shown with the next heartbeat."""
        start = time.monotonic()
        self._running[name] = (start, "")

        def say(text: str) -> None:
            self._running[name] = (start, text)

        try:
            yield say
        except BaseException:
            self.write(f"  {name:<28} FAILED after {time.monotonic() - start:.0f} s")
            raise
        else:
            self.write(f"  {name:<28} ready after {time.monotonic() - start:.0f} s")
        finally:
            del self._running[name]

    @contextmanager
    def running(self) -> Iterator[None]:
        """While open, a line every HEARTBEAT seconds for each step that still runs."""
        self._stopped.clear()
        thread = threading.Thread(target=self._beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def _beat(self) -> None:
        while not self._stopped.wait(HEARTBEAT):
            steps: Mapping[str, tuple[float, str]] = dict(self._running)
            for name, (start, text) in steps.items():
                self.write(f"  {name:<28} {time.monotonic() - start:.0f} s: {text or 'working'}")
