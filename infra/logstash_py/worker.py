"""A worker process: `python -m logstash_py.worker CALLS DOOR FIRST LEVEL FORMAT`, which the supervisor (workers.py)
starts.

CALLS and DOOR are the numbers of inherited sockets: calls from and to the supervisor, and the connections that it
accepted for us. It ends when the supervisor says so, and at once when the supervisor is gone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from . import logs
from .channel import Channel
from .runners import Runners

logger = logging.getLogger(__name__)


class Door:
    """Where the connections come in that the supervisor accepted for this process."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._servers: dict[str, _Server] = {}
        self.calls: Channel | None = None

    def open(self) -> None:
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._receive)

    async def listen(self, host: str, port: int, serve: Callable[[socket.socket], Any]) -> _Server:
        """Raises OSError when the supervisor can't listen there."""
        assert self.calls is not None  # noqa: S101 set before anything listens
        key, address = f"{host}:{port}", (host, port)
        problem, *address = await self.calls.call("listen", host, port)
        if problem:
            raise OSError(problem)
        server = self._servers[key] = _Server(self, key, tuple(address), serve)
        return server

    def forget(self, key: str) -> None:
        if self._servers.pop(key, None) and self.calls:
            self.calls.tell("unlisten", key)

    def _receive(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._socket, 1024, 1)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(self._socket)
            return
        for descriptor in descriptors:
            connection = _Handed(fileno=descriptor)
            connection.closed = lambda: self.calls and self.calls.tell("closed", data.decode())
            server = self._servers.get(data.decode())
            if server:
                server.serve(connection)
            else:
                connection.close()


class _Handed(socket.socket):
    """A connection from the supervisor, which is told when it closes."""

    closed: Callable[[], Any] | None = None

    def close(self) -> None:
        told, self.closed = self.closed, None
        super().close()
        if told:
            told()


class _Server(asyncio.AbstractServer):
    """What `create_server` gives: like asyncio's own, but that connections come by the door."""

    def __init__(self, door: Door, key: str, address: tuple[Any, ...], serve: Callable[[socket.socket], Any]) -> None:
        self._door = door
        self._key = key
        self._address = address
        self.serve = serve
        self._closed = asyncio.Event()

    @property
    def sockets(self) -> tuple[_Server, ...]:
        return () if self._closed.is_set() else (self,)

    def getsockname(self) -> tuple[Any, ...]:
        return self._address

    def close(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            self._door.forget(self._key)

    def is_serving(self) -> bool:
        return not self._closed.is_set()

    async def start_serving(self) -> None:
        pass

    async def serve_forever(self) -> None:
        try:
            await self._closed.wait()
        finally:
            self.close()

    async def wait_closed(self) -> None:
        pass


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose servers get their connections from the supervisor, so that one port serves all workers
    evenly. Datagrams the kernel itself spreads over the workers' sockets."""

    door: Door

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Any, host: Any = None, port: Any = None, *, ssl: Any = None, **options: Any
    ) -> Any:
        tasks: set[asyncio.Task[Any]] = set()
        handshake = {name: options[name] for name in ("ssl_handshake_timeout",) if ssl and name in options}

        async def connect(connection: socket.socket) -> None:
            try:
                await self.connect_accepted_socket(protocol_factory, connection, ssl=ssl, **handshake)
            except (TimeoutError, OSError) as error:
                logger.info("a connection was lost before it began: %s", error)
                connection.close()

        def serve(connection: socket.socket) -> None:
            connection.setblocking(False)
            task = self.create_task(connect(connection))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        return await self.door.listen(host, int(port), serve)

    async def create_datagram_endpoint(self, protocol_factory: Any, local_addr: Any = None, **options: Any) -> Any:
        if local_addr:
            options["reuse_port"] = True
        return await super().create_datagram_endpoint(protocol_factory, local_addr, **options)


async def _main(calls: socket.socket, door: Door, *, first: bool) -> None:
    runners = Runners(first=first)
    stopping = False

    async def stop() -> None:
        nonlocal stopping
        stopping = True
        await runners.stop()

    async def tell_end() -> None:
        await runners.ended.wait()
        channel.tell("ended")

    handlers = {
        "add": runners.add,
        "replace": runners.replace,
        "remove": runners.remove,
        "stats": runners.stats,
        "stop": stop,
    }
    reader, writer = await asyncio.open_connection(sock=calls)
    channel = door.calls = Channel(reader, writer, handlers)
    door.open()
    serving, ending = asyncio.create_task(channel.run()), asyncio.create_task(tell_end())
    await asyncio.wait([serving, runners.failed], return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if runners.failed.done():
        runners.failed.result()
    if not stopping:
        # As if killed with the supervisor: what was not acknowledged is sent again.
        os._exit(1)


def main() -> int:
    calls, door, first, level, form = sys.argv[1:]
    logs.configure(level, form)
    # Both reach the whole group of processes; the supervisor says when to end.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    loop = Loop()
    loop.door = Door(socket.socket(fileno=int(door)))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            runner.run(_main(socket.socket(fileno=int(calls)), loop.door, first=first == "1"))
        except OSError as error:
            logger.error("%s", error)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
