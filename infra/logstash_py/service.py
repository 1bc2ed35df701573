"""The service: pipelines, in this process or in worker processes, from their start by reloads to a clean end."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .channel import CallFailed
from .dead_letters import DeadLetterQueue
from .errors import ConfigError, SettingsError
from .monitoring import Monitoring
from .runners import Runners
from .settings import Settings
from .sources import Source
from .workers import WorkerDied, Workers

logger = logging.getLogger(__name__)

# A thousand connections, and what a process has open besides.
WANTED_DESCRIPTORS = 1200


@dataclass
class Reloads:
    """In the form of the monitoring API. Times are ISO 8601."""

    successes: int = 0
    failures: int = 0
    last_success_timestamp: str | None = None
    last_failure_timestamp: str | None = None
    last_error: dict[str, str] | None = None

    def succeeded(self) -> None:
        self.successes += 1
        self.last_success_timestamp = _now()

    def failed(self, message: str) -> None:
        self.failures += 1
        self.last_failure_timestamp = _now()
        self.last_error = {"message": message}


class Service:
    """`run()` serves until SIGTERM or SIGINT, until all inputs have come to their end, or until an input or an output
    fails for good (then it raises). A second signal ends it at once."""

    def __init__(self, settings: Settings, sources: list[Source], read: Callable[[], list[Source]]) -> None:
        """`read` gives the pipelines as they stand now in their files, and raises what `sources.read_all` raises."""
        self.settings = settings
        self.sources = {source.id: source for source in sources}
        self.reloads = {source.id: Reloads() for source in sources}
        self.started = time.time()
        self._read = read
        # The last text that could not be loaded is told once.
        self._rejected: Any = None
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._host: Runners | Workers | None = None

    async def run(self) -> None:
        """Raises SettingsError when a port is taken, ConfigError for a pipeline, and what an input or worker raises."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        _check_descriptors()
        with _only_one(self.settings.path_data):
            try:
                async with Monitoring(self):
                    await self._serve()
            except OSError as error:
                raise SettingsError(str(error)) from error
            except WorkerDied as error:
                raise SettingsError(f"a worker could not start: {error}") from None
        logger.info("stopped")

    async def _serve(self) -> None:
        processes = max(_processes(source) for source in self.sources.values())
        host: Runners | Workers
        if processes == 1:
            host = self._host = Runners()
            for source in self.sources.values():
                await host.add(source)
        else:
            host = self._host = Workers(self.settings, processes)
            await host.start(list(self.sources.values()))
        logger.info("started: %d pipelines in %d worker processes", len(self.sources), processes)
        try:
            await self._until_stopped(host)
        finally:
            logger.info("stopping: no more events are taken in")
            await host.stop()

    async def _until_stopped(self, host: Runners | Workers) -> None:
        reloading = asyncio.create_task(self._reload_when_asked())
        ends = [asyncio.create_task(self._stop.wait()), asyncio.create_task(host.ended.wait())]
        try:
            done, _ = await asyncio.wait([*ends, host.failed, reloading], return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for task in (*ends, reloading):
                task.cancel()

    def _on_stop(self) -> None:
        if self._stop.is_set():
            logger.warning("ended at once: what was not acknowledged is sent again")
            os._exit(1)
        self._stop.set()

    # Figures

    async def stats(self) -> dict[str, Any]:
        """The figures of each pipeline, summed over the workers, with what concerns them all."""
        stats = await self._host.stats() if self._host else {}
        for name, one in stats.items():
            source = self.sources.get(name)
            if not source:
                continue
            settings = source.settings
            queue = DeadLetterQueue(settings.dead_letter_folder, settings.dead_letter_max_bytes)
            one["reloads"] = vars(self.reloads[name])
            one["queue"] = {"type": "memory"} | one["queue"]
            letters = one["dead_letter_queue"]
            one["dead_letter_queue"] = {
                "count": letters["count"],
                "queue_size_in_bytes": queue.size_in_bytes,
                "max_queue_size_in_bytes": queue.max_bytes,
                "dropped_events": 0,
                "expired_events": 0,
                "storage_policy": "wait",
                "last_error": letters["last_error"] or "no dropped entries",
            }
        return {name: one for name, one in stats.items() if name in self.sources}

    @property
    def pids(self) -> list[int]:
        return [os.getpid(), *(self._host.pids() if isinstance(self._host, Workers) else [])]

    # Reloading

    async def _reload_when_asked(self) -> None:
        """On SIGHUP, and with config.reload.automatic whenever a file has changed."""
        while True:
            interval = self.settings.reload_interval if self.settings.reload_automatic else None
            try:
                async with asyncio.timeout(interval):
                    await self._reload.wait()
                asked = True
            except TimeoutError:
                asked = False
            self._reload.clear()
            await self._load(asked=asked)

    async def _load(self, *, asked: bool) -> None:
        try:
            sources = {source.id: source for source in self._read()}
        except (ConfigError, SettingsError, OSError) as error:
            self._reject(list(self.sources), str(error), str(error), asked=asked)
            return
        changed = [one for one in sources.values() if one != self.sources.get(one.id)]
        gone = [name for name in self.sources if name not in sources]
        if asked and not changed and not gone:
            logger.info("asked to reload, but no pipeline has changed")
        for name in gone:
            await self._host.remove(name)
            del self.sources[name], self.reloads[name]
            logger.info("pipeline %s was removed", name)
        for source in changed:
            await self._change(source, asked=asked)

    async def _change(self, source: Source, *, asked: bool) -> None:
        old = self.sources.get(source.id)
        if old and not old.settings.reloadable:
            self._reject([source.id], source, f"{source.id}: pipeline.reloadable: false forbids it", asked=asked)
            return
        if old and old.settings.workers != source.settings.workers:
            logger.warning("pipeline %s: pipeline.workers changes at the next start only", source.id)
        try:
            source.compile()
            await (self._host.replace(source) if old else self._host.add(source))
        except (ConfigError, CallFailed, OSError) as error:
            self._reject([source.id], source, str(error), asked=asked)
            return
        self._rejected = None
        self.sources[source.id] = source
        self.reloads.setdefault(source.id, Reloads()).succeeded()
        logger.info("pipeline %s was %s", source.id, "reloaded" if old else "added")

    def _reject(self, names: list[str], what: Any, message: str, *, asked: bool) -> None:
        """The old pipeline goes on. Of the same files it is told once."""
        if self._rejected == what and not asked:
            return
        self._rejected = what
        for name in names:
            self.reloads.setdefault(name, Reloads()).failed(message)
        logger.error("the new configuration can't be loaded, the old one goes on:\n%s", message)


def _processes(source: Source) -> int:
    """Inputs without a port run in one process, so others would have nothing to do."""
    workers = source.settings.workers
    return workers if workers > 1 and any(one.listens for one in source.compile().inputs) else 1


def _check_descriptors() -> None:
    """A connection takes a file descriptor: as many as we may have, we take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft < WANTED_DESCRIPTORS:
        logger.warning(
            "this process may have only %d files open, fewer than a thousand connections take: raise `ulimit -n` to %d",
            soft,
            WANTED_DESCRIPTORS,
        )


class _only_one:
    """Holds the lock of a path.data. Raises SettingsError while another service has it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".lock"

    def __enter__(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise SettingsError(
                f"{self._path.parent}: another service uses this path.data: stop it, or give another folder"
            ) from None

    def __exit__(self, *args: object) -> None:
        self._file.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
