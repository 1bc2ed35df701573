"""Worker processes and their supervisor.

Each worker runs whole pipelines: it reads its own connections, filters, stores, and acknowledges. They share nothing,
so a second core brings nearly a second's work, and a worker that dies takes along nothing but its connections, whose
senders connect again and send again what was not acknowledged. The supervisor listens, and hands each accepted
connection to the worker that has the fewest of that port: with as few connections as Filebeat makes, the kernel's own
way to spread them (SO_REUSEPORT) often gives all of them to one process. One connection is served by one worker; a
sender that is to use several opens several (Filebeat: output.logstash.worker with loadbalance).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections import Counter
from typing import Any

from .channel import CallFailed, Channel
from .settings import Settings
from .sources import Source

logger = logging.getLogger(__name__)

BACKLOG = 1024
_RESTART_AFTER = 1.0
# While a worker starts, new connections wait so long for it: else all would go to the others, and stay there.
_WAIT_FOR_WORKER = 5.0


class WorkerDied(Exception):
    """A worker ended before it had started. Its log tells why."""


class _Worker:
    def __init__(self, number: int) -> None:
        self.number = number
        self.process: asyncio.subprocess.Process | None = None
        self.channel: Channel | None = None
        self.door: socket.socket | None = None
        self.serving: asyncio.Task[None] | None = None
        self.ready = False
        self.waits_since = 0.0
        # Its connections, by port.
        self.connections: Counter[str] = Counter()
        self.keys: set[str] = set()
        self.stats: dict[str, Any] = {}


class Workers:
    """As Runners, over `count` processes: a pipeline runs in the first `pipeline.workers` of them."""

    def __init__(self, settings: Settings, count: int) -> None:
        self._settings = settings
        self._workers = [_Worker(number) for number in range(count)]
        self._sources: dict[str, Source] = {}
        self._listeners: dict[str, socket.socket] = {}
        self._watching: list[asyncio.Task[None]] = []
        self._stopping = False
        self._changing = False
        # The figures of workers that died, as far as they had told them.
        self._past: dict[str, Any] = {}
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()
        self.restarts = 0

    async def start(self, sources: list[Source]) -> None:
        """Raises WorkerDied, or OSError for a port that can't be listened on."""
        self._sources = {source.id: source for source in sources}
        # One after the other: an error is then told once.
        for worker in self._workers:
            try:
                await self._start(worker)
            except CallFailed as error:
                raise WorkerDied(str(error)) from None
        self._watching = [asyncio.create_task(self._watch(worker)) for worker in self._workers]

    async def add(self, source: Source) -> None:
        self._sources[source.id] = source
        await self._each(source, "add", source)

    async def replace(self, source: Source) -> None:
        """Raises CallFailed when a worker can't; all then have the old one."""
        old = self._sources[source.id]
        try:
            await self._each(source, "replace", source)
        except CallFailed:
            await self._each(old, "replace", old)
            raise
        self._sources[source.id] = source

    async def remove(self, pipeline_id: str) -> None:
        await self._each(self._sources.pop(pipeline_id), "remove", pipeline_id)

    async def _each(self, source: Source, name: str, *arguments: Any) -> None:
        wanted = [one for one in self._workers if one.ready and one.number < source.settings.workers]
        self._changing = True
        results = await asyncio.gather(*(_call(one, name, *arguments) for one in wanted), return_exceptions=True)
        self._changing = False
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def stop(self) -> None:
        self._stopping = True
        for listener in self._listeners.values():
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        await asyncio.gather(
            *(_call(worker, "stop") for worker in self._workers if worker.ready), return_exceptions=True
        )
        for worker in self._workers:
            self._close(worker)
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        for worker in self._workers:
            if worker.process:
                await worker.process.wait()

    async def stats(self) -> dict[str, Any]:
        """The sums over all workers."""
        alive = [worker for worker in self._workers if worker.ready]
        await asyncio.gather(*map(self._ask_stats, alive), return_exceptions=True)
        total = self._past
        for worker in alive:
            total = add_up(total, worker.stats)
        return total

    def pids(self) -> list[int]:
        return [worker.process.pid for worker in self._workers if worker.process and worker.ready]

    async def _ask_stats(self, worker: _Worker) -> None:
        async with asyncio.timeout(2):
            worker.stats = await _call(worker, "stats")

    # Processes

    async def _start(self, worker: _Worker) -> None:
        """Raises CallFailed."""
        ours, theirs = socket.socketpair()
        door, their_door = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        worker.door = door
        door.setblocking(False)
        worker.waits_since = asyncio.get_running_loop().time()
        settings = self._settings
        numbers = [str(theirs.fileno()), str(their_door.fileno()), str(int(worker.number == 0))]
        worker.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "logstash_py.worker", *numbers, settings.log_level, settings.log_format),
            pass_fds=(theirs.fileno(), their_door.fileno()),
        )
        theirs.close()
        their_door.close()
        handlers = {
            "listen": lambda host, port: self._listen(worker, host, port),
            "unlisten": lambda key: self._unlisten(worker, key),
            "closed": lambda key: self._closed(worker, key),
            "ended": self._ended,
        }
        reader, writer = await asyncio.open_connection(sock=ours)
        worker.channel = Channel(reader, writer, handlers)
        worker.serving = asyncio.create_task(worker.channel.run())
        for source in self._sources.values():
            if worker.number < source.settings.workers:
                await worker.channel.call("add", source)
        worker.ready = True

    async def _watch(self, worker: _Worker) -> None:
        """Starts a worker again whenever it ends."""
        while True:
            tick = asyncio.create_task(self._tell_stats(worker))
            code = await worker.process.wait()
            tick.cancel()
            if self._stopping:
                return
            self._past = add_up(self._past, worker.stats)
            worker.stats = {}
            self._close(worker)
            self.restarts += 1
            logger.error("worker %d ended (%s); its senders send again; a new one starts", worker.number, _how(code))
            worker.waits_since = asyncio.get_running_loop().time()
            while not worker.ready:
                try:
                    await self._start(worker)
                except CallFailed as error:
                    logger.error("worker %d can't start, trying again: %s", worker.number, error)
                    if worker.process and worker.process.returncode is None:
                        worker.process.kill()
                    self._close(worker)
                    await asyncio.sleep(_RESTART_AFTER)

    async def _tell_stats(self, worker: _Worker) -> None:
        """So that little is missing from the figures when it dies."""
        while True:
            await asyncio.sleep(1)
            try:
                await self._ask_stats(worker)
            except (CallFailed, TimeoutError):
                continue

    def _close(self, worker: _Worker) -> None:
        worker.ready = False
        worker.connections.clear()
        worker.keys.clear()
        if worker.door:
            worker.door.close()
            worker.door = None
        if worker.channel:
            worker.channel.close()

    async def _ended(self) -> None:
        self.ended.set()

    # Connections

    async def _listen(self, worker: _Worker, host: str, port: int) -> tuple[Any, ...]:
        """(what went wrong or "", address)."""
        key = f"{host}:{port}"
        if key not in self._listeners:
            try:
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
            except OSError as error:
                problem = f"can't listen on {key}: {error.strerror or error}"
                # A pipeline that is only being changed stays as it was.
                if not self._changing and not self.failed.done():
                    self.failed.set_exception(OSError(problem))
                return problem, host, port
            listener.setblocking(False)
            self._listeners[key] = listener
            asyncio.get_running_loop().add_reader(listener, self._accept, key)
        worker.keys.add(key)
        return "", *self._listeners[key].getsockname()[:2]

    async def _unlisten(self, worker: _Worker, key: str) -> None:
        worker.keys.discard(key)
        if not any(key in other.keys for other in self._workers) and key in self._listeners:
            listener = self._listeners.pop(key)
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()

    async def _closed(self, worker: _Worker, key: str) -> None:
        worker.connections[key] -= 1

    def _accept(self, key: str) -> None:
        loop = asyncio.get_running_loop()
        listener = self._listeners[key]
        wanted = [worker for worker in self._workers if worker.ready and key in worker.keys]
        starting = [one for one in self._workers if not one.ready and loop.time() - one.waits_since < _WAIT_FOR_WORKER]
        if not wanted or starting:
            self._later(key)
            return
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            logger.error("no connection can be accepted: %s", error)
            self._later(key)
            return
        with connection:
            for worker in sorted(wanted, key=lambda one: one.connections[key]):
                try:
                    socket.send_fds(worker.door, [key.encode()], [connection.fileno()])
                except OSError:
                    continue
                worker.connections[key] += 1
                return
        # Dropped: its sender connects again.
        self._later(key)

    def _later(self, key: str) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listeners[key])

        def again() -> None:
            if key in self._listeners and not self._stopping:
                loop.add_reader(self._listeners[key], self._accept, key)

        loop.call_later(0.05, again)


async def _call(worker: _Worker, name: str, *arguments: Any) -> Any:
    assert worker.channel is not None  # noqa: S101 it is ready
    return await worker.channel.call(name, *arguments)


def add_up(one: Any, other: Any) -> Any:
    """Sums of numbers, dicts key by key; of texts the second that says something."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            key: add_up(one[key], other[key]) if key in one and key in other else one.get(key, other.get(key))
            for key in [*one, *(key for key in other if key not in one)]
        }
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one + other
    return other or one


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
