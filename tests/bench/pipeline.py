"""Figures of logstash_py on the project's pipeline, beside the aims: `make bench-pipeline`.

A mix of all services' lines (mix.yml) goes from decoded Beats events to bulk bodies, then from Lumberjack frames;
nothing is sent anywhere. Rates are events a second of CPU on one core, so that what else the machine does counts less;
still they are the machine's own: compare them with each other, and with the aim.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing import get_context

import orjson
import psutil

from logstash_py import Pipeline, event
from logstash_py.intake import FEW
from logstash_py.lumberjack import Connection
from logstash_py.runners import COLLECTOR_THRESHOLDS
from tests.bench import machine, mix
from tests.paths import DICTIONARIES, PIPELINE
from tests.pipeline.golden import CASES

MIB = 2**20
ENVIRON = {"LOGSTASH_DICTIONARIES": str(DICTIONARIES), "LOGSTASH_WRITER_PASSWORD": "nothing is sent"}
# What the pipeline is to reach: events a second, seconds, MiB.
FROM_EVENTS, FROM_FRAMES, CHECK, GOLDEN, MEMORY = 50_000, 30_000, 0.5, 3.0, 150


def make_pipeline() -> Pipeline:
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    return Pipeline.from_files([PIPELINE], environ=ENVIRON)


def to_bulk(pipeline: Pipeline, decoded: Iterable[dict]) -> int:
    """Filters, routes and writes a batch as bulk bodies; returns their bytes."""
    routed = pipeline.route(pipeline.run_filters([event.build(data) for data in decoded]))
    store = pipeline.outputs[0]
    return len(b"".join([lines for lines, _ in store.prepare(routed[0])]))


def batches(items: list) -> Iterator[list]:
    return (items[start : start + FEW] for start in range(0, len(items), FEW))


def best_rate(run: Callable[[], tuple[int, float]], seconds: float) -> float:
    """Events a second of CPU in the fastest of the runs that `seconds` hold, at least three: what else the machine does
    makes the others slower, never faster."""
    ends, rates = time.monotonic() + seconds, []
    while time.monotonic() < ends or len(rates) < 3:
        count, spent = run()
        rates.append(count / spent)
    return max(rates)


def from_events(pipeline: Pipeline, payloads: list[bytes]) -> tuple[int, float]:
    """(events, seconds of CPU), decoding not counted."""
    spent = 0.0
    for payload in batches(payloads):
        decoded = [orjson.loads(one) for one in payload]
        begun = time.process_time()
        to_bulk(pipeline, decoded)
        spent += time.process_time() - begun
    return len(payloads), spent


def from_frames(pipeline: Pipeline, windows: list[bytes]) -> tuple[int, float]:
    """(events, seconds of CPU), from the bytes that a socket gives."""
    begun, count = time.process_time(), 0
    connection = Connection()
    for frames in windows:
        for window in connection.receive(frames):
            for batch in batches(window.events):
                to_bulk(pipeline, batch)
            count += len(window.events)
    return count, time.process_time() - begun


def in_a_process(seconds: float) -> float:
    """As `from_frames`, but events a second by the clock: what one of several processes does."""
    pipeline, windows = make_pipeline(), frames(list(islice(mix.events(), 10 * mix.WINDOW)))
    begun, count = time.monotonic(), 0
    while (elapsed := time.monotonic() - begun) < seconds:
        count += from_frames(pipeline, windows)[0]
    return count / elapsed


def frames(payloads: list[bytes]) -> list[bytes]:
    return [mix.window(payloads[at : at + mix.WINDOW]) for at in range(0, len(payloads), mix.WINDOW)]


def memory(events: int) -> tuple[float, float]:
    """Resident MiB after a tenth of `events` and after all of them, each event another one."""
    pipeline, process, stream = make_pipeline(), psutil.Process(), mix.events(seed=2)
    for done in range(0, events, FEW):
        to_bulk(pipeline, [orjson.loads(one) for one in islice(stream, FEW)])
        if done == events // 10 // FEW * FEW:
            early = process.memory_info().rss / MIB
    return early, process.memory_info().rss / MIB


def command(*arguments: str) -> float:
    """Seconds that `python -m logstash_py` takes, the best of three. Raises CalledProcessError."""
    return min(timed(lambda: _run(*arguments)) for _ in range(3))


def _run(*arguments: str) -> None:
    command = [sys.executable, "-m", "logstash_py", *arguments]
    subprocess.run(command, env=os.environ | ENVIRON, stdout=subprocess.DEVNULL, check=True)


def timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pipeline", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement (default 5)")
    parser.add_argument("--events", type=int, default=300_000, help="of the memory run (default 300000)")
    arguments = parser.parse_args()

    def rate(name: str, value: float, aim: float) -> None:
        print(f"{name:34}{value:9,.0f} events/s a core{value / aim:8.2f} of the aim ({aim:,})")

    def limit(name: str, value: float, aim: float, unit: str) -> None:
        print(f"{name:34}{value:9,.2f} {unit:15}{value / aim:8.2f} of the limit ({aim:g})")

    print(f"{machine.named()}, load average {os.getloadavg()[0]:.1f}")
    pipeline, payloads = make_pipeline(), list(islice(mix.events(), 4 * mix.WINDOW))
    windows = frames(payloads)
    rate(
        "decoded event → bulk body", best_rate(lambda: from_events(pipeline, payloads), arguments.seconds), FROM_EVENTS
    )
    rate(
        "Lumberjack frames → bulk body",
        best_rate(lambda: from_frames(pipeline, windows), arguments.seconds),
        FROM_FRAMES,
    )
    with get_context("spawn").Pool(2) as pool:
        [alone] = pool.map(in_a_process, [arguments.seconds])
        both = sum(pool.map(in_a_process, [arguments.seconds] * 2, chunksize=1))
    print(f"{'two processes side by side':34}{both:9,.0f} events/s       {both / alone:8.2f} of one")
    with get_context("spawn").Pool(1) as pool:
        early, late = pool.apply(memory, [arguments.events])
    limit(f"memory after {arguments.events // 10:,} events", early, MEMORY, "MiB")
    limit(f"memory after {arguments.events:,} events", late, MEMORY, "MiB")
    limit("check of the pipeline", command("check", str(PIPELINE)), CHECK, "s")
    limit("all golden cases", command("test", str(CASES)), GOLDEN, "s")


if __name__ == "__main__":
    main()
