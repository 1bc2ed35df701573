"""Lines of the log streams by a query, on the console."""

import json
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError
from rich.console import Console

from native.settings import Settings
from stack.store import Store

SIZE = 20
# What stands in a line of its own below, if the document has it; then its context.
FIELDS = (
    "http.response.status_code",
    "duration_ms",
    "error.type",
    "error.message",
    "source.address",
    "tenant",
    "user_id",
    "task_name",
    "request_id",
)


def show(settings: Settings, query: str, size: int = SIZE, as_json: bool = False) -> int:
    """Print the newest documents that match, oldest of them first. Returns the exit status: 1 without an answer.

    `query` is in the syntax of Elasticsearch's query_string, which is Kibana's Lucene:
    https://www.elastic.co/guide/en/elasticsearch/reference/8.17/query-dsl-query-string-query.html#query-string-syntax
    """
    errors = Console(stderr=True, soft_wrap=True)
    # As Kibana asks.
    wanted = {"query_string": {"query": query, "analyze_wildcard": True}}
    newest_first = [{name: "desc"} for name in ("@timestamp", "log.file.fingerprint", "log.offset")]
    try:
        hits = Store(settings).search(query=wanted, sort=newest_first, size=size, track_total_hits=True)["hits"]
    except ApiError as error:
        causes = error.body["error"].get("root_cause", []) if isinstance(error.body, dict) else []
        reason = causes[0]["reason"] if causes else str(error)
        errors.print(f"Q={query}: {reason}", style="red", markup=False, highlight=False)
        return 1
    except TransportError as error:
        errors.print(
            f"[red]Elasticsearch does not answer ({type(error).__name__}). Is the stack up? `make status` tells."
        )
        return 1
    for hit in reversed(hits["hits"]):
        print(json.dumps(hit["_source"]) if as_json else as_text(hit["_source"]))
    total = hits["total"]["value"]
    errors.print(f"{total:,} lines" + (f", the newest {size} of them" if total > size else ""), highlight=False)
    return 0


def as_text(document: dict[str, Any]) -> str:
    """``TIME SERVICE LEVEL LOGGER MESSAGE``, and below it the fields by the names that a query takes."""
    names = ("@timestamp", "service", "log_level", "logger_name")
    head = [*(str(document.get(name, "-")) for name in names), document.get("log_message") or document["message"]]
    fields = dict(_leaves(document))
    shown = [name for name in FIELDS if name in fields] + sorted(name for name in fields if name.startswith("context."))
    return "\n    ".join([" ".join(head), *([" ".join(f"{name}={fields[name]}" for name in shown)] if shown else [])])


def _leaves(value: dict[str, Any], path: str = "") -> Any:
    """("context.client.page", …) of nested objects."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _leaves(inner, f"{path}{key}.")
        else:
            yield f"{path}{key}", inner
