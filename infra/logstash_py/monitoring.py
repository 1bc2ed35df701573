"""The monitoring API, with Logstash's own paths and names, on loopback by default.

Left out is what only a JVM has.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psutil
from aiohttp import web

if TYPE_CHECKING:
    from .service import Service

# The release whose pipeline files and behaviour we follow.
LOGSTASH_VERSION = "8.17.4"
# Flow rates: `current` is that of about so many seconds.
_CURRENT_SECONDS = 10.0
_SAMPLE_SECONDS = 2.0
_FLOWS = {"input_throughput": "in", "filter_throughput": "filtered", "output_throughput": "out"}


class Monitoring:
    """An async context in which the API answers. Raises OSError when the port is taken."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._runner: web.AppRunner | None = None
        self._id = str(uuid4())
        # (when, events by pipeline), oldest first.
        self._samples: deque[tuple[float, dict[str, dict[str, int]]]] = deque()
        self._sampling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Monitoring:
        settings = self._service.settings
        if not settings.api_enabled:
            return self
        app = web.Application(middlewares=[_errors])
        app.add_routes(
            [
                web.get("/", self._root),
                web.get("/_node", self._node),
                web.get("/_node/pipelines", self._node_pipelines),
                web.get("/_node/pipelines/{id}", self._node_pipelines),
                web.get("/_node/stats", self._stats),
                web.get("/_node/stats/pipelines/{id}", self._stats_pipeline),
                web.get("/_node/stats/{sections}", self._stats),
                web.get("/_health_report", self._health),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, settings.api_host, settings.api_port).start()
        except OSError as error:
            await self._runner.cleanup()
            message = f"the monitoring API can't listen on {settings.api_host}:{settings.api_port}: {error.strerror}"
            raise OSError(error.errno, message) from error
        self._sampling = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, *args: object) -> None:
        if self._sampling:
            self._sampling.cancel()
        if self._runner:
            await self._runner.cleanup()

    # Answers

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
            "id": self._id,
            "ephemeral_id": self._id,
            "name": settings.node_name,
            "snapshot": False,
            "status": "green",
            "pipeline": {
                "workers": settings.workers,
                "batch_size": settings.batch_size,
                "batch_delay": settings.batch_delay,
            },
            "implementation": {"name": "logstash_py", "version": build},
        }

    async def _root(self, request: web.Request) -> web.Response:
        return _json(request, self._base())

    async def _node(self, request: web.Request) -> web.Response:
        return _json(request, self._base() | {"pipelines": self._pipeline_settings(), "os": _os()})

    async def _node_pipelines(self, request: web.Request) -> web.Response:
        pipelines = _only(self._pipeline_settings(), request)
        return _json(request, self._base() | {"pipelines": pipelines})

    def _pipeline_settings(self) -> dict[str, Any]:
        return {
            name: {
                "ephemeral_id": self._id,
                "workers": source.settings.workers,
                "batch_size": source.settings.batch_size,
                "batch_delay": source.settings.batch_delay,
                "config_reload_automatic": self._service.settings.reload_automatic,
                "config_reload_interval": int(self._service.settings.reload_interval * 1e9),
                "dead_letter_queue_enabled": True,
                "dead_letter_queue_path": str(source.settings.dead_letter_folder),
            }
            for name, source in self._service.sources.items()
        }

    async def _stats(self, request: web.Request) -> web.Response:
        stats = await self._service.stats()
        sections = {
            "process": self._process,
            "events": lambda: _events(stats),
            "flow": lambda: self._flow(stats),
            "pipelines": lambda: {name: self._pipeline(name, one) for name, one in stats.items()},
            "reloads": self._reloads,
            "queue": lambda: {"events_count": sum(one["queue"]["events_count"] for one in stats.values())},
        }
        wanted = request.match_info.get("sections", ",".join(sections)).split(",")
        if not set(wanted) <= set(sections):
            raise web.HTTPNotFound
        return _json(request, self._base() | {name: sections[name]() for name in wanted})

    async def _stats_pipeline(self, request: web.Request) -> web.Response:
        stats = _only(await self._service.stats(), request)
        return _json(
            request, self._base() | {"pipelines": {name: self._pipeline(name, one) for name, one in stats.items()}}
        )

    def _process(self) -> dict[str, Any]:
        """Of the service and its workers together."""
        descriptors = virtual = resident = 0
        millis = 0.0
        for pid in self._service.pids:
            try:
                process = psutil.Process(pid)
                with process.oneshot():
                    descriptors += process.num_fds()
                    virtual += process.memory_info().vms
                    resident += process.memory_info().rss
                    millis += sum(process.cpu_times()[:2]) * 1000
            except psutil.NoSuchProcess:
                continue
        limit = psutil.Process().rlimit(psutil.RLIMIT_NOFILE)[0] if hasattr(psutil.Process, "rlimit") else -1
        return {
            "open_file_descriptors": descriptors,
            "max_file_descriptors": limit,
            "mem": {"total_virtual_in_bytes": virtual, "resident_in_bytes": resident},
            "cpu": {"total_in_millis": int(millis), "load_average": _load()},
            "uptime_in_millis": int((time.time() - self._service.started) * 1000),
            "worker_processes": max(1, len(self._service.pids) - 1),
        }

    def _reloads(self) -> dict[str, int]:
        every = self._service.reloads.values()
        return {"successes": sum(one.successes for one in every), "failures": sum(one.failures for one in every)}

    def _pipeline(self, name: str, one: dict[str, Any]) -> dict[str, Any]:
        plugins = {
            kind: [{"id": plugin_id} | figures for plugin_id, figures in by_id.items()]
            for kind, by_id in one["plugins"].items()
        }
        return one | {"plugins": plugins, "flow": self._flow({name: one}), "ephemeral_id": self._id}

    async def _health(self, request: web.Request) -> web.Response:
        """A reload that failed is yellow: the old pipeline works. A pipeline that had died would have ended us."""
        failed = {
            name: one.last_error["message"]
            for name, one in self._service.reloads.items()
            if one.last_error and (one.last_failure_timestamp or "") > (one.last_success_timestamp or "")
        }
        pipelines = {
            name: {
                "status": "yellow" if name in failed else "green",
                "symptom": failed.get(name, "The pipeline is healthy"),
                "details": {"status": {"state": "RUNNING"}},
            }
            for name in self._service.sources
        }
        status = "yellow" if failed else "green"
        symptom = f"{len(failed)} pipelines could not be reloaded" if failed else "The node is healthy"
        indicators = {"pipelines": {"status": status, "symptom": symptom, "indicators": pipelines}}
        return _json(request, self._base() | {"status": status, "symptom": symptom, "indicators": indicators})

    # Flow

    async def _sample(self) -> None:
        while True:
            stats = await self._service.stats()
            self._samples.append((time.monotonic(), {name: one["events"] for name, one in stats.items()}))
            while self._samples[-1][0] - self._samples[0][0] > _CURRENT_SECONDS:
                self._samples.popleft()
            await asyncio.sleep(_SAMPLE_SECONDS)

    def _flow(self, stats: dict[str, Any]) -> dict[str, dict[str, float]]:
        """Events a second, in all and in the last seconds."""
        lifetime = max(time.time() - self._service.started, 0.001)
        flow: dict[str, dict[str, float]] = {}
        for name, key in _FLOWS.items():
            now = sum(one["events"][key] for one in stats.values())
            flow[name] = {"lifetime": round(now / lifetime, 3)}
            if self._samples:
                when, before = self._samples[0]
                then = sum(before.get(pipeline, {}).get(key, 0) for pipeline in stats)
                flow[name]["current"] = round((now - then) / max(time.monotonic() - when, 0.001), 3)
        return flow


def _events(stats: dict[str, Any]) -> dict[str, int]:
    """The sums over all pipelines."""
    names = ("in", "filtered", "out", "duration_in_millis", "queue_push_duration_in_millis")
    return {name: sum(one["events"][name] for one in stats.values()) for name in names}


def _only(pipelines: dict[str, Any], request: web.Request) -> dict[str, Any]:
    """The one that the path names, if it names one."""
    wanted = request.match_info.get("id")
    if wanted is None:
        return pipelines
    if wanted not in pipelines:
        raise web.HTTPNotFound
    return {wanted: pipelines[wanted]}


def _load() -> dict[str, float]:
    one, five, fifteen = os.getloadavg()
    return {"1m": one, "5m": five, "15m": fifteen}


def _os() -> dict[str, Any]:
    name = os.uname()
    return {
        "name": name.sysname,
        "arch": name.machine,
        "version": name.release,
        "available_processors": os.cpu_count(),
    }


@web.middleware
async def _errors(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        body = {"path": request.path, "status": 404, "error": {"message": "Not Found"}}
        return web.json_response(body, status=404)


def _json(request: web.Request, body: dict[str, Any]) -> web.Response:
    """`?pretty` is for human eyes."""
    import json

    pretty = request.query.get("pretty", "false") != "false"
    return web.json_response(body, dumps=lambda value: json.dumps(value, indent=2 if pretty else None))
