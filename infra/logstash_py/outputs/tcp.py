"""tcp: events to a server over one connection, which is made anew when it breaks.

TCP has no acknowledgement: what the operating system took counts as sent, and a batch during which the connection broke
is sent again as a whole. So events may be doubled when a connection breaks, and the few that were on their way in a
server that died are lost, as with Logstash.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any, ClassVar

from .. import tls
from ..event import Event
from ..plugin import Option, Output, number, one_of, string

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0


class Tcp(Output):
    name = "tcp"
    default_codec = "json"
    options: ClassVar = {
        "host": Option(string, required=True),
        "port": Option(number, required=True),
        "mode": Option(one_of("client", "server"), "client"),
        "reconnect_interval": Option(number, 10),
    } | tls.CLIENT
    refused: ClassVar = tls.REFUSED | {
        "ssl_cacert": "is gone, use ssl_certificate_authorities",
        "ssl_client_authentication": "is for mode => server, which is not supported",
    }

    def register(self) -> None:
        if self.mode == "server":
            raise self.refuse("mode", "mode => server is not supported")
        self._tls = tls.client_context(self)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._discard: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def send(self, events: list[Event]) -> None:
        data = b"".join(map(self.codec.encode, events))
        # Batches of several workers must not mix.
        async with self._lock:
            while True:
                try:
                    await self._write(data)
                    return
                except (OSError, EOFError) as error:
                    await self._close()
                    logger.warning(
                        "tcp: %s:%s: %s; trying again in %s s",
                        self.host,
                        self.port,
                        tls.describe(error),
                        self.reconnect_interval,
                    )
                    self.metrics.failures += 1
                    await asyncio.sleep(self.reconnect_interval)

    async def _write(self, data: bytes) -> None:
        if self._discard is not None and self._discard.done():
            raise EOFError("the server closed the connection")
        if self._writer is None:
            async with asyncio.timeout(_CONNECT_SECONDS):
                self._reader, self._writer = await asyncio.open_connection(
                    self.host, int(self.port), **self._tls_arguments()
                )
            self._discard = asyncio.create_task(self._until_closed(self._reader))
        self._writer.write(data)
        await self._writer.drain()

    def _tls_arguments(self) -> dict[str, Any]:
        return {"ssl": self._tls, "server_hostname": self.host} if self._tls else {}

    @staticmethod
    async def _until_closed(reader: asyncio.StreamReader) -> None:
        """What the server sends means nothing, but that it closes does."""
        with contextlib.suppress(OSError):
            while await reader.read(65536):
                pass

    async def _close(self) -> None:
        if self._discard:
            self._discard.cancel()
        if self._writer:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        self._reader = self._writer = self._discard = None

    async def stop(self) -> None:
        await self._close()


plugin = Tcp
