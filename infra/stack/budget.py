"""How long an outage may last before a line is lost: until a file that is not shipped yet is rotated away.

A log file that has reached its size becomes its own backup 1, each backup the next one, and the last one goes. All that
is written meanwhile waits in them. What is written in the next second is known by what was in the last.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath

from stack.survey import Reading


def seconds_left(readings: Iterable[Reading], max_bytes: int, backups: int) -> float:
    """Seconds until the oldest line that waits would be gone, at the present rate of writing; the least of all files.

    Where no line waits, it is the next one's time. Infinite where nothing is being written.
    """
    series: dict[str, dict[int, Reading]] = defaultdict(dict)
    for reading in readings:
        match = re.fullmatch(r"(.+\.log)(?:\.(\d+))?", PurePath(reading.path).name)
        if match:  # else no rotation moves it
            series[f"{PurePath(reading.path).parent}/{match[1]}"][int(match[2] or 0)] = reading
    return min((_of_file(files, max_bytes, backups) for files in series.values()), default=math.inf)


def _of_file(files: dict[int, Reading], max_bytes: int, backups: int) -> float:
    """`files` are {number of the backup, 0 of the file itself: its reading}."""
    if 0 not in files or not files[0].rate:
        return math.inf
    oldest = max((number for number, reading in files.items() if reading.waiting_bytes), default=0)
    # The file itself is rotated once it is full, and each rotation after that takes a full file.
    left = max(0, max_bytes - files[0].size) + max(0, backups - oldest) * max_bytes
    return left / files[0].rate
