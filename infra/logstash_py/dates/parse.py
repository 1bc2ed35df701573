"""Text → Timestamp, as Logstash's date filter reads it with Joda-Time: ISO8601, UNIX, UNIX_MS, TAI64N and Joda
patterns.

A parser is a callable (value, zone) → Timestamp or None; `zone` is used where the text names none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ..timestamp import MILLIS, REMEMBERED, Timestamp, is_second, second_of
from .format import DAYS, MONTHS
from .pattern import tokenize

Parser = Callable[[Any, tzinfo], Timestamp | None]

# Joda's default names of zones in text; others are not read.
_ZONE_NAMES = {
    "UT": 0, "UTC": 0, "GMT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5,
    "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "Z": 0,
}  # fmt: skip
_OFFSET = re.compile(r"([+-])(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.\d+)?)?)?", re.ASCII)


@lru_cache(maxsize=512)
def zone(name: str) -> tzinfo:
    """A zone by its id or offset. Raises ValueError."""
    if name in ("UTC", "Z", "GMT"):
        return UTC
    if match := _OFFSET.fullmatch(name):
        return _offset(match)
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"The datetime zone id '{name}' is not recognised") from None


def _offset(match: re.Match[str]) -> tzinfo:
    sign, hours, minutes, seconds = match.groups()
    delta = timedelta(hours=int(hours), minutes=int(minutes or 0), seconds=int(seconds or 0))
    return timezone(-delta if sign == "-" else delta)


def _resolve(moment: datetime, where: tzinfo) -> Timestamp | None:
    """A local time in a zone. In an overlap the first reading counts; a time inside a gap doesn't exist."""
    if where is UTC:
        return Timestamp.from_datetime(moment.replace(tzinfo=UTC))
    try:
        instant = moment.replace(tzinfo=where).astimezone(UTC)
    except OverflowError:
        return None
    if instant.astimezone(where).replace(tzinfo=None) != moment:
        return None
    return Timestamp.from_datetime(instant)


# ISO8601


_ISO = re.compile(
    r"(?P<year>[+-]?\d{4,9}+)(?:-(?:W(?P<week>\d{1,2})(?:-(?P<weekday>\d))?|(?P<yearday>\d{3})"
    r"|(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?))?"
    r"(?:T(?:(?P<hour>\d{1,2})(?:[.,](?P<hourfraction>\d+)|:(?P<minute>\d{1,2})(?:[.,](?P<minutefraction>\d+)"
    r"|:(?P<second>\d{1,2})(?:[.,](?P<fraction>\d+))?)?)?)?(?P<zone>Z|[+-]\d\d(?::?\d\d(?::?\d\d(?:\.\d+)?)?)?)?)?",
    re.ASCII,
).fullmatch


def iso8601(value: Any, where: tzinfo) -> Timestamp | None:
    """ISODateTimeFormat.dateTimeParser(): needs the T before a time, cuts to milliseconds."""
    if not isinstance(value, str):
        return None
    if where is UTC and len(value) == 23 and value[19] == "." and value[20:] in MILLIS and is_second(value[:19]):
        return Timestamp(value + "Z")
    match = _ISO(value)
    if not match:
        return None
    part = match.groupdict()
    try:
        year = int(part["year"])
        if part["week"]:
            day = date.fromisocalendar(year, int(part["week"]), int(part["weekday"] or 1))
        elif part["yearday"]:
            day = date(year, 1, 1) + timedelta(days=int(part["yearday"]) - 1)
            if day.year != year or part["yearday"] == "000":
                return None
        else:
            day = date(year, int(part["month"] or 1), int(part["day"] or 1))
        moment = datetime(day.year, day.month, day.day, int(part["hour"] or 0), int(part["minute"] or 0))
        moment = moment.replace(second=int(part["second"] or 0))
        for name, unit in (("hourfraction", 3600), ("minutefraction", 60), ("fraction", 1)):
            if part[name]:
                moment += timedelta(milliseconds=int(Decimal("0." + part[name]) * unit * 1000))
    except (ValueError, OverflowError):
        return None
    if part["zone"]:
        where = UTC if part["zone"] == "Z" else _offset(_OFFSET.fullmatch(part["zone"]))
    return _resolve(moment, where)


# UNIX

_UNIX = re.compile(r"-?\d{1,10}(?:\.\d+)?", re.ASCII).fullmatch


def unix(value: Any, where: tzinfo) -> Timestamp | None:
    """Seconds since 1970 as a number or a text, with an optional fraction; a text has at most ten digits before the
    point."""
    if isinstance(value, str):
        if len(value) == 14 and value[10] == "." and value[11:] in MILLIS and (second := second_of(value[:10])):
            return Timestamp(f"{second}{value[10:]}Z")
        if not _UNIX(value):
            return None
    elif type(value) not in (int, float):
        return None
    return _from_millis(value, 1000)


def unix_ms(value: Any, where: tzinfo) -> Timestamp | None:
    if isinstance(value, str):
        if not re.fullmatch(r"-?\d+", value, re.ASCII):
            return None
    elif type(value) not in (int, float):
        return None
    return _from_millis(value, 1)


def _from_millis(value: Any, unit: int) -> Timestamp | None:
    try:
        return Timestamp.from_millis(int(Decimal(str(value)) * unit))
    except (OverflowError, InvalidOperation, ValueError):
        return None


def tai64n(value: Any, where: tzinfo) -> Timestamp | None:
    """@ and 24 hexadecimal digits: seconds from 2**62 (TAI, ten seconds ahead of UTC), then nanoseconds."""
    if not isinstance(value, str):
        return None
    match = re.fullmatch(r"@?([0-9a-fA-F]{16})([0-9a-fA-F]{8})", value)
    if not match:
        return None
    seconds = int(match[1], 16) - (1 << 62) - 10
    return _from_millis(seconds * 1000 + int(match[2], 16) // 1_000_000, 1)


# Joda patterns

_NUMERIC = frozenset("YyxCweDdHkKhmsS")


def joda(pattern: str) -> Parser:
    """Raises ValueError for letters that are no part of a pattern."""
    tokens = tokenize(pattern)
    expression: list[str] = []
    readers: list[Callable[[_Fields, str], None]] = []
    for position, (text, count) in enumerate(tokens):
        if count == 0:
            expression.append(re.escape(text))
            continue
        following = tokens[position + 1] if position + 1 < len(tokens) else ("", 0)
        tight = following[1] > 0 and (following[0] in _NUMERIC or (following[0] == "M" and following[1] <= 2))
        piece, reader = _element(text, count, tight)
        expression.append(f"({piece})")
        readers.append(reader)
    match = re.compile("".join(expression), re.ASCII | re.IGNORECASE).fullmatch
    has_year = any(letter in "YyxC" for letter, count in tokens if count)

    # Of one second come many events. A text that names no year is read by the clock, and so each time anew.
    @lru_cache(maxsize=REMEMBERED if has_year else 0)
    def read(text: str, where: tzinfo) -> Timestamp | None:
        found = match(text)
        if not found:
            return None
        fields = _Fields()
        try:
            for reader, text in zip(readers, found.groups(), strict=True):
                reader(fields, text)
            moment = fields.datetime(None if has_year else datetime.now(UTC))
        except (ValueError, OverflowError, KeyError):
            return None
        return _resolve(moment, fields.zone or where)

    def parse(value: Any, where: tzinfo) -> Timestamp | None:
        if not isinstance(value, str):
            return None
        # What is remembered is bounded.
        return (read if len(value) <= 64 else read.__wrapped__)(value, where)

    return parse


class _Fields:
    """What the elements of a pattern have read. Without a year the current one is guessed."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.zone: tzinfo | None = None

    def datetime(self, now: datetime | None) -> datetime:
        value = self.values
        year = value.get("year", 1970)
        month = value.get("month", 1)
        if now:
            # Around the turn of the year, December's lines are last year's and January's are next year's.
            year = now.year + (month == 1 and now.month == 12) - (month == 12 and now.month == 1)
        if "weekyear" in value or "week" in value:
            day = date.fromisocalendar(value.get("weekyear", year), value.get("week", 1), value.get("weekday", 1))
        elif "yearday" in value and "month" not in value:
            day = date(year, 1, 1) + timedelta(days=value["yearday"] - 1)
            if day.year != year or value["yearday"] < 1:
                raise ValueError("day of year")
        else:
            day = date(year, month, value.get("day", 1))
            if "weekday" in value:
                # A wrong name moves the date within its week.
                day += timedelta(days=value["weekday"] - day.isoweekday())
        hour = value.get("hour", 0)
        if "halfday_hour" in value:
            hour = value["halfday_hour"] + 12 * value.get("halfday", 0)
        elif "halfday" in value:
            hour = hour % 12 + 12 * value["halfday"]
        moment = datetime(day.year, day.month, day.day, hour, value.get("minute", 0), value.get("second", 0))
        return moment + timedelta(milliseconds=value.get("millis", 0))


def _store(key: str, low: int, high: int) -> Callable[[_Fields, str], None]:
    def read(fields: _Fields, text: str) -> None:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(key)
        fields.values[key] = value

    return read


def _element(letter: str, count: int, tight: bool) -> tuple[str, Callable[[_Fields, str], None]]:
    """The expression and the reader of one token. `tight`: digits follow, so no more are taken than the pattern has
    letters."""

    def digits(most: int) -> str:
        return rf"\d{{1,{count if tight else max(most, count)}}}"

    match letter:
        case "Y" | "y" | "x":
            key = "weekyear" if letter == "x" else "year"
            if count == 2:
                return (r"\d\d" if tight else r"[+-]?\d{1,9}"), _two_digit_year(key)
            return (rf"[+-]?\d{{1,{count}}}" if tight else r"[+-]?\d{1,9}"), _store(key, 1, 9999)
        case "M" if count >= 3:
            return _names(MONTHS, "month")
        case "M":
            return digits(2), _store("month", 1, 12)
        case "E":
            return _names(DAYS, "weekday")
        case "d":
            return digits(2), _store("day", 1, 31)
        case "D":
            return digits(3), _store("yearday", 1, 366)
        case "w":
            return digits(2), _store("week", 1, 53)
        case "e":
            return digits(1), _store("weekday", 1, 7)
        case "H":
            return digits(2), _store("hour", 0, 23)
        case "k":
            store = _store("hour", 1, 24)

            def clock_hour(fields: _Fields, text: str) -> None:
                store(fields, text)
                fields.values["hour"] %= 24

            return digits(2), clock_hour
        case "K":
            return digits(2), _store("halfday_hour", 0, 11)
        case "h":
            store_half = _store("halfday_hour", 1, 12)

            def clock_half(fields: _Fields, text: str) -> None:
                store_half(fields, text)
                fields.values["halfday_hour"] %= 12

            return digits(2), clock_half
        case "m":
            return digits(2), _store("minute", 0, 59)
        case "s":
            return digits(2), _store("second", 0, 59)
        case "S":

            def fraction(fields: _Fields, text: str) -> None:
                fields.values["millis"] = int(text.ljust(3, "0")[:3])

            return rf"\d{{1,{count}}}", fraction
        case "a":

            def half(fields: _Fields, text: str) -> None:
                fields.values["halfday"] = int(text.upper() == "PM")

            return "AM|PM", half
        case "Z" if count <= 2:

            def offset(fields: _Fields, text: str) -> None:
                fields.zone = UTC if text in "Zz" else _offset(_OFFSET.fullmatch(text))

            return r"Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?", offset
        case "Z":

            def zone_id(fields: _Fields, text: str) -> None:
                fields.zone = zone(text)

            return r"[A-Za-z0-9_+/:-]+", zone_id
        case "z":

            def zone_name(fields: _Fields, text: str) -> None:
                fields.zone = timezone(timedelta(hours=_ZONE_NAMES[text.upper()]))

            return "|".join(_ZONE_NAMES), zone_name
        case "G":
            return "AD|BC", lambda fields, text: None
        case "C":
            return digits(9), lambda fields, text: None
    raise ValueError(f"Illegal pattern component: {letter * count}")


def _two_digit_year(key: str) -> Callable[[_Fields, str], None]:
    """Two digits lie within 50 years of the pivot that Joda takes, 30 years ago; any other number is the year
    itself."""

    def read(fields: _Fields, text: str) -> None:
        year = int(text)
        if len(text) == 2:
            pivot = datetime.now(UTC).year - 30
            low = pivot - 50
            year = low + (year - low) % 100
        fields.values[key] = year

    return read


def _names(names: tuple[str, ...], key: str) -> tuple[str, Callable[[_Fields, str], None]]:
    known = {name.lower(): number for number, name in enumerate(names, 1)}
    known |= {name[:3].lower(): number for number, name in enumerate(names, 1)}
    known |= {"sept": 9} if key == "month" else {}

    def read(fields: _Fields, text: str) -> None:
        fields.values[key] = known[text.lower()]

    return "|".join(sorted(known, key=len, reverse=True)), read


FORMATS: dict[str, Parser] = {"ISO8601": iso8601, "UNIX": unix, "UNIX_MS": unix_ms, "TAI64N": tai64n}


def parser(format_: str) -> Parser:
    """Raises ValueError for an illegal pattern."""
    return FORMATS.get(format_) or joda(format_)
