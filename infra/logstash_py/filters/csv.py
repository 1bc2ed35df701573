"""csv: the columns of a text become fields."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any, ClassVar

from .. import fieldref
from ..dates.parse import UTC, iso8601
from ..event import Event, tag
from ..plugin import Filter, Option, array, boolean, field_reference, hash_, string
from ..text import ruby_text


def _date(text: str) -> Any:
    return iso8601(text, UTC) or text


def _number(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    def number(text: str) -> Any:
        try:
            return convert(text)
        except ValueError:
            return text

    return number


_CONVERSIONS: dict[str, Callable[[str], Any]] = {
    "integer": _number(int),
    "float": _number(float),
    "date": _date,
    "date_time": _date,
    "boolean": lambda text: {"true": True, "false": False}.get(text.strip().lower(), text),
}


class Csv(Filter):
    name = "csv"
    options: ClassVar = {
        "source": Option(field_reference, "message"),
        "target": Option(field_reference),
        "columns": Option(array, []),
        "separator": Option(string, ","),
        "quote_char": Option(string, '"'),
        "autogenerate_column_names": Option(boolean, True),
        "autodetect_column_names": Option(boolean, False),
        "skip_header": Option(boolean, False),
        "skip_empty_columns": Option(boolean, False),
        "skip_empty_rows": Option(boolean, False),
        "convert": Option(hash_, {}),
        "tag_on_failure": Option(array, ["_csvparsefailure"]),
    }
    effect = "cancel"

    def register(self) -> None:
        for kind in self.convert.values():
            if kind not in _CONVERSIONS:
                raise self.refuse("convert", f"{kind} is not a valid conversion type")
        if len(self.separator) != 1 or len(self.quote_char) > 1:
            raise self.refuse("separator", "separator and quote_char are one character each")
        self._names: list[str] = [str(name) for name in self.columns]

    def apply(self) -> Callable[[Event], bool]:
        get = fieldref.getter(fieldref.parse(self.source))
        matched = self.matched()

        def parse(event: Event) -> bool:
            value = get(event)
            if value is None:
                return False
            try:
                return self._parse(event, ruby_text(value), matched)
            except (csv.Error, ValueError):
                self.metrics.failures += 1
                for name in self.tag_on_failure:
                    tag(event, name)
                return False

        return parse

    def _parse(self, event: Event, text: str, matched: Callable[[Event], None] | None) -> bool:
        """Whether the event is dropped: a header is."""
        quote = self.quote_char
        row = next(
            csv.reader(
                [text],
                delimiter=self.separator,
                quotechar=quote or None,
                quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
                strict=True,
            ),
            [],
        )
        if not self._names and self.autodetect_column_names:
            self._names = row
            return True
        if self.skip_header and self._names and row == self._names:
            return True
        if self.skip_empty_rows and not any(row):
            tag(event, "_csvskippedemptyfield")
            return False
        for number, value in enumerate(row):
            if self.skip_empty_columns and not value:
                continue
            if number < len(self._names):
                name = self._names[number]
            elif self.autogenerate_column_names:
                name = f"column{number + 1}"
            else:
                continue
            converted = _CONVERSIONS[self.convert[name]](value) if name in self.convert else value
            reference = name if name.startswith("[") else f"[{name}]"
            fieldref.set_(event, fieldref.parse(f"{self._target}{reference}"), converted if value else None)
        if matched:
            matched(event)
        return False

    @property
    def _target(self) -> str:
        if not self.target:
            return ""
        return self.target if self.target.startswith("[") else f"[{self.target}]"


plugin = Csv
