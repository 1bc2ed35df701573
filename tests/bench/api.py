"""The parcel API and the intake of browsers' events under load, against the stack that is up: `make bench-api`.

The requests go through nginx, with all logging on, each at its time however late the others' answers are; a latency
counts from that time. The first round is not counted: it warms the stack up.
"""

import argparse
import os
import platform
from collections.abc import Callable, Iterator
from itertools import cycle

import httpx

from native.settings import Settings
from stack.journeys import Visitor, browser_error
from stack.load import Figures, open_loop

# Requests a second, and seconds within which 95 % are to be answered.
API_RATE, API_LIMIT = 50, 0.060
# Events a second, and how many a request brings.
EVENTS_RATE, EVENTS_BATCH = 500, 50


def api(visitor: Visitor) -> Iterator[Callable[[], httpx.Response]]:
    """A page of the list, one parcel, a new one, a scan, a track: in turn, without end."""
    parcel = f"/api/parcels/{visitor.create().json()['reference']}/"
    return cycle(
        (
            lambda: visitor.get("/api/parcels/"),
            lambda: visitor.get(parcel),
            visitor.create,
            lambda: visitor.post(f"{parcel}scans/", json={"location": "Leeds", "status": "in_transit"}),
            lambda: visitor.get(f"{parcel}track/"),
        )
    )


def events(visitor: Visitor) -> Iterator[Callable[[], httpx.Response]]:
    batch = {"events": [browser_error("parcel is undefined", {"page": "/parcels"})] * EVENTS_BATCH}
    return cycle([lambda: visitor.post("/api/logs/client/", json=batch)])


def measure(requests: Iterator[Callable[[], httpx.Response]], rate: float, seconds: float) -> Figures:
    figures = Figures()
    open_loop(lambda: next(requests)(), rate, seconds, figures)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.api", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20, help="of each round (default 20)")
    seconds = parser.parse_args().seconds
    visitor = Visitor(Settings.load())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    requests = api(visitor)
    measure(requests, API_RATE, seconds)
    for _ in range(2):
        figures = measure(requests, API_RATE, seconds)
        ratio = figures.percentile(95) / API_LIMIT
        print(f"parcel API, {figures.rate:.0f} requests/s: {figures.summary()}; p95 {ratio:.2f} of the limit")
    figures = measure(events(visitor), EVENTS_RATE / EVENTS_BATCH, seconds)
    print(f"browsers' events, {figures.rate * EVENTS_BATCH:.0f} a second: {figures.summary()}")


if __name__ == "__main__":
    main()
