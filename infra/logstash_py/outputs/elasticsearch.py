"""elasticsearch: events into data streams by the bulk API.

The stream is named by an event's [data_stream] fields, the action is always `create`, and `_id` comes from
[@metadata][_ingest_document][id], as in Logstash's plugin. Retries never end: 429, 5xx, connection loss, 401 and 403
are tried again with growing pauses. 409 means that the document is there already. 400 and 404 go to the dead letter
queue.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections import Counter
from typing import Any, ClassVar
from urllib.parse import urlsplit

from elastic_transport import AsyncTransport, NodeConfig, TransportError

from ..dead_letters import DeadLetterQueue
from ..event import Event
from ..plugin import Option, Output, array, boolean, number, one_of, string
from ..text import dump_json

logger = logging.getLogger(__name__)

# Logstash's own limit for one request.
TARGET_BULK_BYTES = 20 * 1024 * 1024
_DEAD_LETTER_STATUS = frozenset({400, 404})
_LOG_EVERY = 10.0


class _Refused(Exception):
    """The whole request was answered with an error."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Elasticsearch(Output):
    name = "elasticsearch"
    options: ClassVar = {
        "hosts": Option(array, ["http://127.0.0.1:9200"]),
        "user": Option(string),
        "password": Option(string),
        "api_key": Option(string),
        "timeout": Option(number, 60),
        "retry_initial_interval": Option(number, 2),
        "retry_max_interval": Option(number, 64),
        "silence_errors_in_log": Option(array, []),
        "data_stream": Option(one_of("true", "false", "auto"), "auto"),
        "data_stream_type": Option(one_of("logs", "metrics", "synthetics", "traces"), "logs"),
        "data_stream_dataset": Option(string, "generic"),
        "data_stream_namespace": Option(string, "default"),
        "data_stream_auto_routing": Option(boolean, True),
        "data_stream_sync_fields": Option(boolean, True),
        "action": Option(one_of("create"), "create"),
    }

    def register(self) -> None:
        if self.data_stream != "true":
            raise self.refuse("data_stream", 'only data_stream => "true" is supported', stage="compile")
        if self.user and self.api_key:
            raise self.refuse("api_key", "user and api_key can't be given together")
        self._nodes = [self._node(str(host)) for host in self.hosts]
        self._headers = {"content-type": "application/x-ndjson", "accept": "application/json"}
        if self.user:
            credentials = base64.b64encode(f"{self.user}:{self.password or ''}".encode()).decode()
            self._headers["authorization"] = f"Basic {credentials}"
        elif self.api_key:
            key = base64.b64encode(self.api_key.encode()).decode()
            self._headers["authorization"] = f"ApiKey {key}"
        self._prefixes: dict[tuple[str, str, str], bytes] = {}
        self._transport: AsyncTransport | None = None
        self._dead_letters: DeadLetterQueue | None = None
        self._logged: dict[str, float] = {}
        self.responses: Counter[int] = Counter()
        self.documents: Counter[str] = Counter()

    def _node(self, host: str) -> NodeConfig:
        url = urlsplit(host if "//" in host else f"//{host}", scheme="http")
        try:
            if url.scheme != "http" or not url.hostname or url.username:
                raise ValueError
            return NodeConfig("http", url.hostname, url.port or 9200, path_prefix=url.path.rstrip("/"))
        except ValueError:
            message = (
                f"{host} is no address such as http://127.0.0.1:9200 (https, and users in addresses, are not supported)"
            )
            raise self.refuse("hosts", message) from None

    async def start(self, dead_letters: DeadLetterQueue) -> None:
        self._dead_letters = dead_letters
        self._transport = AsyncTransport(self._nodes, max_retries=0, retry_on_timeout=False)

    async def stop(self) -> None:
        if self._transport:
            await self._transport.close()

    async def send(self, events: list[Event]) -> None:
        actions: list[tuple[bytes, Event]] = []
        size = 0
        for event in events:
            line = self._action(event)
            if actions and size + len(line) > TARGET_BULK_BYTES:
                await self._store(actions)
                actions, size = [], 0
            actions.append((line, event))
            size += len(line)
        if actions:
            await self._store(actions)

    def _action(self, event: Event) -> bytes:
        """The two lines of one document."""
        stream = self._stream(event)
        metadata = event.pop("@metadata", None)
        prefix = self._prefixes.get(stream)
        if prefix is None:
            prefix = b'{"create":{"_index":' + dump_json("-".join(stream))
            # Names come from events: what is remembered of them is bounded.
            if len(self._prefixes) < 10_000:
                self._prefixes[stream] = prefix
        document = dump_json(event)
        if metadata is None:
            return prefix + b"}}\n" + document + b"\n"
        event["@metadata"] = metadata
        ingest = metadata.get("_ingest_document")
        id_ = ingest.get("id") if type(ingest) is dict else None
        if id_ is None:
            return prefix + b"}}\n" + document + b"\n"
        return prefix + b',"_id":' + dump_json(str(id_)) + b"}}\n" + document + b"\n"

    def _stream(self, event: Event) -> tuple[str, str, str]:
        """(type, dataset, namespace), which the document then holds too."""
        type_, dataset, namespace = self.data_stream_type, self.data_stream_dataset, self.data_stream_namespace
        given = event.get("data_stream")
        if self.data_stream_auto_routing and type(given) is dict:
            type_ = given.get("type") or type_
            dataset = given.get("dataset") or dataset
            namespace = given.get("namespace") or namespace
        if self.data_stream_sync_fields:
            if type(given) is not dict:
                given = event["data_stream"] = {}
            given["type"], given["dataset"], given["namespace"] = type_, dataset, namespace
        return str(type_), str(dataset), str(namespace)

    async def _store(self, actions: list[tuple[bytes, Event]]) -> None:
        """Returns when each document is stored or in the dead letter queue."""
        pause = self.retry_initial_interval
        while actions:
            try:
                items = await self._bulk(actions)
            except _Refused as refused:
                if refused.status in (400, 413):
                    await self._halve(actions, refused)
                    return
                if refused.status in (401, 403):
                    self._log(
                        "auth", f"Elasticsearch refuses us ({refused.status}): check user and password: {refused}"
                    )
                else:
                    self._log("refused", f"Elasticsearch answers {refused.status}, trying again: {refused}")
            except TransportError as error:
                self._log("connection", f"Elasticsearch can't be reached, trying again: {error}")
            else:
                left = self._sort(actions, items)
                if len(left) < len(actions):
                    pause = self.retry_initial_interval
                actions = left
            if actions:
                await asyncio.sleep(pause)
                pause = min(pause * 2, self.retry_max_interval)

    async def _bulk(self, actions: list[tuple[bytes, Event]]) -> list[dict[str, Any]]:
        """One request. Returns the items' results; raises _Refused and TransportError."""
        assert self._transport is not None  # noqa: S101 start() comes first
        meta, body = await self._transport.perform_request(
            "POST",
            "/_bulk?filter_path=errors,items.*.status,items.*.error",
            headers=self._headers,
            body=b"".join([line for line, _ in actions]),
            request_timeout=self.timeout,
        )
        self.responses[meta.status] += 1
        if meta.status >= 300:
            raise _Refused(meta.status, _reason(body))
        if not isinstance(body, dict) or "errors" not in body:
            raise _Refused(meta.status, "the answer is none of the bulk API")
        if not body["errors"]:
            self.documents["successes"] += len(actions)
            return []
        items = [item["create"] for item in body["items"]]
        if len(items) != len(actions):
            raise _Refused(meta.status, f"{len(actions)} documents were sent, but {len(items)} answered for")
        return items

    async def _halve(self, actions: list[tuple[bytes, Event]], refused: _Refused) -> None:
        """A request that is refused as a whole: the document at fault is found by halving."""
        if len(actions) == 1:
            self._bury([(actions[0][1], f"Elasticsearch answered {refused.status}: {refused}")])
            return
        middle = len(actions) // 2
        await self._store(actions[:middle])
        await self._store(actions[middle:])

    def _sort(self, actions: list[tuple[bytes, Event]], items: list[dict[str, Any]]) -> list[tuple[bytes, Event]]:
        """Looks at each document's result; returns those to send again."""
        again: list[tuple[bytes, Event]] = []
        dead: list[tuple[Event, str]] = []
        reasons: Counter[str] = Counter()
        for action, item in zip(actions, items, strict=False):
            status = item["status"]
            if status < 300:
                self.documents["successes"] += 1
            elif status == 409:
                self.documents["conflicts"] += 1
                if "version_conflict_engine_exception" not in self.silence_errors_in_log:
                    self._log("conflict", f"a document was there already: {_reason(item)}")
            elif status in _DEAD_LETTER_STATUS:
                dead.append((action[1], f"Elasticsearch answered {status}: {_reason(item)}"))
            else:
                reasons[f"{status}: {_reason(item)}"] += 1
                again.append(action)
        if dead:
            self._bury(dead)
        if again:
            self.documents["retryable_failures"] += len(again)
            ((reason, _),) = reasons.most_common(1)
            self._log(
                "retry", f"Elasticsearch put off {len(again)} of {len(actions)} documents, trying again: {reason}"
            )
        return again

    def _bury(self, entries: list[tuple[Event, str]]) -> None:
        assert self._dead_letters is not None  # noqa: S101 start() comes first
        self._dead_letters.write(entries, "elasticsearch", self.id)
        self.documents["non_retryable_failures"] += len(entries)
        self.metrics.failures += len(entries)
        logger.error(
            "%d events can't be stored and went to the dead letter queue %s, the first because: %s",
            len(entries),
            self._dead_letters.path,
            entries[0][1],
        )

    def _log(self, kind: str, message: str) -> None:
        """A warning, of each kind at most one in ten seconds."""
        now = time.monotonic()
        if now - self._logged.get(kind, -_LOG_EVERY) >= _LOG_EVERY:
            self._logged[kind] = now
            logger.warning("%s: %s", self.id, message)


def _reason(body: Any) -> str:
    """The reason in an error of Elasticsearch."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        cause = error.get("caused_by")
        more = f" ({cause['reason']})" if isinstance(cause, dict) and cause.get("reason") else ""
        return f"{error.get('type', 'error')}: {error.get('reason', '')}{more}"
    return str(error or body)[:500]


plugin = Elasticsearch
