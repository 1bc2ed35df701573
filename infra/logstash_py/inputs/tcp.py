"""tcp: texts that come over connections, by default one a line.

TCP has no acknowledgement: what was read and not stored when this process dies is lost, as with Logstash. A pipeline
that is slow stops the senders.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Any, ClassVar

from .. import tls
from ..intake import Account, Delivery, Intake
from ..lines import LineTooLong
from ..listener import Listener, peer_name, read
from ..plugin import Input, Option, boolean, number, one_of, string

logger = logging.getLogger(__name__)

_LOOK_UP_SECONDS = 2.0


class Tcp(Input):
    name = "tcp"
    listens = True
    default_codec = "line"
    options: ClassVar = (
        {
            "host": Option(string, "0.0.0.0"),  # noqa: S104 Logstash's own default
            "port": Option(number, required=True),
            "mode": Option(one_of("server", "client"), "server"),
            "dns_reverse_lookup_enabled": Option(boolean, True),
            "tcp_keep_alive": Option(boolean, False),
        }
        | tls.SERVER
        | {"ssl_client_authentication": Option(one_of("none", "optional", "required"), "required")}
    )
    refused: ClassVar = tls.REFUSED | {
        "proxy_protocol": "not supported",
        "ssl_extra_chain_certs": "not supported: put the whole chain into ssl_certificate",
        "ssl_verification_mode": "is for mode => client, which is not supported",
    }

    def register(self) -> None:
        if self.mode == "client":
            raise self.refuse("mode", "mode => client is not supported")
        if self.ssl_enabled and "ssl_client_authentication" not in self.given and not self.ssl_certificate_authorities:
            # Logstash's default asks for certificates only where there is something to check them by.
            self.ssl_client_authentication = "none"
        self.codec.decoder(stream=True)
        self._context = tls.server_context(self)
        self._build = self.builder()
        below = ("@metadata", "input", "tcp")
        if self.ecs:
            self._host, self._ip = (*below, "source", "name"), (*below, "source", "ip")
            self._port, self._subject = (*below, "source", "port"), (*below, "tls", "client", "subject")
        else:
            self._host, self._ip = ("host",), ("@metadata", "ip_address")
            self._port, self._subject = ("port",), ("sslsubject",)
        self._listener: Listener | None = None

    @property
    def connections(self) -> int:
        return self._listener.connections if self._listener else 0

    async def run(self, intake: Intake) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(reader, writer, intake)

        self._listener = Listener(
            "tcp", self.host, self.port, serve, self._context, self.ssl_handshake_timeout / 1000, self.tcp_keep_alive
        )
        await self._listener.serve()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, intake: Intake) -> None:
        account = Account(intake.budget)
        try:
            await self._read(reader, writer, intake, account, await self._fields(writer))
        except (LineTooLong, TimeoutError) as error:
            logger.warning("tcp: connection from %s closed: %s", peer_name(writer), error)
        finally:
            account.close()

    async def _read(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        intake: Intake,
        account: Account,
        fields: dict[tuple[str, ...], Any],
    ) -> None:
        decoder = self.codec.decoder(stream=True)
        silence = self.codec.auto_flush_interval
        open_ = True
        while open_:
            data = b""
            try:
                data = await read(reader, writer, account, silence)
                open_ = bool(data)
            except TimeoutError:
                if account.has_turn or not silence:
                    raise
            decoded = decoder.decode(data) if data else decoder.flush()
            account.keep(decoder.held)
            if decoded:
                events = [self._build(one, fields) for one in decoded]
                await intake.put(Delivery(events, account.move(len(data))), self.metrics)

    async def _fields(self, writer: asyncio.StreamWriter) -> dict[tuple[str, ...], Any]:
        ip, port, *_ = writer.get_extra_info("peername") or ("", 0)
        fields = {self._host: await self._name(ip, port), self._ip: ip, self._port: port}
        peer = tls.peer(writer) if self._context else None
        if peer:
            fields[self._subject] = peer["subject"]
        return fields

    async def _name(self, ip: str, port: int) -> str:
        if self.dns_reverse_lookup_enabled:
            with contextlib.suppress(OSError):
                async with asyncio.timeout(_LOOK_UP_SECONDS):
                    name, _ = await asyncio.get_running_loop().getnameinfo((ip, port), socket.NI_NUMERICSERV)
                    return name
        return ip


plugin = Tcp
