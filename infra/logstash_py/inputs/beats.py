"""beats: what Filebeat and its kin send, by the Lumberjack protocol over TCP.

A window is acknowledged when all its events are stored. While that takes long, an acknowledgement of nothing every few
seconds keeps the sender from giving up. No more is read from a connection than its next window while the pipeline is
busy.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import Any, ClassVar

from .. import event as events
from .. import fieldref, tls
from ..event import Event
from ..intake import Account, Delivery, Intake
from ..listener import Listener, peer_name, read
from ..lumberjack import Connection, ProtocolError, Window, ack
from ..plugin import Decoder, Input, Option, list_of, number, string
from ..text import ruby_text

logger = logging.getLogger(__name__)

KEEP_ALIVE = 5.0
# How long a connection that is closed from our side waits for its acknowledgements.
LINGER = 5.0
_DEFAULT = ("source_metadata", "codec_metadata")
_ENRICHMENTS = (*_DEFAULT, "ssl_peer_metadata")


class Beats(Input):
    name = "beats"
    listens = True
    options: ClassVar = {
        "host": Option(string, "0.0.0.0"),  # noqa: S104 Logstash's own default
        "port": Option(number, required=True),
        "client_inactivity_timeout": Option(number, 60),
        "enrich": Option(list_of("all", "none", *_ENRICHMENTS)),
    } | tls.SERVER
    refused: ClassVar = tls.REFUSED | {
        "ssl_peer_metadata": "is gone, use enrich => ['ssl_peer_metadata']",
        "include_codec_tag": "is gone, use enrich => ['codec_metadata'] or without",
        "add_hostname": "is gone: Beats say themselves where they are",
        "executor_threads": "has no meaning here: the number of processes is pipeline.workers",
        "event_loop_threads": "has no meaning here: the number of processes is pipeline.workers",
        "congestion_threshold": "is gone: a slow pipeline slows its senders",
        "target_field_for_codec": "is gone: it is always message",
    }

    def register(self) -> None:
        wanted = set(self.enrich if self.enrich is not None else _DEFAULT)
        if len(wanted) > 1 and wanted & {"all", "none"}:
            raise self.refuse("enrich", "'all' and 'none' stand alone", "compile")
        self._enrich = frozenset(_ENRICHMENTS if "all" in wanted else wanted)
        if self.codec.name not in ("plain", "json"):
            remedy = "join lines in Filebeat" if self.codec.name == "multiline" else "use plain or json"
            raise self.refuse("codec", f"the codec {self.codec.name} is not supported here: {remedy}")
        if "codec" not in self.given and "codec_metadata" not in self._enrich:
            self.codec = self.make_codec("plain", ecs_compatibility="disabled")
        self._context = tls.server_context(self)
        self._decorate = self.decorator()
        below = ("@metadata", "input", "beats")
        if self.ecs:
            self._ip = (*below, "host", "ip")
            self._peer = {
                "protocol": (*below, "tls", "version_protocol"),
                "subject": (*below, "tls", "client", "subject"),
                "cipher": (*below, "tls", "cipher"),
            }
        else:
            self._ip = ("@metadata", "ip_address")
            peer = ("@metadata", "tls_peer")
            self._peer = {
                "protocol": (*peer, "protocol"),
                "subject": (*peer, "subject"),
                "cipher": (*peer, "cipher_suite"),
            }
        self._listener: Listener | None = None

    @property
    def connections(self) -> int:
        return self._listener.connections if self._listener else 0

    async def run(self, intake: Intake) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(reader, writer, intake)

        self._listener = Listener(
            "beats", self.host, self.port, serve, self._context, self.ssl_handshake_timeout / 1000
        )
        await self._listener.serve()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, intake: Intake) -> None:
        name = peer_name(writer)
        client = _Client(writer)
        account = Account(intake.budget)
        keep_alive = asyncio.create_task(client.keep_alive())
        try:
            await self._read(reader, writer, client, intake, account, _Peer(self, writer))
        except ProtocolError as error:
            logger.warning("beats: connection from %s closed: %s", name, error)
        except TimeoutError as error:
            logger.info("beats: connection from %s closed: %s", name, error)
        except asyncio.CancelledError:
            # What was read is on its way: its sender is told, lest it send all again.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await client.all_acknowledged()
            raise
        finally:
            keep_alive.cancel()
            account.close()
            client.closed = True

    async def _read(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        client: _Client,
        intake: Intake,
        account: Account,
        peer: _Peer,
    ) -> None:
        protocol = Connection()
        while True:
            # A sender that waits for its acknowledgements is not inactive.
            data = await read(reader, writer, account, None if client.windows else self.client_inactivity_timeout)
            if not data:
                if protocol.mid_frame:
                    raise ProtocolError("the connection ended in the middle of a window")
                await client.all_acknowledged()
                return
            protocol.feed(data)
            while window := protocol.next_window():
                account.keep(protocol.held)
                await self._hand_over(window, client, intake, account, peer)
            account.keep(protocol.held)

    async def _hand_over(self, window: Window, client: _Client, intake: Intake, account: Account, peer: _Peer) -> None:
        window.events = peer.events(window.events)
        acknowledge, moved = client.expect(window), account.move(window.size)

        def done() -> None:
            moved()
            acknowledge()

        await intake.put(Delivery(window.events, done), self.metrics)

    def tls_fields(self, writer: asyncio.StreamWriter) -> dict[tuple[str, ...], str]:
        """What is known of a peer's certificate. Empty where no certificate is asked for."""
        if "ssl_peer_metadata" not in self._enrich or self.ssl_client_authentication == "none" or not self._context:
            return {}
        peer = tls.peer(writer)
        status = {("@metadata", "tls_peer", "status"): "verified" if peer else "unverified"}
        return status | {self._peer[name]: value for name, value in (peer or {}).items()}

    def source_fields(self, writer: asyncio.StreamWriter) -> dict[tuple[str, ...], str]:
        address = writer.get_extra_info("peername")
        return {self._ip: address[0]} if "source_metadata" in self._enrich and address else {}


class _Peer:
    """Makes events of what one connection sends."""

    def __init__(self, beats: Beats, writer: asyncio.StreamWriter) -> None:
        self._decorate = beats._decorate
        self._decoder: Decoder = beats.codec.decoder()
        # The commonest codec by far needs no detour by way of bytes.
        self._plain = beats.codec.name == "plain" and beats.codec.charset == "utf-8"
        self._keep_original = self._plain and beats.codec.ecs
        self._fields = list((beats.source_fields(writer) | beats.tls_fields(writer)).items())
        tagged = "codec_metadata" in beats._enrich
        self._tag = f"beats_input_codec_{beats.codec.name}_applied" if tagged else None

    def events(self, window: list[Event]) -> list[Event]:
        made: list[Event] = []
        for data in window:
            if type(data.get("@metadata")) is not dict:
                data["@metadata"] = {}
            for path, value in self._fields:
                fieldref.set_(data, path, value)
            if self._plain and type(text := data.get("message")) is str:
                made.append(self._finish(data, text))
            else:
                made += self._decoded(data)
        return made

    def _decoded(self, data: Event) -> list[Event]:
        """Without `message` (or `line`, which forwarders of the first protocol send) there is nothing for a codec."""
        key = "message" if data.get("message") is not None else "line"
        text = data.get(key)
        if text is None:
            event = events.build(data)
            self._decorate(event)
            events.tag(event, "beats_input_raw_event")
            return [event]
        del data[key]
        text = ruby_text(text)
        if self._plain:
            data["message"] = text
            return [self._finish(data, text)]
        decoded = self._decoder.decode(text.encode("utf-8", "replace")) + self._decoder.flush()
        return [self._finish(_merge(one, events.clone(data)), None) for one in decoded]

    def _finish(self, data: Event, original: str | None) -> Event:
        if self._keep_original and type(event := data.setdefault("event", {})) is dict:
            event.setdefault("original", original)
        event = events.build(data)
        self._decorate(event)
        if self._tag:
            events.tag(event, self._tag)
        return event


def _merge(event: Event, data: Event) -> Event:
    """What the Beat says goes over what the codec read, field by field of an object."""
    for key, value in data.items():
        old = event.get(key)
        event[key] = old | value if type(old) is dict and type(value) is dict else value
    return event


class _Client:
    """The acknowledging side of one connection. Windows are acknowledged in the order in which they came."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        # [window, whether it is done], oldest first.
        self.windows: deque[list[Any]] = deque()
        self._acknowledging = False
        self._changed = asyncio.Event()
        self.closed = False

    def expect(self, window: Window) -> Any:
        """Notes a window; what it returns is called when the window's events are stored."""
        entry = [(window.version, window.sequence), False]
        self.windows.append(entry)

        def done() -> None:
            entry[1] = True
            if not self._acknowledging:
                # Windows that were stored together are acknowledged together.
                self._acknowledging = True
                asyncio.get_running_loop().call_soon(self._acknowledge)

        return done

    def _acknowledge(self) -> None:
        self._acknowledging = False
        acks = []
        while self.windows and self.windows[0][1]:
            acks.append(ack(*self.windows.popleft()[0]))
        if acks:
            self._send(b"".join(acks))
            self._changed.set()

    def _send(self, data: bytes) -> None:
        if not self.closed and not self._writer.is_closing():
            self._writer.write(data)

    async def all_acknowledged(self) -> None:
        while self.windows:
            self._changed.clear()
            await self._changed.wait()

    async def keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE)
            if self.windows:
                self._send(ack(self.windows[0][0][0], 0))


plugin = Beats
