"""The client's side of a WebSocket, against the ASGI application. (Channels' own needs daphne and with it Twisted.)"""

import json
from typing import Any
from urllib.parse import unquote

from asgiref.testing import ApplicationCommunicator


class WebSocket(ApplicationCommunicator):
    def __init__(self, path: str, headers: dict[str, str] | None = None, protocols: tuple[str, ...] = ()) -> None:
        from config.asgi import application  # needs Django set up

        path, _, query = path.partition("?")
        scope = {
            "type": "websocket",
            "path": unquote(path),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
            "subprotocols": list(protocols),
        }
        super().__init__(application, scope)

    async def open(self) -> dict[str, Any]:
        """The application's answer: ``websocket.accept`` or ``websocket.close``."""
        await self.send_input({"type": "websocket.connect"})
        return await self.receive_output(5)

    async def receive(self) -> Any:
        """The next message, from JSON."""
        message = await self.receive_output(5)
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def send(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def leave(self) -> None:
        """The client goes away; returns when the application has noticed."""
        await self.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.wait(5)
