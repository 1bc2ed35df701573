"""Each stream's lines, as far as they are: in the files, shipped by Filebeat, stored by Elasticsearch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from native.settings import Settings
from native.state import SERVICES
from stack.budget import seconds_left
from stack.survey import Reading, Survey


@dataclass(frozen=True)
class Lag:
    """The lines of the last day (counting.DAY) in a service's files, and what became of them.

    `stored` is None where the store was not asked. `budget` is the outage budget in seconds, infinite where nothing is
    being written. `waiting_since` is when the oldest line that is not shipped was made, in seconds since 1970.
    """

    written: int
    shipped: int
    stored: int | None
    waiting_bytes: int
    waiting_since: float | None
    budget: float

    def as_json(self) -> dict:
        return {**vars(self), "budget": None if math.isinf(self.budget) else round(self.budget)}


def lags(settings: Settings, survey: Survey, stored: Mapping[str, int] | None) -> dict[str, Lag]:
    """{data stream: its lag}. `stored` is {fingerprint: documents}, of the same lines (Store.stored)."""
    return {
        settings.data_stream(service): _lag(settings, [r for r in survey.readings if r.service == service], stored)
        for service in SERVICES
    }


def _lag(settings: Settings, readings: list[Reading], stored: Mapping[str, int] | None) -> Lag:
    return Lag(
        written=sum(reading.lines for reading in readings),
        shipped=sum(reading.shipped for reading in readings),
        stored=None if stored is None else sum(stored[reading.fingerprint] for reading in readings),
        waiting_bytes=sum(reading.waiting_bytes for reading in readings),
        waiting_since=min((r.waiting_since for r in readings if r.waiting_since is not None), default=None),
        budget=seconds_left(readings, settings.log_file_max_bytes, settings.log_file_backups),
    )


def duration(seconds: float) -> str:
    """In words, for people: 40 s, 12 min, 5 h, 3 days."""
    if math.isinf(seconds):
        return "forever"
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
