"""From the log file to the searchable document, through the whole native chain: `make bench`.

On a stack of its own, which is removed at the end: what the stack takes while nobody asks anything; how long a line
takes from its write to the first search that finds it, at steady rates; how fast a backlog is drained that was written
while Filebeat was down, with what the parts take for it, for ten times the lines, and with 1, 2 and 4 workers; what a
line takes in Elasticsearch. With each backlog it tells what share of the processors the machine's host took away, and
how fast a core was just after it, against the best of this run: only figures of the same pace may be compared.
"""

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from native.settings import Settings
from tests.bench.chain import backlog, delay, parts, plot, stored
from tests.bench.machine import Pace, named
from tests.bench.own_stack import own_stack

LINES = 1_000_000
RATES = (100, 1_000, 5_000, 15_000)  # lines a second
SECONDS = 20.0  # at each rate
IDLE_SECONDS = 60.0
WORKERS = (1, 2, 4)
WARM = 1_000_000  # lines, until Java has compiled what it runs
QUIET = 120.0  # seconds, until what comes after the start is done
MIB = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.chain", description=__doc__.partition(":")[0])
    parser.add_argument("--lines", type=int, default=LINES, help=f"of the large backlog (default {LINES:,})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"at each rate (default {SECONDS:.0f})")
    parser.add_argument("--plot", type=Path, help="a PNG to draw the figures into")
    asked = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    machine = named()
    console.print(machine)
    with own_stack() as settings:
        show_idle(settings, console)
        backlog.drain(settings, WARM)
        measured = {rate: delay.delays(settings, rate, asked.seconds) for rate in RATES}
        show_delays(measured, console)
        drained = drain(settings, asked.lines, console)
        show_stored(settings, console)
    if asked.plot:
        plot.draw(asked.plot, machine, measured, drained)


def show_idle(settings: Settings, console: Console) -> None:
    time.sleep(QUIET)
    shares = parts.idle(settings, IDLE_SECONDS)
    told = ", ".join(f"{part} {share:.1%}" for part, share in shares.items() if share >= 0.001)
    console.print(f"idle: {sum(shares.values()):.1%} of a core ({told})")


def show_delays(measured: dict[int, list[float]], console: Console) -> None:
    table = Table("lines/s", "p50", "p95", "p99", "last", title="from the write to the search that finds it, seconds")
    for rate, seconds in measured.items():
        points = [percentile(seconds, percent) for percent in (50, 95, 99, 100)]
        table.add_row(f"{rate:,}", *(f"{point:.2f}" for point in points))
    console.print(table)


def percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]


def drain(settings: Settings, lines: int, console: Console) -> dict[str, backlog.Drained]:
    """{name of a run: what it gave}, told one by one."""
    few, runs, pace = lines // 10, {}, Pace()
    console.print(
        "backlogs; CPU-seconds are for 100,000 lines; "
        f"a pace of 100% is {pace.best / 1e6:.0f} million loops of Python a second"
    )

    def run(name: str, number: int) -> None:
        one = runs[name] = backlog.drain(settings, number)
        seconds = {part: one.seconds_per(100_000, part) for part in parts.PARTS}
        told = [f"{part} {seconds[part]:.2f} CPU-s, {one.taken[part].memory / MIB:.0f} MiB" for part in parts.PARTS]
        console.print(
            f"{name}, {one.bytes:.0f} bytes each: {one.rate:,.0f} lines/s; {', '.join(told)}; "
            f"together {sum(seconds.values()):.2f} CPU-s; {one.stolen:.0%} stolen, "
            f"pace {pace():.0%}"
        )

    run(f"{few:,} lines", few)
    run(f"{lines:,} lines", lines)
    for number in WORKERS:
        parts.use_workers(settings, number)
        run(f"{few:,} lines, {number} worker{'s' * (number > 1)}", few)
    return runs


def show_stored(settings: Settings, console: Console) -> None:
    for codec, size in stored.bytes_per_line(settings, "nginx").items():
        console.print(f"bytes in Elasticsearch for a line of nginx, {codec}: {size:.0f}")


if __name__ == "__main__":
    main()
