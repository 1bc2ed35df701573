"""Ports that listen: connections are accepted, secured by TLS where it is asked for, and handed to a function.

asyncio says nothing of a TLS handshake that fails; here each connection that is refused has its reason in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from asyncio import sslproto
from collections.abc import Awaitable, Callable
from typing import Any

from . import tls
from .intake import Account

logger = logging.getLogger(__name__)

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# What a connection is read by, and half of what its reader may hold besides. Each read has its price, some 50 µs; but
# a thousand connections that all wait for the budget are to hold no more than 50 MiB: only the first few read much at
# once.
READ_SIZE = 64 * 1024
_FIRST = 16
_CROWD_READ_SIZE = 16 * 1024
# With TLS bytes wait in more places: on their way to be decrypted, within OpenSSL, and after that.
TLS_READ_SIZE = 4 * 1024
_BACKLOG = 1024
# The buffer that asyncio gives each TLS connection is 256 KiB otherwise: a quarter of a gigabyte for a thousand.
sslproto.SSLProtocol.max_size = TLS_READ_SIZE
# How long a connection may take for its next bytes while all others wait for it.
_TURN_SECONDS = 10.0


class _Accepted(asyncio.Protocol):
    """A new connection, of which nothing is read yet."""

    def __init__(self, accepted: Callable[[Any], None]) -> None:
        self._accepted = accepted

    def connection_made(self, transport: Any) -> None:
        transport.pause_reading()
        self._accepted(transport)


class Listener:
    """`serve()` accepts connections until it is cancelled; then what serves the open ones is cancelled too."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        handle: Handle,
        context: ssl.SSLContext | None = None,
        handshake_timeout: float = 10.0,
        keep_alive: bool = False,
    ) -> None:
        """`handshake_timeout` in seconds."""
        self._name = name
        self._host, self._port = host, int(port)
        self._handle = handle
        self._context = context
        self._handshake_timeout = handshake_timeout
        self._keep_alive = keep_alive
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        return len(self._tasks)

    async def serve(self) -> None:
        """Raises OSError when the port can't be had."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: _Accepted(self._accepted), self._host, self._port, backlog=_BACKLOG, reuse_address=True
        )
        logger.info("%s: listening on %s:%s", self._name, *server.sockets[0].getsockname()[:2])
        try:
            await server.serve_forever()
        finally:
            server.close()
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _accepted(self, transport: Any) -> None:
        task = asyncio.create_task(self._serve(transport))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, transport: Any) -> None:
        name = peer_name(transport)
        if self._keep_alive:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        size = READ_SIZE if self.connections <= _FIRST else _CROWD_READ_SIZE
        # asyncio's own is 256 KiB.
        transport.max_size = size
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=TLS_READ_SIZE // 2 if self._context else size)
        protocol = asyncio.StreamReaderProtocol(reader)
        if self._context:
            try:
                transport = await loop.start_tls(
                    transport,
                    protocol,
                    self._context,
                    server_side=True,
                    ssl_handshake_timeout=self._handshake_timeout,
                )
            except (OSError, EOFError) as error:
                transport.abort()
                logger.warning("%s: connection from %s refused: TLS: %s", self._name, name, tls.describe(error))
                return
            # How much of what came may wait to be decrypted.
            transport.set_read_buffer_limits(TLS_READ_SIZE // 2)
        else:
            transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if not self._context:
            transport.resume_reading()
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            await self._handle(reader, writer)
        except OSError as error:
            logger.info("%s: connection from %s lost: %s", self._name, name, tls.describe(error))
        except Exception:
            logger.exception("%s: connection from %s closed by an error of ours", self._name, name)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def peer_name(transport: Any) -> str:
    address = transport.get_extra_info("peername")
    return f"{address[0]}:{address[1]}" if address else "a peer that is gone"


async def read(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, account: Account, timeout: float | None
) -> bytes:
    """Some bytes of a connection, none at its end; not before the budget has room for them. `timeout` in seconds, None
    or 0 for none. Raises TimeoutError with a reason to tell."""
    limit = timeout or None
    if account.has_turn:
        limit = min(limit or _TURN_SECONDS, _TURN_SECONDS)
    try:
        async with asyncio.timeout(limit):
            data = await reader.read(READ_SIZE)
    except TimeoutError:
        waiting = ", and others waited for it" if account.has_turn else ""
        raise TimeoutError(f"nothing came for {limit:g} s{waiting}") from None
    # Only those wait for room that have something to bring, and they take in nothing more meanwhile.
    if data and account.must_wait:
        writer.transport.pause_reading()
        await account.room()
        writer.transport.resume_reading()
    return data
