"""Each part's health and each data stream's documents."""

import json
from datetime import UTC, datetime

from elastic_transport import TransportError
from elasticsearch import ApiError
from rich.console import Console
from rich.table import Table

from native import runtime
from native.settings import Settings, SettingsError
from stack.store import Store, age


def status(settings: Settings) -> dict:
    """{"runtime", "parts": {name: state}, "streams": {name: {"docs", "last"}}, "unrouted": events in no stream}."""
    try:
        streams = Store(settings).streams()
    except (ApiError, TransportError, SettingsError):
        streams = {}
    return {
        "runtime": "native",
        "parts": runtime.parts(settings),
        "streams": streams,
        "unrouted": unrouted(settings),
    }


def unrouted(settings: Settings) -> int:
    """Events of a foreign group or service, in the file where the pipeline keeps them."""
    if not settings.unrouted_file.exists():
        return 0
    with settings.unrouted_file.open("rb") as file:
        return sum(1 for _ in file)


def show(settings: Settings, as_json: bool) -> int:
    """Print it. Returns the exit status: 0 when every part is healthy and every stream could be counted, else 1."""
    found = status(settings)
    if as_json:
        print(json.dumps(found))
    else:
        console = Console()
        parts = Table("part", "state", title="Parts")
        for name, state in found["parts"].items():
            parts.add_row(name, f"[{'green' if state in (runtime.HEALTHY, runtime.DONE) else 'red'}]{state}")
        console.print(parts)
        streams = Table("data stream", "documents", "newest", title="Data streams")
        now = datetime.now(UTC)
        for name, stream in found["streams"].items():
            newest = f"{age(stream['last'], now):.0f} s ago" if stream["last"] else "-"
            streams.add_row(name, f"{stream['docs']:,}", newest)
        console.print(streams if found["streams"] else "[red]Elasticsearch does not answer.")
        console.print(f"Unrouted events: {found['unrouted']} ({settings.unrouted_file})")
    return 0 if runtime.is_settled(found["parts"]) and found["streams"] else 1
