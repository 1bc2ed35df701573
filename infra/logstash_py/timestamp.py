"""Points in time, as Logstash writes them: 2025-02-02T12:34:56.123Z."""

from __future__ import annotations

import re
import time
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_SECOND = re.compile(r"(\d{4})-(0[1-9]|1[0-2])-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII).fullmatch
_TEN_DIGITS = re.compile(r"\d{10}", re.ASCII).fullmatch
MILLIS = frozenset(f"{number:03d}" for number in range(1000))
# Of one second come many events: how many seconds are remembered.
REMEMBERED = 4096


@lru_cache(maxsize=REMEMBERED)
def is_second(text: str) -> bool:
    """Whether `text` is a time such as 2025-02-02T12:34:56, of a day that its month has."""
    if not (found := _SECOND(text)):
        return False
    year, month, day = map(int, found.groups())
    return 1 <= day <= monthrange(year, month)[1]


@lru_cache(maxsize=REMEMBERED)
def second_of(seconds: str) -> str | None:
    """The text, such as 2025-02-02T12:34:56, of as many `seconds` since 1970; None for what are no ten digits."""
    return Timestamp.from_millis(int(seconds) * 1000)[:19] if _TEN_DIGITS(seconds) else None


@lru_cache(maxsize=REMEMBERED)
def _seconds_until(second: str) -> int:
    return (datetime.fromisoformat(second).replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)


class Timestamp(str):
    """A point in time in UTC, kept as its text (at least milliseconds, at most nanoseconds): that is what leaves us."""

    __slots__ = ()

    @classmethod
    def now(cls) -> Timestamp:
        return cls.from_millis(time.time_ns() // 1_000_000)

    @classmethod
    def from_millis(cls, millis: int) -> Timestamp:
        """`millis` since 1970. Raises OverflowError beyond the years 1 to 9999."""
        return cls.from_datetime(_EPOCH + timedelta(milliseconds=millis))

    @classmethod
    def from_datetime(cls, moment: datetime) -> Timestamp:
        """`moment` with a time zone; cut to milliseconds."""
        moment = moment.astimezone(UTC)
        return cls(
            f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}T"
            f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}.{moment.microsecond // 1000:03d}Z"
        )

    @classmethod
    def parse(cls, text: str) -> Timestamp | None:
        """The `@timestamp` of an event or a JSON document; None for what is no ISO 8601 time."""
        # What is remembered is bounded.
        return _parse(text) if len(text) <= 64 else None

    def datetime(self) -> datetime:
        return datetime.fromisoformat(self[:26].rstrip("Z") + "+00:00" if len(self) > 27 else self)

    def epoch_seconds(self) -> int:
        return _seconds_until(self[:19])


@lru_cache(maxsize=REMEMBERED)
def _parse(text: str) -> Timestamp | None:
    if len(text) == 24 and text[19] == "." and text[23] == "Z" and text[20:23] in MILLIS and is_second(text[:19]):
        return Timestamp(text)
    match = _ISO.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
        if zone and zone != "Z":
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
            moment += -offset if zone[0] == "+" else offset
    except (ValueError, OverflowError):
        return None
    digits = (fraction or "").rstrip("0")
    # Milliseconds, microseconds or nanoseconds: as many groups of three as needed.
    digits = digits.ljust(max(3, -(-len(digits) // 3) * 3), "0")
    return Timestamp(f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f".{digits}Z")
