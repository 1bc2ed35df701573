"""elasticsearch: events into data streams or indexes, by the bulk API.

Retries never end: 429, 5xx, connection loss, 401 and 403 are tried again with growing pauses. 409 means that the
document is there already. 400, 404 and `dlq_custom_codes` go to the dead letter queue, as do events whose index name
can't be made.

Two defaults differ from Logstash's, and are logged at start where they matter: no index template is installed
(`manage_template`), and bodies are compressed only on their way to another machine (`compression_level`).
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import ipaddress
import json
import logging
import re
import ssl
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote, urlencode, urlsplit

from .. import sprintf
from ..dead_letters import DeadLetterQueue
from ..event import Event
from ..plugin import Option, Output, WrongValue, array, boolean, hash_, number, one_of, string
from ..text import dump_json, load_json

# Imported where it is used: it takes a quarter of a second, which `check` needn't wait for.
if TYPE_CHECKING:
    from elastic_transport import AsyncTransport, NodeConfig

logger = logging.getLogger(__name__)

# Logstash's own limit for one request.
TARGET_BULK_BYTES = 20 * 1024 * 1024
_CREATED = frozenset({200, 201})
_CONFLICT = 409
_DEAD_LETTERS = frozenset({400, 404})
_LOG_EVERY = 10.0
_NOTHING: dict[str, Any] = {}
_UNRESOLVED = re.compile(r"%\{.*?\}")
# What may be set beside the data_stream_* options; any other option makes data_stream => auto false.
_FOR_STREAMS = frozenset(
    {
        *("hosts", "user", "password", "api_key", "document_id", "path", "bulk_path", "parameters", "custom_headers"),
        *("proxy", "sniffing", "timeout", "ssl_enabled", "ssl_certificate_authorities", "ssl_certificate", "ssl_key"),
        *("ssl_verification_mode", "ssl_supported_protocols", "ssl", "cacert", "ssl_certificate_verification"),
        *("http_compression", "compression_level", "pool_max_per_route", "resurrect_delay", "retry_initial_interval"),
        *("retry_max_interval", "silence_errors_in_log", "failure_type_logging_whitelist", "dlq_custom_codes"),
        *("dlq_on_failed_indexname_interpolation", "routing", "pipeline", "data_stream", "ecs_compatibility"),
        *("id", "enable_metric"),
    }
)


# The lines of one document, and its @metadata: all that is kept of an event while it is under way.
_Action = tuple[bytes, dict[str, Any] | None]


def _event(action: _Action) -> Event:
    """The event again that an action was made of, for the dead letter queue."""
    lines, metadata = action
    text = lines[lines.index(b"\n") + 1 :]
    try:
        event = load_json(text)
    except ValueError:
        event = json.loads(text)  # of more levels than are looked for anywhere else
    return event if metadata is None else event | {"@metadata": metadata}


def _identifier(value: Any) -> str:
    """A part of a data stream's name."""
    text = string(value)
    if not text or len(text.encode()) > 100:
        raise WrongValue("Invalid identifier - 1 to 100 bytes are allowed")
    if re.search(r'[\\/*?"<>| ,#:]', text):
        raise WrongValue('Invalid characters detected: \\ / * ? " < > | space , # : are not allowed')
    return text


def _level(value: Any) -> int:
    level = number(value)
    if level not in range(10):
        raise WrongValue(f"This setting must be one of 0 to 9, got {value}")
    return int(level)


class _Refused(Exception):
    """The whole request was answered with an error."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Elasticsearch(Output):
    name = "elasticsearch"
    options: ClassVar = {
        "hosts": Option(array, ["//127.0.0.1"]),
        "path": Option(string),
        "bulk_path": Option(string),
        "parameters": Option(hash_, {}),
        "custom_headers": Option(hash_, {}),
        "proxy": Option(string, ""),
        "sniffing": Option(boolean, False),
        "user": Option(string),
        "password": Option(string),
        "api_key": Option(string),
        "ssl_enabled": Option(boolean),
        "ssl_certificate_authorities": Option(array, []),
        "ssl_certificate": Option(string),
        "ssl_key": Option(string),
        "ssl_verification_mode": Option(one_of("full", "none"), "full"),
        "ssl_supported_protocols": Option(array, []),
        # The names before 8.9, deprecated in 8.17.
        "ssl": Option(boolean),
        "cacert": Option(string),
        "ssl_certificate_verification": Option(boolean),
        "http_compression": Option(boolean),
        "compression_level": Option(_level),
        "timeout": Option(number, 60),
        "pool_max_per_route": Option(number, 100),
        "resurrect_delay": Option(number, 5),
        "retry_initial_interval": Option(number, 2),
        "retry_max_interval": Option(number, 64),
        "silence_errors_in_log": Option(array, []),
        "failure_type_logging_whitelist": Option(array, []),
        "dlq_custom_codes": Option(array, []),
        "dlq_on_failed_indexname_interpolation": Option(boolean, True),
        "data_stream": Option(one_of("true", "false", "auto"), "auto"),
        "data_stream_type": Option(one_of("logs", "metrics", "synthetics", "traces"), "logs"),
        "data_stream_dataset": Option(_identifier, "generic"),
        "data_stream_namespace": Option(_identifier, "default"),
        "data_stream_auto_routing": Option(boolean, True),
        "data_stream_sync_fields": Option(boolean, True),
        "action": Option(string),
        "index": Option(string),
        "document_id": Option(string),
        "routing": Option(string),
        "pipeline": Option(string),
        "manage_template": Option(boolean),
        "ilm_enabled": Option(one_of("true", "false", "auto"), "auto"),
        "ecs_compatibility": Option(string),
    }

    def register(self) -> None:
        self._to_streams = self._decide_streams()
        self._action_name = self.action or ("create" if self._to_streams else "index")
        if self._action_name not in ("create", "index"):
            message = f"the action {self._action_name} is not supported, only create and index"
            raise self.refuse("action", message, "compile")
        self._decide_index()
        self._decide_codes()
        self._silenced = frozenset(map(str, [*self.silence_errors_in_log, *self.failure_type_logging_whitelist]))
        self._decide_connections()
        self._document_id = sprintf.compile(self.document_id) if self.document_id is not None else None
        self._routing = sprintf.compile(self.routing) if self.routing is not None else None
        self._pipeline = sprintf.compile(self.pipeline) if self.pipeline is not None else None
        # Whether an action has no more than an index and an id.
        self._simple = not (self._document_id or self._routing or self._pipeline)
        self._prefixes: dict[Any, bytes | None] = {}
        self._transport: AsyncTransport | None = None
        self._dead_letters: DeadLetterQueue | None = None
        self._logged: dict[str, float] = {}
        self.requests: Counter[str] = Counter()
        self.responses: Counter[int] = Counter()
        self.documents: Counter[str] = Counter()

    # What the options mean

    def _decide_streams(self) -> bool:
        """`data_stream`, as the plugin's documentation has it: auto is true when all options fit."""
        ecs = (self.ecs_compatibility or self.context.ecs) != "disabled"
        unfit = sorted(
            name
            for name in self.given - _FOR_STREAMS
            if not name.startswith("data_stream_") and not (name == "action" and self.action == "create")
        )
        if self.data_stream == "true":
            if unfit:
                raise self.refuse(unfit[0], f"Invalid data stream configuration: {unfit}")
            if not ecs:
                message = "Invalid data stream configuration: `ecs_compatibility => disabled`"
                raise self.refuse("ecs_compatibility", message)
            return True
        if self.data_stream == "auto" and ecs and not unfit:
            return True
        streams = sorted(name for name in self.given if name.startswith("data_stream_"))
        if streams:
            message = (
                "Ambiguous configuration; data stream settings must not be present when data streams are disabled: "
                f"{streams}"
            )
            raise self.refuse(streams[0], message)
        return False

    def _decide_index(self) -> None:
        if self.manage_template:
            message = "no index template is installed: put it into Elasticsearch and set manage_template => false"
            raise self.refuse("manage_template", message)
        if self.ilm_enabled == "true":
            raise self.refuse("ilm_enabled", "the index is not managed here: name it by `index`, or use a data stream")
        ecs = (self.ecs_compatibility or self.context.ecs) != "disabled"
        self._default_index = f"{'ecs-' if ecs else ''}logstash-%{{+yyyy.MM.dd}}"
        self._index = sprintf.compile(self.index or self._default_index)

    def _decide_codes(self) -> None:
        try:
            custom = frozenset(int(number(code)) for code in self.dlq_custom_codes)
        except WrongValue as error:
            raise self.refuse("dlq_custom_codes", str(error), "compile") from None
        known = custom & (_CREATED | _DEAD_LETTERS | {_CONFLICT})
        if known:
            raise self.refuse("dlq_custom_codes", f"{sorted(known)} are already defined as standard codes")
        self._dead = _DEAD_LETTERS | custom

    def _decide_connections(self) -> None:
        if self.proxy:
            raise self.refuse("proxy", "a proxy is not supported")
        if self.sniffing:
            raise self.refuse("sniffing", "sniffing is not supported: name all hosts")
        for new, old in (("ssl_enabled", "ssl"), ("ssl_certificate_authorities", "cacert")):
            if new in self.given and old in self.given:
                raise self.refuse(old, f"{old} is the old name of {new}: give only one")
        tls = self.ssl_enabled if self.ssl is None else self.ssl
        hosts = [self._split(str(host), tls) for host in self.hosts]
        secure = all(url.scheme == "https" for url, _ in hosts)
        context = self._tls() if any(url.scheme == "https" for url, _ in hosts) else None
        users = {credentials for _, credentials in hosts if credentials}
        if self.user or self.password:
            users = {f"{self.user or ''}:{self.password or ''}"}
        if len(users) + bool(self.api_key) > 1:
            raise self.refuse("api_key", "Multiple authentication options are specified, please only use one")
        if self.api_key and not secure:
            message = "Using api_key authentication requires SSL/TLS secured communication: https, or ssl_enabled"
            raise self.refuse("api_key", message)
        self._headers = {"content-type": "application/x-ndjson", "accept": "application/json"}
        if users:
            self._headers["authorization"] = f"Basic {base64.b64encode(users.pop().encode()).decode()}"
        elif self.api_key:
            # `id:key`, or the `encoded` form that Elasticsearch gives.
            key = base64.b64encode(self.api_key.encode()).decode() if ":" in self.api_key else self.api_key
            self._headers["authorization"] = f"ApiKey {key}"
        self._headers |= {str(name).lower(): str(value) for name, value in self.custom_headers.items()}
        self._addresses = [
            {
                "scheme": url.scheme,
                "host": url.hostname or "",
                "port": url.port or 9200,
                "path_prefix": (self.path or url.path).rstrip("/"),
                "connections_per_node": max(1, int(self.pool_max_per_route)),
                "ssl_context": context if url.scheme == "https" else None,
            }
            for url, _ in hosts
        ]
        query = {"filter_path": "errors,items.*.status,items.*.error"}
        query |= {str(name): str(value) for name, value in self.parameters.items()}
        self._target = f"/{(self.bulk_path or '_bulk').lstrip('/')}?{urlencode(query, safe=',*')}"
        self._level = self._compression([url.hostname or "" for url, _ in hosts])

    def _split(self, host: str, tls: bool | None) -> tuple[Any, str]:
        """(the URL, user:password in it)."""
        try:
            if not re.match(r"(\w+:)?//", host):
                host = f"//{host}"
            url = urlsplit(host, scheme="https" if tls else "http")
            if url.scheme not in ("http", "https") or not url.hostname or url.port == 0:
                raise ValueError
        except ValueError:
            message = f"{host} is no address such as http://127.0.0.1:9200"
            raise self.refuse("hosts", message) from None
        if tls is not None and (url.scheme == "https") != tls:
            raise self.refuse("hosts", f"{url.scheme} in {url.hostname} contradicts ssl_enabled => {str(tls).lower()}")
        if self.path and url.path not in ("", "/"):
            raise self.refuse("path", "a path is given in hosts too: give only one")
        user = f"{unquote(url.username)}:{unquote(url.password or '')}" if url.username else ""
        return url, user

    def _tls(self) -> ssl.SSLContext:
        authorities = [self.cacert] if self.cacert else list(map(str, self.ssl_certificate_authorities))
        option = "cacert" if self.cacert else "ssl_certificate_authorities"
        try:
            context = ssl.create_default_context(cafile=authorities[0] if authorities else None)
            for more in authorities[1:]:
                context.load_verify_locations(more)
        except OSError as error:
            raise self.refuse(option, f"{', '.join(authorities)}: {error.strerror or error}") from None
        if self.ssl_verification_mode == "none" or self.ssl_certificate_verification is False:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if bool(self.ssl_certificate) != bool(self.ssl_key):
            raise self.refuse("ssl_certificate", "ssl_certificate and ssl_key go together")
        if self.ssl_certificate:
            try:
                context.load_cert_chain(self.ssl_certificate, self.ssl_key)
            except OSError as error:
                message = f"{self.ssl_certificate}, {self.ssl_key}: {error.strerror or error}"
                raise self.refuse("ssl_certificate", message) from None
        if self.ssl_supported_protocols:
            known = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
            wanted = list(map(str, self.ssl_supported_protocols))
            if not set(wanted) <= set(known):
                raise self.refuse("ssl_supported_protocols", f"{wanted} are not all of {', '.join(known)}")
            context.minimum_version, context.maximum_version = known[min(wanted)], known[max(wanted)]
        return context

    def _compression(self, hosts: list[str]) -> int:
        if self.compression_level is not None:
            return self.compression_level
        if self.http_compression is not None:
            return int(self.http_compression)
        return 0 if all(map(_is_loopback, hosts)) else 1

    # Running

    @property
    def _nodes(self) -> list[NodeConfig]:
        from elastic_transport import NodeConfig

        return [NodeConfig(**address) for address in self._addresses]

    async def start(self, dead_letters: DeadLetterQueue) -> None:
        from elastic_transport import AsyncTransport, OrjsonSerializer, TextSerializer

        self._dead_letters = dead_letters
        delay = float(self.resurrect_delay)
        self._transport = AsyncTransport(
            self._nodes,
            # Another host is tried at once; after the last one there is a pause.
            max_retries=len(self._addresses) - 1,
            retry_on_status=(),
            retry_on_timeout=False,
            # The transport's own for NDJSON copies each body twice.
            serializers={"application/x-ndjson": TextSerializer(), "application/json": OrjsonSerializer()},
            dead_node_backoff_factor=delay,
            max_dead_node_backoff=delay,
        )
        if not self._to_streams and self.manage_template is None:
            logger.info("%s: no index template is installed (manage_template): Elasticsearch's own apply", self.id)

    async def stop(self) -> None:
        if self._transport:
            await self._transport.close()

    def prepare(self, events: list[Event]) -> list[_Action]:
        return [(self._action(event), event.get("@metadata")) for event in events]

    async def send(self, prepared: list[_Action]) -> None:
        actions: list[_Action] = []
        unresolved: list[tuple[Event, str]] = []
        size = 0
        for action in prepared:
            lines = action[0]
            if not lines.startswith(b"{"):
                unresolved.append((_event(action), "Could not resolve dynamic index"))
                continue
            if actions and size + len(lines) > TARGET_BULK_BYTES:
                await self._store(actions)
                actions, size = [], 0
            actions.append(action)
            size += len(lines)
        if unresolved:
            await self._bury(unresolved)
        if actions:
            await self._store(actions)

    def _action(self, event: Event) -> bytes:
        """The two lines of one document; the first is empty when its index has no name."""
        stream = self._stream(event) if self._to_streams else self._index(event)
        metadata = event.pop("@metadata", None)
        document = dump_json(event)
        ingest = _NOTHING
        if metadata is not None:
            event["@metadata"] = metadata
            if type(given := metadata.get("_ingest_document")) is dict:
                ingest = given
        # An event's own index goes before a default one and before its data stream.
        if "index" in ingest and self.index is None and ingest["index"] is not None:
            stream = str(ingest["index"])
        prefix = self._prefixes.get(stream, b"")
        if prefix == b"":
            prefix = self._prefix(stream)
        if prefix is None:
            return b"\n" + document
        if self._simple and len(ingest) <= 1 and (not ingest or "id" in ingest):
            id_ = ingest.get("id")
            if id_ is None:
                return b"".join((prefix, b"}}\n", document, b"\n"))
            return b"".join((prefix, b',"_id":', dump_json(str(id_)), b"}}\n", document, b"\n"))
        more = b"".join(b",%b:%b" % (name, dump_json(text)) for name, text in self._more(event, ingest))
        return b"".join((prefix, more, b"}}\n", document, b"\n"))

    def _more(self, event: Event, ingest: dict[str, Any]) -> list[tuple[bytes, str]]:
        """An option goes before what the event says for itself."""
        more = []
        for name, template, own in (
            (b'"_id"', self._document_id, ingest.get("id")),
            (b'"routing"', self._routing, ingest.get("routing")),
            (b'"pipeline"', self._pipeline, ingest.get("pipeline")),
        ):
            text = template(event) if template else own
            if text is not None and not (name == b'"pipeline"' and text == ""):
                more.append((name, str(text)))
        return more

    def _prefix(self, stream: Any) -> bytes | None:
        name = stream if type(stream) is str else "-".join(stream)
        prefix: bytes | None = b'{"%b":{"_index":' % self._action_name.encode() + dump_json(name)
        if self.dlq_on_failed_indexname_interpolation and _UNRESOLVED.search(name):
            prefix = None
        # Names come from events: what is remembered of them is bounded.
        if len(self._prefixes) < 10_000:
            self._prefixes[stream] = prefix
        return prefix

    def _stream(self, event: Event) -> tuple[str, str, str]:
        """(type, dataset, namespace), which the document then holds too."""
        type_, dataset, namespace = self.data_stream_type, self.data_stream_dataset, self.data_stream_namespace
        given = event.get("data_stream")
        if self.data_stream_auto_routing and type(given) is dict:
            a, b, c = given.get("type"), given.get("dataset"), given.get("namespace")
            if a and b and c and type(a) is type(b) is type(c) is str:
                return a, b, c
            type_, dataset, namespace = a or type_, b or dataset, c or namespace
        if self.data_stream_sync_fields:
            if type(given) is not dict:
                given = event["data_stream"] = {}
            given["type"], given["dataset"], given["namespace"] = type_, dataset, namespace
        return str(type_), str(dataset), str(namespace)

    async def _store(self, actions: list[_Action]) -> None:
        """Returns when each document is stored or in the dead letter queue."""
        from elastic_transport import TransportError

        pause = self.retry_initial_interval
        while actions:
            try:
                items = await self._bulk(actions)
            except _Refused as refused:
                self.requests["failures"] += 1
                if refused.status in (400, 413):
                    await self._halve(actions, refused)
                    return
                if refused.status in (401, 403):
                    self._log(
                        "auth", f"Elasticsearch refuses us ({refused.status}): check user and password: {refused}"
                    )
                else:
                    self._log("refused", f"Elasticsearch answers {refused.status}, trying again: {refused}")
            except (TransportError, OSError) as error:
                self.requests["failures"] += 1
                reason = getattr(error, "message", None) or error
                self._log("connection", f"Elasticsearch can't be reached, trying again: {reason}")
            else:
                left = await self._sort(actions, items)
                if len(left) < len(actions):
                    pause = self.retry_initial_interval
                actions = left
            if actions:
                await asyncio.sleep(pause)
                pause = min(pause * 2, self.retry_max_interval)

    async def _bulk(self, actions: list[_Action]) -> list[dict[str, Any]]:
        """One request. Returns the items' results, none when all are stored; raises _Refused and TransportError."""
        assert self._transport is not None  # noqa: S101 start() comes first
        body, headers = b"".join([line for line, _ in actions]), self._headers
        if self._level:
            # Beside the loop: zlib leaves Python's lock alone.
            body = await asyncio.to_thread(gzip.compress, body, self._level, mtime=0)
            headers = headers | {"content-encoding": "gzip"}
        meta, answer = await self._transport.perform_request(
            "POST", self._target, headers=headers, body=body, request_timeout=self.timeout
        )
        self.responses[meta.status] += 1
        if meta.status >= 300:
            raise _Refused(meta.status, _reason(answer))
        if not isinstance(answer, dict) or "errors" not in answer:
            raise _Refused(meta.status, "the answer is none of the bulk API")
        if not answer["errors"]:
            self.requests["successes"] += 1
            self.documents["successes"] += len(actions)
            return []
        items = [result for item in answer["items"] for result in item.values()]
        if len(items) != len(actions):
            raise _Refused(meta.status, f"{len(actions)} documents were sent, but {len(items)} answered for")
        self.requests["with_errors"] += 1
        return items

    async def _halve(self, actions: list[_Action], refused: _Refused) -> None:
        """A request that is refused as a whole: the document at fault is found by halving."""
        if len(actions) == 1:
            await self._bury([(_event(actions[0]), f"Elasticsearch answered {refused.status}: {refused}")])
            return
        middle = len(actions) // 2
        await self._store(actions[:middle])
        await self._store(actions[middle:])

    async def _sort(self, actions: list[_Action], items: list[dict[str, Any]]) -> list[_Action]:
        """Looks at each document's result; returns those to send again."""
        again: list[_Action] = []
        dead: list[tuple[Event, str]] = []
        reasons: Counter[str] = Counter()
        for action, item in zip(actions, items, strict=False):
            status = item["status"]
            if status < 300:
                self.documents["successes"] += 1
            elif status == _CONFLICT:
                # Logstash's name for it; the document is there, so nothing is lost.
                self.documents["non_retryable_failures"] += 1
                if "version_conflict_engine_exception" not in self._silenced:
                    self._log("conflict", f"a document was there already: {_reason(item)}")
            elif status in self._dead:
                dead.append((_event(action), f"Elasticsearch answered {status}: {_reason(item)}"))
            else:
                if _type(item) not in self._silenced:
                    reasons[f"{status}: {_reason(item)}"] += 1
                again.append(action)
        if dead:
            await self._bury(dead)
        if again:
            self.documents["retryable_failures"] += len(again)
            for reason, _ in reasons.most_common(1):
                self._log(
                    "retry", f"Elasticsearch put off {len(again)} of {len(actions)} documents, trying again: {reason}"
                )
        return again

    async def _bury(self, entries: list[tuple[Event, str]]) -> None:
        assert self._dead_letters is not None  # noqa: S101 start() comes first
        await self._dead_letters.put(entries, "elasticsearch", self.id)
        self.documents["dlq_routed"] += len(entries)
        self.metrics.failures += len(entries)

    def _log(self, kind: str, message: str) -> None:
        """A warning, of each kind at most one in ten seconds."""
        now = time.monotonic()
        if now - self._logged.get(kind, -_LOG_EVERY) >= _LOG_EVERY:
            self._logged[kind] = now
            logger.warning("%s: %s", self.id, message)

    # Figures

    def stats(self) -> dict[str, Any]:
        """Logstash's names. Of the documents, successes + non_retryable_failures (409) + dlq_routed are all that were
        done with; retryable_failures counts each time that one was put off."""
        responses = {str(status): count for status, count in self.responses.items()}
        return {"bulk_requests": dict(self.requests) | {"responses": responses}, "documents": dict(self.documents)}

    def add_stats(self, other: Elasticsearch) -> None:
        self.requests += other.requests
        self.responses += other.responses
        self.documents += other.documents


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _type(item: dict[str, Any]) -> str:
    error = item.get("error")
    return str(error.get("type")) if isinstance(error, dict) else ""


def _reason(body: Any) -> str:
    """The reason in an error of Elasticsearch."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        cause = error.get("caused_by")
        more = f" ({cause['reason']})" if isinstance(cause, dict) and cause.get("reason") else ""
        return f"{error.get('type', 'error')}: {error.get('reason', '')}{more}"
    return str(error or body)[:500]


plugin = Elasticsearch
