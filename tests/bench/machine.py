"""The machine under a bench: its name, and how fast it is just now."""

import os
import platform
import time
from pathlib import Path

import psutil

LOOPS = 300_000


def named() -> str:
    model = next((line.partition(": ")[2] for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    memory = psutil.virtual_memory().total / (1 << 30)
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


class Pace:
    """How fast a core runs Python now, as a share of the best that was seen. Neighbours of a virtual machine share its
    caches and cores: in their busy hours the same work takes twice the processor time, and no counter tells."""

    def __init__(self) -> None:
        self.best = 0.0  # loops a second of processor time
        self()

    def __call__(self) -> float:
        now = max(_loops_per_second() for _ in range(20))
        self.best = max(self.best, now)
        return now / self.best


def _loops_per_second() -> float:
    begun, table = time.process_time(), {}
    for number in range(LOOPS):
        table[number & 1023] = number
    return LOOPS / (time.process_time() - begun)
