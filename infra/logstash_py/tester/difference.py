"""What differs between the documents that were expected and those that came, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..terminal import Paint

MISSING = object()


@dataclass(frozen=True)
class Field:
    """A field that differs; MISSING stands for no such field."""

    name: str
    expected: Any
    actual: Any


@dataclass(frozen=True)
class Difference:
    """What one case got wrong: `fields` of documents (by number, from 1), and `remarks` on all of it."""

    fields: list[tuple[int, Field]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.fields or self.remarks)

    def lines(self, paint: Paint) -> Iterator[str]:
        for remark in self.remarks:
            yield paint(remark, "bold")
        several = len({number for number, _ in self.fields}) > 1
        last = None
        for number, one in self.fields:
            if several and number != last:
                yield f"document {number}"
                last = number
            minus, plus = _shown(one.expected), _shown(one.actual)
            start, end = _common(minus, plus) if MISSING not in (one.expected, one.actual) else (0, 0)
            if one.expected is not MISSING:
                yield _line("-", one.name, minus, start, end, paint, "red")
            if one.actual is not MISSING:
                yield _line("+", one.name, plus, start, end, paint, "green")


def _line(sign: str, name: str, text: str, start: int, end: int, paint: Paint, colour: str) -> str:
    """The part in which two values differ is bold."""
    stop = len(text) - end
    shown = paint(text[:start], colour) + paint(text[start:stop], colour, "bold") + paint(text[stop:], colour)
    return paint(f"{sign} {name}: ", colour) + shown


def _common(one: str, other: str) -> tuple[int, int]:
    """The lengths of the common beginning and of the common end."""
    shorter = min(len(one), len(other))
    start = next((i for i in range(shorter) if one[i] != other[i]), shorter)
    end = next((i for i in range(shorter - start) if one[-1 - i] != other[-1 - i]), shorter - start)
    return start, end


def _shown(value: Any) -> str:
    return "" if value is MISSING else json.dumps(value, ensure_ascii=False)


def same(one: Any, other: Any) -> bool:
    """Equality as JSON has it: 5, 5.0 and true are three values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def compare(expected: list[dict[str, Any]], actual: list[dict[str, Any]]) -> Difference:
    """Compares documents with flat fields. The order of several doesn't matter: Logstash doesn't promise any."""
    left, right = list(enumerate(expected, 1)), list(actual)
    for item in list(left):
        twin = next((index for index, document in enumerate(right) if same(item[1], document)), None)
        if twin is not None:
            left.remove(item)
            del right[twin]
    remarks = []
    if len(expected) != len(actual):
        remarks.append(f"{_count(len(expected))} expected, {_count(len(actual))} came")
    fields = []
    for number in range(max(len(left), len(right))):
        wanted_number, wanted = left[number] if number < len(left) else (len(expected) + number - len(left) + 1, {})
        came = right[number] if number < len(right) else {}
        for name in [*wanted, *(name for name in came if name not in wanted)]:
            one = Field(name, wanted.get(name, MISSING), came.get(name, MISSING))
            if one.expected is MISSING or one.actual is MISSING or not same(one.expected, one.actual):
                fields.append((wanted_number, one))
    return Difference(fields, remarks)


def _count(number: int) -> str:
    return f"{number or 'no'} document{'' if number == 1 else 's'}"
