"""The parcel API and the intake of browsers' events under load, against the stack that is up: `make bench-api`.

The requests go through nginx, with all logging on, each at its time however late the others' answers are; a latency
counts from that time. The first round is not counted: it warms the stack up. Each line names the share of the
processors that a virtual machine's host took away meanwhile: where that is not about nothing, the figure is the host's.
"""

import argparse
import os
import platform
from collections.abc import Callable, Iterator
from itertools import cycle

import httpx
import psutil

from native.settings import Settings
from stack.journeys import Visitor, browser_error
from stack.load import Figures, open_loop

# Requests a second, and seconds within which 95 % are to be answered.
API_RATE, API_LIMIT = 50, 0.060
# Events a second, and how many a request brings.
EVENTS_RATE, EVENTS_BATCH = 500, 50
ROUNDS = 4


def api(visitor: Visitor) -> Iterator[Callable[[], httpx.Response]]:
    """A page of the list, the newest parcel, a new one, its scan, its track: in turn, without end."""
    visitor.create()

    def newest() -> str:
        return f"/api/parcels/{visitor.parcels[-1]}/"

    return cycle(
        (
            lambda: visitor.get("/api/parcels/"),
            lambda: visitor.get(newest()),
            visitor.create,
            lambda: visitor.post(f"{newest()}scans/", json={"location": "Leeds", "status": "in_transit"}),
            lambda: visitor.get(f"{newest()}track/"),
        )
    )


def events(visitor: Visitor) -> Iterator[Callable[[], httpx.Response]]:
    batch = {"events": [browser_error("parcel is undefined", {"page": "/parcels"})] * EVENTS_BATCH}
    return cycle([lambda: visitor.post("/api/logs/client/", json=batch)])


def measure(requests: Iterator[Callable[[], httpx.Response]], rate: float, seconds: float) -> tuple[Figures, str]:
    """The figures, and what the host took."""
    figures, before = Figures(), psutil.cpu_times()
    open_loop(lambda: next(requests)(), rate, seconds, figures)
    after = psutil.cpu_times()
    stolen = getattr(after, "steal", 0) - getattr(before, "steal", 0)
    return figures, f"{100 * stolen / (sum(after) - sum(before)):.0f} % of the processors taken by the host"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.api", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20, help="of each round (default 20)")
    seconds = parser.parse_args().seconds
    visitor = Visitor(Settings.load())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    requests = api(visitor)
    measure(requests, API_RATE, seconds)
    for _ in range(ROUNDS):
        figures, stolen = measure(requests, API_RATE, seconds)
        ratio = figures.percentile(95) / API_LIMIT
        print(f"parcel API, {figures.rate:.0f} requests/s: {figures.summary()}; p95 {ratio:.2f} of the limit; {stolen}")
    figures, stolen = measure(events(visitor), EVENTS_RATE / EVENTS_BATCH, seconds)
    print(f"browsers' events, {figures.rate * EVENTS_BATCH:.0f} a second: {figures.summary()}; {stolen}")


if __name__ == "__main__":
    main()
