"""beats: what Filebeat and its kin send, by the Lumberjack protocol over TCP.

A window is acknowledged when all its events are stored. While that takes long, an acknowledgement of nothing every few
seconds keeps the sender from giving up. No more is read from a connection than its next window while the pipeline is
busy.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any, ClassVar

from .. import event as events
from .. import fieldref
from ..intake import Delivery, Intake
from ..lumberjack import Connection, ProtocolError, Window, ack
from ..plugin import Codec, Input, Option, array, boolean, codec, number, string

logger = logging.getLogger(__name__)

KEEP_ALIVE = 5.0
READ_SIZE = 256 * 1024
# Windows of one connection that may wait for their acknowledgement: Filebeat sends two ahead (pipelining).
MAX_WINDOWS = 4
_ENRICHMENTS = frozenset({"codec_metadata", "source_metadata", "ssl_peer_metadata"})


class Beats(Input):
    name = "beats"
    options: ClassVar = {
        "host": Option(string, "0.0.0.0"),  # noqa: S104 Logstash's own default
        "port": Option(number, required=True),
        "client_inactivity_timeout": Option(number, 60),
        "enrich": Option(array, ["all"]),
        "codec": Option(codec),
        "ssl_enabled": Option(boolean, False),
    }

    def register(self) -> None:
        if self.ssl_enabled:
            raise self.refuse("ssl_enabled", "TLS is not supported")
        if isinstance(self.codec, Codec) and self.codec.name != "plain":
            raise self.refuse("codec", f"the codec {self.codec.name} is not supported here")
        wanted = set(self.enrich)
        if not wanted <= _ENRICHMENTS | {"all", "none"}:
            raise self.refuse("enrich", f"can't enrich with {', '.join(sorted(wanted - _ENRICHMENTS))}", "compile")
        self._enrichments = _ENRICHMENTS if "all" in wanted else wanted & _ENRICHMENTS
        self._ecs = (self.ecs_compatibility or self.context.ecs) != "disabled"
        self._fields = [(fieldref.parse(name), value) for name, value in self.add_field.items()]
        self.connections = 0

    async def run(self, intake: Intake) -> None:
        server = await asyncio.start_server(
            lambda reader, writer: self._serve(reader, writer, intake), self.host, self.port, limit=READ_SIZE
        )
        address = server.sockets[0].getsockname()
        logger.info("beats: listening on %s:%s", *address[:2])
        async with server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, intake: Intake) -> None:
        peer = writer.get_extra_info("peername")
        name = f"{peer[0]}:{peer[1]}" if peer else "a peer"
        client = _Client(writer)
        keep_alive = asyncio.create_task(client.keep_alive())
        self.connections += 1
        try:
            await self._read(reader, client, intake, peer[0] if peer else "")
        except ProtocolError as error:
            logger.warning("beats: connection from %s closed: %s", name, error)
        except TimeoutError:
            logger.info("beats: connection from %s closed: nothing came for %s s", name, self.client_inactivity_timeout)
        except ConnectionError as error:
            logger.info("beats: connection from %s lost: %s", name, error)
        finally:
            self.connections -= 1
            keep_alive.cancel()
            client.closed = True
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, client: _Client, intake: Intake, ip: str) -> None:
        protocol = Connection()
        while True:
            # A sender that waits for its acknowledgements is not inactive.
            timeout = None if client.windows or not self.client_inactivity_timeout else self.client_inactivity_timeout
            async with asyncio.timeout(timeout):
                data = await reader.read(READ_SIZE)
            if not data:
                if protocol.mid_frame:
                    raise ProtocolError("the connection ended in the middle of a window")
                await client.all_acknowledged()
                return
            for window in protocol.receive(data):
                await client.room()
                self.metrics.events_out += len(window.events)
                delivery = Delivery([self._event(data, ip) for data in window.events], client.expect(window))
                await intake.put(delivery)

    def _event(self, data: dict[str, Any], ip: str) -> events.Event:
        event = events.build(data)
        enrichments = self._enrichments
        if enrichments:
            if "codec_metadata" in enrichments:
                if self._ecs and type(event.get("message")) is str:
                    original = event.setdefault("event", {})
                    if type(original) is dict:
                        original.setdefault("original", event["message"])
                events.tag(event, "beats_input_codec_plain_applied")
            if "source_metadata" in enrichments:
                metadata = event.setdefault("@metadata", {})
                if self._ecs:
                    fieldref.set_(metadata, ("input", "beats", "host", "ip"), ip)
                else:
                    metadata["ip_address"] = ip
        for tag in self.tags:
            events.tag(event, tag)
        if self.type and "type" not in event:
            event["type"] = self.type
        for path, value in self._fields:
            fieldref.set_(event, path, value)
        return event


class _Client:
    """The acknowledging side of one connection. Windows are acknowledged in the order in which they came."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        # [window, whether it is done], oldest first.
        self.windows: deque[list[Any]] = deque()
        self._changed = asyncio.Event()
        self.closed = False

    def expect(self, window: Window) -> Any:
        """Notes a window; what it returns is called when the window's events are stored."""
        entry = [(window.version, window.sequence), False]
        self.windows.append(entry)

        def done() -> None:
            entry[1] = True
            while self.windows and self.windows[0][1]:
                (version, sequence), _ = self.windows.popleft()
                self._send(ack(version, sequence))
            self._changed.set()

        return done

    def _send(self, data: bytes) -> None:
        if not self.closed and not self._writer.is_closing():
            self._writer.write(data)

    async def room(self) -> None:
        while len(self.windows) >= MAX_WINDOWS:
            await self._wait()

    async def all_acknowledged(self) -> None:
        while self.windows:
            await self._wait()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE)
            if self.windows:
                self._send(ack(self.windows[0][0][0], 0))


plugin = Beats
