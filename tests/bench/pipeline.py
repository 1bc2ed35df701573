"""Throughput of logstash_py on the project's pipeline, on one core: `make bench-pipeline`.

A mix of all services' lines (mix.yml) goes from decoded Beats events to bulk bodies, then from Lumberjack frames;
nothing is sent anywhere. Figures are the machine's own: compare them with each other and with the aim.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from multiprocessing import get_context

import orjson
import psutil

from logstash_py import Pipeline, event
from logstash_py.lumberjack import Connection
from tests.bench import mix
from tests.paths import DICTIONARIES, PIPELINE

BATCH = 1_000
MIB = 2**20
# Events a second on one core: what the pipeline is to reach.
FROM_EVENTS, FROM_FRAMES = 50_000, 30_000


def make_pipeline() -> Pipeline:
    environ = {"LOGSTASH_DICTIONARIES": str(DICTIONARIES), "LOGSTASH_WRITER_PASSWORD": "nothing is sent"}
    return Pipeline.from_files([PIPELINE], environ=environ)


def to_bulk(pipeline: Pipeline, decoded: Iterable[dict]) -> int:
    """Filter, route and write a batch as bulk bodies; returns their bytes."""
    routed = pipeline.route(pipeline.run_filters([event.build(data) for data in decoded]))
    store = pipeline.outputs[0]
    return len(b"".join([store._action(one) for one in routed[0]]))


def batches(payloads: list[bytes]) -> Iterator[list[bytes]]:
    return (payloads[start : start + BATCH] for start in range(0, len(payloads), BATCH))


def from_events(pipeline: Pipeline, payloads: list[bytes], seconds: float) -> float:
    """Events a second of CPU, decoding not counted."""
    spent, count = 0.0, 0
    while spent < seconds:
        for payload in batches(payloads):
            decoded = [orjson.loads(one) for one in payload]
            begun = time.process_time()
            to_bulk(pipeline, decoded)
            spent += time.process_time() - begun
            count += len(decoded)
    return count / spent


def from_frames(pipeline: Pipeline, windows: list[bytes], seconds: float) -> float:
    """Events a second of CPU, from the bytes that a socket gives."""
    begun, count = time.process_time(), 0
    while (spent := time.process_time() - begun) < seconds:
        connection = Connection()
        for frames in windows:
            for window in connection.receive(frames):
                to_bulk(pipeline, window.events)
                count += len(window.events)
    return count / spent


def in_a_process(seconds: float) -> float:
    """As `from_frames`, in wall time: what one of several processes does."""
    pipeline, windows = make_pipeline(), frames(list(islice(mix.events(), 20 * mix.WINDOW)))
    begun = time.perf_counter()
    rate = from_frames(pipeline, windows, seconds)
    return rate * seconds / (time.perf_counter() - begun)


def frames(payloads: list[bytes]) -> list[bytes]:
    return [mix.window(payloads[at : at + mix.WINDOW]) for at in range(0, len(payloads), mix.WINDOW)]


def memory(events: int) -> tuple[float, float]:
    """Resident MiB after a tenth of `events` and after all of them, each event another one."""
    pipeline, process, stream = make_pipeline(), psutil.Process(), mix.events(seed=2)
    for done in range(0, events, BATCH):
        to_bulk(pipeline, [orjson.loads(one) for one in islice(stream, BATCH)])
        if done == events // 10 // BATCH * BATCH:
            early = process.memory_info().rss / MIB
    return early, process.memory_info().rss / MIB


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pipeline", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement (default 5)")
    parser.add_argument("--events", type=int, default=300_000, help="of the memory run (default 300000)")
    arguments = parser.parse_args()

    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{python}, {psutil.cpu_count()} cores, {platform.machine()}")
    begun = time.perf_counter()
    pipeline = make_pipeline()
    print(f"compiled in                       {time.perf_counter() - begun:8.2f} s")
    payloads = list(islice(mix.events(), 20 * mix.WINDOW))
    rate = from_events(pipeline, payloads, arguments.seconds)
    print(f"decoded event → bulk body         {rate:8,.0f} events/s a core   {rate / FROM_EVENTS:.2f} of the aim")
    rate = from_frames(pipeline, frames(payloads), arguments.seconds)
    print(f"Lumberjack frames → bulk body     {rate:8,.0f} events/s a core   {rate / FROM_FRAMES:.2f} of the aim")
    with get_context("spawn").Pool(2) as pool:
        [alone] = pool.map(in_a_process, [arguments.seconds])
        both = sum(pool.map(in_a_process, [arguments.seconds] * 2, chunksize=1))
    with get_context("spawn").Pool(1) as pool:
        early, late = pool.apply(memory, [arguments.events])
    print(f"two processes                     {both:8,.0f} events/s          {both / alone:.2f} of one")
    print(f"memory after {arguments.events // 10:,} / {arguments.events:,} events: {early:.0f} / {late:.0f} MiB")


if __name__ == "__main__":
    main()
