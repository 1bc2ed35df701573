"""From the log file to the searchable document, through the whole native chain: `make bench`.

On a stack of its own, which is removed at the end. First lines written at a steady rate: how long each takes from its
write to the first search that finds it. Then a backlog: lines of all services (mix.yml) that were written while
Filebeat was down, with what the parts take of the processors and of memory for them.
"""

import argparse
import math
import os
import platform
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import orjson
import psutil
from elasticsearch import Elasticsearch
from elasticsearch.helpers import reindex
from rich.console import Console
from rich.table import Table

from native import runtime
from native.settings import Settings
from stack.store import Store
from tests.bench import mix
from tests.bench.own_stack import own_stack
from tests.polling import poll_until

LINES = 300_000
RATES = (100, 1_000, 5_000)  # lines a second
SECONDS = 20.0  # at each rate
LOOK = 0.02  # seconds between two searches
PARTS = ("filebeat", "logstash", "elasticsearch")
MIB = 1 << 20
LINE = (
    "INFO|apps.parcels.bench{run}|{time}.{ms:03d}|Parcel PT-{number:010d} scanned in Leeds "
    '{{"request_id": "{number:032x}", "duration_ms": 12}}\n'
)


@dataclass
class Taken:
    """What a part took: seconds of processor, and the memory it has at the end, in bytes."""

    seconds: float
    memory: int


def trees(settings: Settings) -> dict[str, list[psutil.Process]]:
    """{part: its processes}."""
    mains = {part: psutil.Process(runtime.processes(settings)[part]["pid"]) for part in PARTS}
    return {part: [main, *main.children(recursive=True)] for part, main in mains.items()}


def usage(settings: Settings) -> dict[str, Taken]:
    found = {}
    for part, processes in trees(settings).items():
        times = [process.cpu_times() for process in processes]
        found[part] = Taken(
            sum(time.user + time.system for time in times), sum(process.memory_info().rss for process in processes)
        )
    return found


def since(before: dict[str, Taken], after: dict[str, Taken]) -> dict[str, Taken]:
    return {part: Taken(after[part].seconds - before[part].seconds, after[part].memory) for part in PARTS}


def filebeat(settings: Settings, action: str) -> None:
    with runtime.api(settings, timeout=60) as client:
        client.request("PATCH" if action == "stop" else "POST", f"/process/{action}/filebeat").raise_for_status()


def write_backlog(settings: Settings, lines: int) -> int:
    """Lines of all services, in files beside the services' own. Returns their bytes."""
    files, size = {}, 0
    for payload in islice(mix.events(), lines):
        event = orjson.loads(payload)
        path = settings.logs / event["service"] / f"{Path(event['log']['file']['path']).name}.bench"
        if path not in files:
            files[path] = path.open("wb")
            files[path].write(f"INFO|config.logging|2025-02-02T12:34:56.123|{path} opened".ljust(80).encode() + b"\n")
        size += files[path].write(event["message"].encode() + b"\n")
    for file in files.values():
        file.close()
    return size


def drain(settings: Settings, lines: int, console: Console) -> None:
    store, everything = Store(settings), {"exists": {"field": "service"}}
    filebeat(settings, "stop")
    size = write_backlog(settings, lines)
    before_count = store.count(everything)
    filebeat(settings, "start")
    poll_until("the first of them", lambda: store.count(everything) > before_count + 1_000, 60, LOOK)
    poll_until("Filebeat's process", lambda: runtime.parts(settings)["filebeat"] == runtime.HEALTHY, 60)
    begun, first, before = time.monotonic(), store.count(everything), usage(settings)
    wanted = before_count + lines
    poll_until("all lines", lambda: store.count(everything) >= wanted, 600, 0.25)
    took, count = time.monotonic() - begun, store.count(everything) - first
    taken = since(before, usage(settings))
    console.print(f"a backlog of {lines} lines, {size / lines:.0f} bytes each: {count / took:.0f} lines/s")
    table = Table("part", "CPU-seconds for 100,000 lines", "MiB")
    for part, one in taken.items():
        table.add_row(part, f"{one.seconds * 100_000 / count:.2f}", f"{one.memory / MIB:.0f}")
    table.add_row("all", f"{sum(one.seconds for one in taken.values()) * 100_000 / count:.2f}", "")
    console.print(table)
    for codec, bytes_ in stored_bytes(settings).items():
        console.print(f"bytes in Elasticsearch for a line, {codec}: {bytes_:.0f}")


def stored_bytes(settings: Settings) -> dict[str, float]:
    """{codec: bytes of a document}, of the django stream's documents in one segment."""
    stream, found = settings.data_stream("django"), {}
    credentials = ("elastic", settings.secrets["ELASTIC_PASSWORD"])
    with Elasticsearch(settings.elasticsearch_url, basic_auth=credentials, request_timeout=300) as elastic:
        [mappings] = elastic.indices.get_mapping(index=stream).values()
        for codec in ("default", "best_compression"):
            index = f"bench-{codec}"
            elastic.indices.create(index=index, mappings=mappings["mappings"], settings={"index.codec": codec})
            reindex(elastic, stream, index, chunk_size=2_000)
            elastic.indices.forcemerge(index=index, max_num_segments=1)
            elastic.indices.flush(index=index)
            stats = elastic.indices.stats(index=index, metric=["store", "docs"])["_all"]["primaries"]
            found[codec] = stats["store"]["size_in_bytes"] / stats["docs"]["count"]
    return found


def percentile(ordered: list[float], percent: int) -> float:
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]


def delays(settings: Settings, rate: int, seconds: float) -> list[float]:
    """Seconds from the writing of each line to the search that found it, in order of length."""
    store, run = Store(settings), f"{rate}"
    query = {"term": {"logger_name": f"apps.parcels.bench{run}"}}
    path = settings.logs / "django" / f"app.log.rate{rate}"
    written: list[float] = []
    seen, found = 0, []
    with path.open("ab", buffering=0) as file:
        file.write(f"INFO|config.logging|2025-02-02T12:34:56.123|{path} opened".ljust(80).encode() + b"\n")
        started = time.monotonic()
        total = round(rate * seconds)
        while seen < total:
            due = min(total, int((time.monotonic() - started) * rate))
            lines = [
                LINE.format(run=run, time="2025-02-02T12:34:56", ms=number % 1000, number=number)
                for number in range(len(written), due)
            ]
            file.write("".join(lines).encode())
            written += [time.monotonic()] * len(lines)
            visible, now = store.count(query), time.monotonic()
            found += [now - at for at in written[seen:visible]]
            seen = max(seen, visible)
            if now - started > seconds + 60:
                raise SystemExit(f"{total - seen} of {total} lines at {rate}/s were not found within a minute")
            time.sleep(LOOK)
    return sorted(found)


def latency(settings: Settings, seconds: float, console: Console) -> None:
    table = Table("lines/s", "p50", "p95", "p99", title="from the write to the search that finds it, seconds")
    for rate in RATES:
        ordered = delays(settings, rate, seconds)
        table.add_row(str(rate), *(f"{percentile(ordered, percent):.2f}" for percent in (50, 95, 99)))
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.chain", description=__doc__.partition(":")[0])
    parser.add_argument("--lines", type=int, default=LINES, help=f"of the backlog (default {LINES})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"at each rate (default {SECONDS:.0f})")
    asked = parser.parse_args()
    console = Console()
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    with own_stack() as settings:
        latency(settings, asked.seconds, console)
        drain(settings, asked.lines, console)


if __name__ == "__main__":
    main()
