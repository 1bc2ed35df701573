"""An export: all lines of a view, as CSV or as NDJSON, one of each a line, written as they are found."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from asgiref.sync import sync_to_async

from apps.logs import store
from apps.parcels.exports import cell

from .searches import View

MAX_LINES = 100_000
PAGE = 1000
COLUMNS = (
    "@timestamp",
    "service",
    "stream",
    "app_module",
    "log_level",
    "logger_name",
    "log_message",
    "request_id",
    "task_id",
    "task_name",
    "user_id",
    "tenant",
    "duration_ms",
    "host.name",
    "log.file.path",
    "error.type",
    "error.message",
    "error.stack_trace",
    "tags",
    "context",
)


async def lines(view: View, kind: str) -> AsyncIterator[bytes]:
    """The file, page by page.

    Raises store.Unavailable in the middle when the store goes away: the answer then ends without its end, and whoever
    reads it can tell.
    """
    write, after = WRITERS[kind], None
    if kind == "csv":
        yield csv_rows([dict(zip(COLUMNS, COLUMNS, strict=True))], get=dict.get)
    for _ in range(MAX_LINES // PAGE):
        body = view.page(size=PAGE, newest_first=False, after=after)
        answer = await sync_to_async(store.ask, thread_sensitive=False)("_search", {**body, "track_total_hits": False})
        if store.stopped(answer):
            raise store.Unavailable(store.TROUBLE)
        hits = answer["hits"]["hits"]
        yield write([hit["_source"] for hit in hits])
        if len(hits) < PAGE:
            return
        after = hits[-1]["sort"]


def ndjson(sources: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(source, ensure_ascii=False) + "\n" for source in sources).encode()


def csv_rows(sources: Iterable[dict[str, Any]], get: Callable[[dict, str], Any] | None = None) -> bytes:
    """One row a line, line breaks in a cell written as ``\\n``."""
    rows = io.StringIO()
    writer = csv.writer(rows)
    for source in sources:
        writer.writerow([_cell((get or value)(source, column)) for column in COLUMNS])
    return rows.getvalue().encode()


def value(source: dict[str, Any], name: str) -> Any:
    """The value of a field by its dotted name."""
    found: Any = source
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _cell(content: Any) -> Any:
    if isinstance(content, dict | list):
        content = json.dumps(content, ensure_ascii=False)
    return cell(content.replace("\n", "\\n")) if isinstance(content, str) else content


WRITERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {"csv": csv_rows, "ndjson": ndjson}
