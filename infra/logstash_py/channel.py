"""Calls between the supervisor and a worker process, both ways, over a socket pair: a length, then a pickle.

Both ends are processes of ours, so a pickle is as safe as a fork.
"""

from __future__ import annotations

import asyncio
import pickle
import struct
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

_LENGTH = struct.Struct(">I")

Handler = Callable[..., Awaitable[Any]]


class CallFailed(Exception):
    """What the other side raised, as text; or the other side is gone."""


class Channel:
    """`run()` serves until the other end closes; `call` may be used meanwhile."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handlers: dict[str, Handler]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._handlers = handlers
        self._numbers = count()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def call(self, name: str, *arguments: Any) -> Any:
        """Raises CallFailed."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._send(("call", number, name, arguments))
        try:
            return await answer
        finally:
            self._answers.pop(number, None)

    def close(self) -> None:
        self._writer.close()

    def tell(self, name: str, *arguments: Any) -> None:
        """A call whose answer doesn't matter."""
        self._send(("call", -1, name, arguments))

    async def run(self) -> None:
        try:
            while True:
                (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
                kind, number, *rest = pickle.loads(await self._reader.readexactly(length))  # noqa: S301 our own
                if kind == "call":
                    task = asyncio.create_task(self._serve(number, *rest))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                elif (answer := self._answers.get(number)) and not answer.done():
                    if kind == "result":
                        answer.set_result(rest[0])
                    else:
                        answer.set_exception(CallFailed(rest[0]))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(CallFailed("the process has ended"))
            self._writer.close()

    async def _serve(self, number: int, name: str, arguments: tuple[Any, ...]) -> None:
        try:
            answer = ("result", number, await self._handlers[name](*arguments))
        except Exception as error:  # told to the one who asked
            answer = ("error", number, str(error) or type(error).__name__)
        if number >= 0:
            self._send(answer)

    def _send(self, message: tuple[Any, ...]) -> None:
        if self._writer.is_closing():
            if message[0] == "call" and message[1] in self._answers:
                self._answers[message[1]].set_exception(CallFailed("the process has ended"))
            return
        data = pickle.dumps(message)
        self._writer.write(_LENGTH.pack(len(data)) + data)
