"""The monitoring API, with Logstash's own paths and names, on loopback by default."""

from __future__ import annotations

import os
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import psutil
from aiohttp import web

if TYPE_CHECKING:
    from .service import Service

# The release whose pipeline files and behaviour we follow.
LOGSTASH_VERSION = "8.17.4"


class Monitoring:
    """An async context in which the API answers. Raises OSError when the port is taken."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Monitoring:
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._root),
                web.get("/_node/stats", self._stats),
                web.get("/_node/stats/{section}", self._stats),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        settings = self._service.settings
        try:
            await web.TCPSite(self._runner, settings.api_host, settings.api_port).start()
        except OSError as error:
            await self._runner.cleanup()
            message = f"the monitoring API can't listen on {settings.api_host}:{settings.api_port}: {error.strerror}"
            raise OSError(error.errno, message) from error
        return self

    async def __aexit__(self, *args: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    def _base(self) -> dict[str, Any]:
        settings = self._service.settings
        try:
            build = version("parcel-tracking")
        except PackageNotFoundError:
            build = "unknown"
        return {
            "host": os.uname().nodename,
            "version": LOGSTASH_VERSION,
            "http_address": f"{settings.api_host}:{settings.api_port}",
            "name": settings.node_name,
            "status": "green",
            "pipeline": {
                "workers": settings.workers,
                "batch_size": settings.batch_size,
                "batch_delay": settings.batch_delay,
            },
            "implementation": {"name": "logstash_py", "version": build},
        }

    async def _root(self, request: web.Request) -> web.Response:
        return web.json_response(self._base())

    async def _stats(self, request: web.Request) -> web.Response:
        sections = {
            "process": self._process,
            "events": self._events,
            "pipelines": lambda: {self._service.pipeline.id: self._pipeline()},
        }
        wanted = request.match_info.get("section")
        if wanted is not None and wanted not in sections:
            return web.json_response(
                {"path": request.path, "status": 404, "error": {"message": "Not Found"}}, status=404
            )
        names = [wanted] if wanted else list(sections)
        return web.json_response(self._base() | {name: sections[name]() for name in names})

    def _process(self) -> dict[str, Any]:
        process = psutil.Process()
        return {
            "open_file_descriptors": process.num_fds(),
            "mem": {
                "total_virtual_in_bytes": process.memory_info().vms,
                "resident_in_bytes": process.memory_info().rss,
            },
            "cpu": {"total_in_millis": int(sum(process.cpu_times()[:2]) * 1000)},
            "uptime_in_millis": int((time.time() - self._service.started) * 1000),
        }

    def _events(self) -> dict[str, Any]:
        service = self._service
        return {
            "in": service.intake.events_in,
            "filtered": service.events_filtered,
            "out": service.events_out,
            "duration_in_millis": int(service.filter_seconds * 1000),
        }

    def _pipeline(self) -> dict[str, Any]:
        pipeline, dead_letters = self._service.pipeline, self._service.dead_letters
        return {
            "events": self._events(),
            "plugins": {
                "inputs": [
                    {
                        "id": one.id,
                        "name": one.name,
                        "events": {"out": one.metrics.events_out},
                        "current_connections": getattr(one, "connections", 0),
                    }
                    for one in pipeline.inputs
                ],
                "filters": [_events_of(one) | {"failures": one.metrics.failures} for one in pipeline.filters],
                "outputs": [_events_of(one) | _documents_of(one) for one in pipeline.outputs],
            },
            "dead_letter_queue": {
                "count": dead_letters.count,
                "queue_size_in_bytes": dead_letters.size_in_bytes,
                "last_error": dead_letters.last_error or "no dropped entries",
            },
        }


def _events_of(one: Any) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "events": {"in": one.metrics.events_in, "out": one.metrics.events_out},
    }


def _documents_of(one: Any) -> dict[str, Any]:
    """What the elasticsearch output tells of its documents and of the bulk API's answers."""
    if not hasattr(one, "documents"):
        return {}
    return {
        "documents": dict(one.documents),
        "bulk_requests": {"responses": {str(status): count for status, count in one.responses.items()}},
    }
