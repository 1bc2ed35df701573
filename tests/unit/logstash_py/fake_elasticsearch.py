"""A real HTTP server with as much of the bulk API as the tests need, in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable
from typing import Any

from aiohttp import web

# What a test's `answer` may return: None to store the documents, a status for the whole request, or a list with one
# status for each.
Answer = Callable[[list[dict[str, Any]]], "int | list[int] | None"]


class FakeElasticsearch:
    """`documents` maps (index, id) to the stored source. `answer` is asked before a request's documents are stored."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.documents: dict[tuple[str, str], dict] = {}
        self.requests = 0
        self.authorizations: set[str] = set()
        # Of each request: path with query, headers, size of the body as it came and as it was read.
        self.log: list[dict[str, Any]] = []
        self.actions: list[dict[str, Any]] = []
        self._tls = tls
        self.answer: Answer = lambda documents: None
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def start(self, port: int = 0) -> FakeElasticsearch:
        if not self._thread.is_alive():
            self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(port), self._loop).result(10)
        return self

    def pause(self) -> None:
        """Stops listening; `start(port)` goes on with the same documents."""
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)

    def stop(self) -> None:
        self.pause()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _start(self, port: int) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes([web.post("/{path:.*}_bulk", self._bulk)])
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=self._tls)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]

    async def _bulk(self, request: web.Request) -> web.Response:
        self.requests += 1
        self.authorizations.add(request.headers.get("Authorization", ""))
        body = await request.read()
        seen = {"path": request.path_qs, "headers": dict(request.headers)}
        self.log.append(seen | {"sent": request.content_length, "read": len(body)})
        lines = [json.loads(line) for line in body.split(b"\n") if line]
        self.actions += lines[::2]
        documents = [
            {"action": next(iter(action.values())), "name": next(iter(action)), "source": source}
            for action, source in zip(lines[::2], lines[1::2], strict=True)
        ]
        answer = self.answer(documents)
        if isinstance(answer, int):
            return web.json_response({"error": {"type": "asked_for", "reason": "by the test"}}, status=answer)
        items = []
        for number, document in enumerate(documents):
            index, id_ = document["action"]["_index"], document["action"].get("_id") or f"auto-{len(self.documents)}"
            status = answer[number] if answer else 201
            name = document["name"]
            if status == 201 and name == "create" and (index, id_) in self.documents:
                status = 409
            if status == 201:
                self.documents[index, id_] = document["source"]
                items.append({name: {"status": 201}})
            else:
                error = {"type": f"t{status}", "reason": "by the test"}
                items.append({name: {"status": status, "error": error}})
        return web.json_response(
            {"errors": any("error" in result for item in items for result in item.values()), "items": items}
        )
