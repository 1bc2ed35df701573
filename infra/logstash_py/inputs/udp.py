"""udp: each datagram is a text. What comes while `queue_size` datagrams wait is dropped, counted and told."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import Any, ClassVar

from .. import fieldref
from ..intake import Delivery, Intake
from ..lines import LineTooLong
from ..plugin import Input, Option, field_reference, number, string

logger = logging.getLogger(__name__)

_TELL_EVERY = 10.0


class Udp(Input):
    """`metrics.failures` counts the datagrams that were dropped."""

    name = "udp"
    listens = True
    options: ClassVar = {
        "host": Option(string, "0.0.0.0"),  # noqa: S104 Logstash's own default
        "port": Option(number, required=True),
        "buffer_size": Option(number, 65536),
        "receive_buffer_bytes": Option(number),
        "queue_size": Option(number, 2000),
        "workers": Option(number, 2),
        "source_ip_fieldname": Option(field_reference),
    }
    refused: ClassVar = {"metadata": "not supported: no codec here reads it"}

    def register(self) -> None:
        for name in ("buffer_size", "queue_size", "workers"):
            if getattr(self, name) < 1:
                raise self.refuse(name, f"{name} must be 1 or more")
        self.codec.decoder()
        self._build = self.builder()
        self._source = fieldref.parse(self.source_ip_fieldname or ("[host][ip]" if self.ecs else "host"))

    async def run(self, intake: Intake) -> None:
        queue: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue(int(self.queue_size))
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Receiver(self, queue), (self.host, int(self.port))
        )
        if self.receive_buffer_bytes:
            self._enlarge(transport.get_extra_info("socket"))
        logger.info("udp: listening on %s:%s", *transport.get_extra_info("sockname")[:2])
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(int(self.workers)):
                    group.create_task(self._work(queue, intake))
        finally:
            transport.close()

    def _enlarge(self, sock: Any) -> None:
        wanted = int(self.receive_buffer_bytes)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wanted)
        # Linux says the double of what it gave.
        got = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
        if got < wanted:
            logger.warning("udp: receive_buffer_bytes: the system gave %d of %d bytes", got, wanted)

    async def _work(self, queue: asyncio.Queue[tuple[bytes, str]], intake: Intake) -> None:
        while True:
            pairs = [await queue.get()]
            while not queue.empty() and len(pairs) < intake.batch_size:
                pairs.append(queue.get_nowait())
            events = []
            for data, ip in pairs:
                # A datagram ends where it ends, whatever the codec.
                decoder = self.codec.decoder()
                try:
                    decoded = decoder.decode(data) + decoder.flush()
                except LineTooLong:
                    self.metrics.failures += 1
                    continue
                events += [self._build(one, {self._source: ip}) for one in decoded]
            await intake.put(Delivery(events, lambda: None), self.metrics)


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, udp: Udp, queue: asyncio.Queue[tuple[bytes, str]]) -> None:
        self._udp = udp
        self._queue = queue
        self._told = 0.0
        self._size = int(udp.buffer_size)

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        try:
            self._queue.put_nowait((data[: self._size], address[0]))
        except asyncio.QueueFull:
            metrics = self._udp.metrics
            metrics.failures += 1
            if time.monotonic() - self._told > _TELL_EVERY:
                self._told = time.monotonic()
                logger.warning(
                    "udp: port %s: the queue is full (queue_size => %s): %d datagrams were dropped so far",
                    self._udp.port,
                    self._udp.queue_size,
                    metrics.failures,
                )

    def error_received(self, error: Exception) -> None:
        logger.warning("udp: port %s: %s", self._udp.port, error)


plugin = Udp
