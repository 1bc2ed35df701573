"""The figures as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from tests.bench.chain.backlog import Drained
from tests.bench.chain.parts import PARTS

AIM = 15_000


def draw(path: Path, machine: str, delays: Mapping[int, Sequence[float]], drained: Mapping[str, Drained]) -> None:
    """`delays` are {lines/s: seconds of each line, in order}; `drained` are {name of a run: what it gave}."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for rate, seconds in delays.items():
        shares = [100 * (place + 1) / len(seconds) for place in range(len(seconds))]
        left.plot(seconds, shares, label=f"{rate:,} lines/s")
    left.set(xlabel="seconds", ylabel="% of the lines are found", xlim=(0, None), ylim=(0, 100))
    left.set_title("From the write to the search")
    left.legend()
    middle.bar(list(drained), [one.rate for one in drained.values()])
    middle.axhline(AIM, linestyle="--", linewidth=1, color="black")
    middle.set(ylabel="lines/s")
    middle.set_title("A backlog, drained")
    below = [0.0] * len(drained)
    for part in PARTS:
        heights = [one.seconds_per(100_000, part) for one in drained.values()]
        right.bar(list(drained), heights, bottom=below, label=part)
        below = [low + height for low, height in zip(below, heights, strict=True)]
    right.set(ylabel="CPU-seconds for 100,000 lines", ylim=(0, 1.15 * max(below)))  # room for the legend
    right.set_title("What it takes")
    right.legend(ncols=len(PARTS), loc="upper center", fontsize="small")
    for axes in (middle, right):
        for label in axes.get_xticklabels():
            label.set(rotation=20, ha="right", rotation_mode="anchor")
    figure.suptitle(machine, fontsize=9)
    figure.savefig(path, dpi=110)
