"""stdin: the standard input, by default one event a line. Its end ends the input."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from socket import gethostname
from typing import Any

from ..event import Event
from ..intake import Delivery, Intake
from ..lines import LineTooLong
from ..plugin import Input

_READ_SIZE = 64 * 1024


class Stdin(Input):
    """A line beyond the limit ends the input with an error."""

    name = "stdin"
    default_codec = "line"

    def register(self) -> None:
        self.codec.decoder(stream=True)
        self._build = self.builder()
        self._fields = {("host", "hostname") if self.ecs else ("host",): gethostname()}

    async def run(self, intake: Intake) -> None:
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[bytes] = asyncio.Queue(1)

        def read() -> None:
            # The standard input may be a file, which no event loop waits for: a thread does, and ends with the process.
            while True:
                data = os.read(sys.stdin.fileno(), _READ_SIZE)
                try:
                    asyncio.run_coroutine_threadsafe(pieces.put(data), loop).result()
                except (RuntimeError, asyncio.CancelledError):
                    return  # the loop is gone
                if not data:
                    return

        threading.Thread(target=read, name="stdin", daemon=True).start()
        decoder = self.codec.decoder(stream=True)
        open_ = True
        while open_:
            data = b""
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.codec.auto_flush_interval):
                    data = await pieces.get()
                    open_ = bool(data)
            try:
                await self._put(decoder.decode(data) if data else decoder.flush(), intake)
            except LineTooLong as error:
                raise OSError(f"stdin: {error}") from None

    async def _put(self, decoded: list[Event], intake: Any) -> None:
        if decoded:
            await intake.put(Delivery([self._build(one, self._fields) for one in decoded], lambda: None), self.metrics)


plugin = Stdin
