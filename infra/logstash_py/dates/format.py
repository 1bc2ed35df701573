"""Timestamps → text by a pattern, in UTC. Patterns are compiled when a pipeline is; a malformed one raises ValueError
only when used, since Logstash finds it only then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from ..timestamp import Timestamp
from .pattern import tokenize

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Piece = Callable[[datetime], str]
Formatter = Callable[[Timestamp], str]


def _number(value: Callable[[datetime], int], width: int) -> Piece:
    return lambda moment: str(value(moment)).zfill(width)


def _two_digits(value: Callable[[datetime], int]) -> Piece:
    return lambda moment: f"{value(moment) % 100:02d}"


def _fraction(width: int) -> Piece:
    return lambda moment: f"{moment.microsecond:06d}".ljust(width, "0")[:width]


def _fixed(text: str) -> Piece:
    return lambda moment: text


def _month(moment: datetime) -> int:
    return moment.month


def _us_week(moment: datetime) -> tuple[int, int]:
    """(week year, week) as java.time counts in the root locale of Logstash's recordings: Sunday first, January 1st in
    week 1."""
    january = datetime(moment.year, 1, 1)
    week = (moment.timetuple().tm_yday - 1 + (january.weekday() + 1) % 7) // 7 + 1
    next_january = datetime(moment.year + 1, 1, 1) if moment.year < 9999 else january
    if (moment.month, moment.day) >= (12, 26) and (
        (next_january.weekday() + 1) % 7 >= 31 - moment.day + 1 and next_january.weekday() != 6
    ):
        return moment.year + 1, 1
    return moment.year, week


def _joda_piece(letter: str, count: int) -> Piece:
    year = lambda m: m.year  # noqa: E731
    match letter:
        case "Y" | "y":
            return _two_digits(year) if count == 2 else _number(year, count)
        case "x":
            week_year = lambda m: m.isocalendar().year  # noqa: E731
            return _two_digits(week_year) if count == 2 else _number(week_year, count)
        case "C":
            return _number(lambda m: m.year // 100, count)
        case "G":
            return _fixed("AD")
        case "w":
            return _number(lambda m: m.isocalendar().week, count)
        case "e":
            return _number(lambda m: m.isoweekday(), count)
    return _common_piece(letter, count)


def _java_piece(letter: str, count: int) -> Piece:
    year = lambda m: m.year  # noqa: E731
    match letter:
        case "y" | "u":
            return _two_digits(year) if count == 2 else _number(year, count)
        case "Y":
            week_year = lambda m: _us_week(m)[0]  # noqa: E731
            return _two_digits(week_year) if count == 2 else _number(week_year, count)
        case "w" if count <= 2:
            return _number(lambda m: _us_week(m)[1], count)
        case "e" | "c" if count <= 2:
            return _number(lambda m: m.isoweekday() % 7 + 1, count)
        case "G":
            return _fixed("Anno Domini" if count == 4 else "A" if count == 5 else "AD")
        case "Q" | "q" if count <= 2:
            return _number(lambda m: (m.month + 2) // 3, count)
        case "L":
            return _common_piece("M", count)
        case "X":
            return _fixed("Z")
        case "x":
            return _fixed({1: "+00", 2: "+0000", 4: "+0000"}.get(count, "+00:00"))
        case "Z":
            return _fixed({4: "GMT", 5: "Z"}.get(count, "+0000"))
        case "O":
            return _fixed("GMT")
        case "V" if count == 2:
            return _fixed("Z")
        case "z":
            return _fixed("Z")
        case "n":
            return _number(lambda m: m.microsecond * 1000, count)
        case "A":
            return _number(lambda m: (m.hour * 3600 + m.minute * 60 + m.second) * 1000 + m.microsecond // 1000, count)
    return _common_piece(letter, count)


def _common_piece(letter: str, count: int) -> Piece:
    match letter:
        case "M":
            if count >= 4:
                return lambda m: MONTHS[m.month - 1]
            return (lambda m: MONTHS[m.month - 1][:3]) if count == 3 else _number(_month, count)
        case "d":
            return _number(lambda m: m.day, count)
        case "D":
            return _number(lambda m: m.timetuple().tm_yday, count)
        case "E":
            return (lambda m: DAYS[m.weekday()]) if count >= 4 else (lambda m: DAYS[m.weekday()][:3])
        case "a":
            return lambda m: "AM" if m.hour < 12 else "PM"
        case "H":
            return _number(lambda m: m.hour, count)
        case "k":
            return _number(lambda m: m.hour or 24, count)
        case "K":
            return _number(lambda m: m.hour % 12, count)
        case "h":
            return _number(lambda m: m.hour % 12 or 12, count)
        case "m":
            return _number(lambda m: m.minute, count)
        case "s":
            return _number(lambda m: m.second, count)
        case "S":
            return _fraction(count)
        case "z":
            return _fixed("Coordinated Universal Time" if count >= 4 else "UTC")
        case "Z":
            return _fixed({1: "+0000", 2: "+00:00"}.get(count, "UTC"))
    raise ValueError(f"Illegal pattern component: {letter * count}")


@lru_cache(maxsize=1024)
def joda(pattern: str) -> Formatter:
    return _formatter(pattern, _joda_piece)


@lru_cache(maxsize=1024)
def java(pattern: str) -> Formatter:
    if pattern == "TIME_NOW":
        return lambda timestamp: Timestamp.now()
    return _formatter(pattern, _java_piece)


def _formatter(pattern: str, piece: Callable[[str, int], Piece]) -> Formatter:
    try:
        if not pattern:
            raise ValueError("Invalid pattern specification")
        pieces = [piece(text, count) if count else _fixed(text) for text, count in tokenize(pattern)]
    except ValueError as error:
        message = str(error)

        def fail(timestamp: Timestamp) -> str:
            raise ValueError(message)

        return fail

    # The same day, hour or second comes again and again: the last answer is kept.
    last: tuple[str, str] = ("", "")

    def text(timestamp: Timestamp) -> str:
        nonlocal last
        if last[0] != timestamp:
            moment = timestamp.datetime()
            last = (timestamp, "".join([piece(moment) for piece in pieces]))
        return last[1]

    return text
