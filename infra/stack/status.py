"""Each part's health and each data stream's documents."""

import json
from datetime import UTC, datetime

from elastic_transport import TransportError
from elasticsearch import ApiError
from rich.console import Console
from rich.table import Table

from native.runtime import DONE, HEALTHY, is_settled
from native.settings import Settings, SettingsError
from stack.runtimes import module
from stack.store import Store, age


def status(settings: Settings) -> dict:
    """{"runtime", "parts": {name: state}, "streams": {name: {"docs", "last"}}, "unrouted": events in no stream}.

    `unrouted` is None where Logstash is another machine's.
    """
    try:
        streams = Store(settings).streams()
    except (ApiError, TransportError, SettingsError):
        streams = {}
    return {
        "runtime": settings.runtime,
        "parts": module(settings).parts(settings),
        "streams": streams,
        "unrouted": module(settings).unrouted(settings),
    }


def show(settings: Settings, as_json: bool) -> int:
    """Print it. Returns the exit status: 0 when every part is healthy and every stream could be counted, else 1."""
    found = status(settings)
    if as_json:
        print(json.dumps(found))
    else:
        console = Console()
        parts = Table("part", "state", title="Parts")
        for name, state in found["parts"].items():
            parts.add_row(name, f"[{'green' if state in (HEALTHY, DONE) else 'red'}]{state}")
        console.print(parts)
        streams = Table("data stream", "documents", "newest", title="Data streams")
        now = datetime.now(UTC)
        for name, stream in found["streams"].items():
            newest = f"{age(stream['last'], now):.0f} s ago" if stream["last"] else "-"
            streams.add_row(name, f"{stream['docs']:,}", newest)
        console.print(streams if found["streams"] else "[red]Elasticsearch does not answer.")
        unrouted = "unknown" if found["unrouted"] is None else found["unrouted"]
        console.print(f"Unrouted events: {unrouted} ({module(settings).unrouted_place(settings)})")
    return 0 if is_settled(found["parts"]) and found["streams"] else 1
