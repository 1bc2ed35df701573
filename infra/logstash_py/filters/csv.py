"""csv: the columns of a text become fields.

A text is read as Ruby's CSV library reads one line: strictly (a quote within an unquoted column is an error), an empty
column is null, a quoted empty one an empty text.
"""

from __future__ import annotations

import re
from calendar import month_abbr
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from .. import fieldref
from ..event import Event, tag
from ..plugin import Filter, Option, array, boolean, hash_, string
from ..timestamp import Timestamp

_MONTHS = {name.lower(): number for number, name in enumerate(month_abbr) if name}
_INTEGER = re.compile(r"\s*([+-]?)(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+|[1-9][0-9_]*|0)\s*", re.ASCII)
_FLOAT = re.compile(r"\s*[+-]?(?:\d+(?:_\d+)*)?(?:\.\d+(?:_\d+)*)?(?:[eE][+-]?\d+)?\s*", re.ASCII)
_DATE = re.compile(r"(?:(?:\w+,?\s+)?(?P<month>[A-Za-z]+)\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})|\d{4}-\d\d-\d\d)")
_DATE_TIME = re.compile(
    r"(?:(?:\w+,?\s+)?(?P<month>[A-Za-z]+)\s+(?P<day>\d{1,2})\s+(?P<time>\d{1,2}:\d{1,2}:\d{1,2}),?\s+(?P<year>\d{4})"
    r"|\d{4}-\d\d-\d\d[T\s]\d\d:\d\d(?::\d\d(?:\.\d+)?(?:[+-]\d\d(?::?\d\d)?|Z|\sUTC)?)?)"
)


class CsvError(ValueError):
    pass


def parse_line(text: str, separator: str, quote: str) -> list[str | None] | None:
    """The columns of the first line; None for an empty text. Raises CsvError."""
    if not separator or len(quote) != 1:
        raise CsvError("separator and quote_char can't be empty, and quote_char is one character")
    if not text:
        return None
    line_end = next((end for end in ("\r\n", "\n", "\r") if end in text), "\n")
    if text.startswith(line_end):
        return []
    columns: list[str | None] = []
    at = 0
    while True:
        if text.startswith(quote, at):
            column, at = _quoted(text, at, quote)
        else:
            ends = [end for end in (text.find(separator, at), text.find(line_end, at)) if end >= 0]
            end = min(ends, default=len(text))
            column, at = text[at:end] or None, end
            if column and quote in column:
                raise CsvError("Illegal quoting")
            if column and ("\n" in column or "\r" in column):
                raise CsvError("Unquoted fields do not allow new line")
        columns.append(column)
        if not text.startswith(separator, at):
            break
        at += len(separator)
    if at < len(text) and not text.startswith(line_end, at):
        raise CsvError("Any value after quoted field isn't allowed")
    return columns


def _quoted(text: str, at: int, quote: str) -> tuple[str, int]:
    """A quoted column and where it ends."""
    parts = []
    while True:
        end = text.find(quote, at + 1)
        if end < 0:
            raise CsvError("Unclosed quoted field")
        parts.append(text[at + 1 : end])
        if not text.startswith(quote, end + 1):
            return quote.join(parts), end + 1
        at = end + 1


def _integer(text: str | None) -> Any:
    """As Ruby's Integer(): 0x1f, 017 and 1_000 are numbers."""
    match = _INTEGER.fullmatch(text or "")
    if not match or "__" in match[2] or match[2].endswith("_"):
        return text
    digits = match[2].lower()
    octal = len(digits) > 1 and digits[0] == "0" and digits[1] not in "xbo"
    return int(match[1] + (f"0o{digits[1:]}" if octal else digits), 0)


def _float(text: str | None) -> Any:
    if not text or not _FLOAT.fullmatch(text) or not re.search(r"\d", text.split("e")[0].split("E")[0]):
        return text
    number = float(text.replace("_", ""))
    return number if abs(number) != float("inf") else text


def _date(pattern: re.Pattern[str]) -> Callable[[str | None], Any]:
    """A time in UTC, or the text."""

    def date(text: str | None) -> Any:
        match = pattern.fullmatch(text or "")
        if not match:
            return text
        try:
            if match["month"]:
                month = _MONTHS[match["month"][:3].lower()]
                hour, minute, second = map(int, match.groupdict().get("time", "0:0:0").split(":"))
                moment = datetime(int(match["year"]), month, int(match["day"]), hour, minute, second)
            else:
                moment = datetime.fromisoformat(re.sub(r"\sUTC$", "Z", text))
        except (ValueError, KeyError):
            return text
        return Timestamp.from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))

    return date


def _boolean(text: str | None) -> Any:
    """Raises CsvError for an empty column. What is neither true nor false is stripped and in small letters after it."""
    if text is None:
        raise CsvError("undefined method `strip' for nil:NilClass")
    text = text.strip().lower()
    return {"true": True, "false": False}.get(text, text)


_CONVERSIONS: dict[str, Callable[[str | None], Any]] = {
    "integer": _integer,
    "float": _float,
    "date": _date(_DATE),
    "date_time": _date(_DATE_TIME),
    "boolean": _boolean,
}


class Csv(Filter):
    name = "csv"
    options: ClassVar = {
        "source": Option(string, "message"),
        "target": Option(string),
        "columns": Option(array, []),
        "separator": Option(string, ","),
        "quote_char": Option(string, '"'),
        "autogenerate_column_names": Option(boolean, True),
        "autodetect_column_names": Option(boolean, False),
        "skip_header": Option(boolean, False),
        "skip_empty_columns": Option(boolean, False),
        "skip_empty_rows": Option(boolean, False),
        "convert": Option(hash_, {}),
    }
    effect = "cancel"

    def register(self) -> None:
        wrong = [str(kind) for kind in self.convert.values() if kind not in _CONVERSIONS]
        if wrong:
            raise self.refuse("convert", f"Invalid conversion types: {', '.join(wrong)}")
        self._names: list[str | None] = [str(name) for name in self.columns]
        self._quote = "\0" if self.quote_char == r"\x00" else self.quote_char

    def apply(self) -> Callable[[Event], bool]:
        get = fieldref.getter(fieldref.parse(self.source))
        matched = self.matched()

        def parse(event: Event) -> bool:
            value = get(event)
            if value is None or value is False:
                return False
            try:
                if type(value) is not str:
                    raise CsvError("no text")
                return self._parse(event, value, matched)
            except ValueError:
                self.metrics.failures += 1
                tag(event, "_csvparsefailure")
                return False

        return parse

    def _parse(self, event: Event, text: str, matched: Callable[[Event], None] | None) -> bool:
        """Whether the event is dropped: a header is."""
        row = parse_line(text, self.separator, self._quote)
        if self.autodetect_column_names and not self._names:
            self._names = row or []
            return True
        if self.skip_header and self._names and row == self._names:
            return True
        if not row and self.skip_empty_rows:
            tag(event, "_csvskippedemptyfield")
            return False
        if row is None:
            raise CsvError("an empty text has no line")
        for number, value in enumerate(row):
            if self.skip_empty_columns and not value:
                continue
            name = self._names[number] if number < len(self._names) else None
            if name is None:
                if not self.autogenerate_column_names:
                    continue
                name = f"column{number + 1}"
            converted = _CONVERSIONS[self.convert[name]](value) if name in self.convert else value
            fieldref.set_(event, fieldref.parse(self._target + _bracketed(name)), converted)
        if matched:
            matched(event)
        return False

    @property
    def _target(self) -> str:
        return _bracketed(self.target) if self.target else ""


def _bracketed(name: str) -> str:
    return name if name.startswith("[") and name.endswith("]") else f"[{name}]"


plugin = Csv
