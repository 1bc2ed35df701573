"""dissect: a text is cut at fixed delimiters.

The steps, and what odd texts give, are those of logstash-filter-dissect's Dissector: a text that begins with the
delimiter after the first field leaves all fields empty but the last, which gets the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

from .. import fieldref
from ..event import Event, tag
from ..plugin import Filter, Option, array, hash_
from ..text import ruby_text, to_json, to_text

_FIELD = re.compile(r"(.*?)%\{([^}]*?)\}", re.DOTALL)
_SUFFIX = re.compile(r"(.*?)((?:/\d{1,2}|->)*)", re.DOTALL)
# What Java's BigDecimal reads; of more digits there is no number in JSON for all readers.
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_MAX_DIGITS = 300
_NORMAL, _APPEND, _INDIRECT = 1, 100, 1000


class _Field:
    """`%{name}`, `%{+name/2}`, `%{&name}`, `%{?name}`, each with `->` for a delimiter that may be repeated."""

    def __init__(self, text: str, before: str) -> None:
        """`before` is the delimiter before it. Raises ValueError."""
        if text[:2] in ("+&", "&+"):
            message = f"Field cannot prefix with both Append and Indirect Prefix ({text[:2]}): {text}"
            raise ValueError(message)
        self.kind = text[:1] if text[:1] in ("+", "&", "?") else ""
        self.name, suffix = _SUFFIX.fullmatch(text[len(self.kind) :]).groups()
        if not self.name:
            if self.kind in ("+", "&"):
                raise ValueError("Field cannot be a prefix on its own without further text")
            self.kind = "?"
        order = re.search(r"/(\d+)", suffix)
        ordinal = {"": _NORMAL, "+": _APPEND, "&": _INDIRECT}.get(self.kind, 0)
        self.order = ordinal + (int(order[1]) if order and self.kind == "+" else 0)
        self.repeated = "->" in suffix
        self.joint = before or " "
        # A name that is no reference breaks the event, not the start.
        self.parse = lambda: fieldref.parse(self.name)


class Dissector:
    """One mapping."""

    def __init__(self, mapping: str) -> None:
        """Raises ValueError for a mapping without a whole field, or one that is no field."""
        pieces = _FIELD.findall(mapping)
        if not pieces:
            raise ValueError(f"Index -1 out of bounds for length 1: the mapping {mapping!r} has no whole field")
        self.prefix = pieces[0][0]
        # What stands after the last field is a delimiter too, and what comes after that is skipped.
        after = mapping[mapping.rindex("}") + 1 :]
        if after:
            pieces.append((after, "?"))
        self.delimiters = [delimiter for delimiter, _ in pieces[1:]]
        self.fields = [_Field(text, before) for before, text in pieces]
        self._in_order = sorted(
            (number for number, field in enumerate(self.fields) if field.kind != "?"),
            key=lambda number: self.fields[number].order,
        )

    def cut(self, text: str) -> list[str] | None:
        """The texts of the fields, in their order; None when the delimiters aren't all there."""
        if not text.startswith(self.prefix):
            return None
        left = len(self.prefix)
        values = []
        for field, delimiter in zip(self.fields, self.delimiters, strict=False):
            end = text.find(delimiter, left)
            if end < 0:
                return None
            values.append(text[left:end])
            if end > 0:
                left = end + len(delimiter)
                if field.repeated and delimiter:
                    while text.startswith(delimiter, left):
                        left += len(delimiter)
        return [*values, text[left:]]

    def put(self, event: Event, values: list[str]) -> None:
        """Fields first, then what is appended to them, then what they name."""
        for number in self._in_order:
            field, value = self.fields[number], values[number]
            path = field.parse()
            if field.kind == "+" and fieldref.includes(event, path):
                value = f"{to_text(fieldref.get(event, path))}{field.joint}{value}"
            elif field.kind == "&":
                name = self._named(event, path, field, values)
                if not name:
                    continue
                path = fieldref.parse(name)
            fieldref.set_(event, path, value)

    def _named(self, event: Event, path: fieldref.Path, this: _Field, values: list[str]) -> str:
        if fieldref.includes(event, path):
            return to_text(fieldref.get(event, path))
        pairs = zip(self.fields, values, strict=True)
        return next((value for field, value in pairs if field is not this and field.name == this.name), "")


class Dissect(Filter):
    name = "dissect"
    options: ClassVar = {
        "mapping": Option(hash_, {}),
        "convert_datatype": Option(hash_, {}),
        "tag_on_failure": Option(array, ["_dissectfailure"]),
    }

    def register(self) -> None:
        try:
            # An empty mapping is passed over.
            pairs = [(fieldref.parse(name), ruby_text(mapping)) for name, mapping in self.mapping.items()]
            self.dissectors = [(path, Dissector(mapping)) for path, mapping in pairs if mapping]
        except ValueError as error:
            raise self.refuse("mapping", str(error)) from None
        for kind in self.convert_datatype.values():
            if str(kind).lower() not in ("int", "float"):
                message = f"Dissector datatype conversion, datatype not supported: {kind}"
                raise self.refuse("convert_datatype", message)

    def apply(self) -> Callable[[Event], None]:
        matched = self.matched()
        conversions = [(name, fieldref.parse(name), str(kind)) for name, kind in self.convert_datatype.items()]

        def dissect(event: Event) -> None:
            try:
                for path, dissector in self.dissectors:
                    if not fieldref.includes(event, path):
                        self.metrics.failures += 1
                        continue
                    values = self._values(fieldref.get(event, path), dissector)
                    if values is None:
                        self._fail(event)
                        continue
                    dissector.put(event, values)
                    self.metrics.matches += 1
                    if matched:
                        matched(event)
                for name, path, kind in conversions:
                    _convert(event, name, path, kind)
            except ValueError:
                self._fail(event)

        return dissect

    @staticmethod
    def _values(value: Any, dissector: Dissector) -> list[str] | None:
        text = to_json(value) if type(value) in (list, dict) else ruby_text(value)
        return dissector.cut(text) if text else None

    def _fail(self, event: Event) -> None:
        self.metrics.failures += 1
        for name in self.tag_on_failure:
            tag(event, name)


def _convert(event: Event, name: str, path: fieldref.Path, kind: str) -> None:
    value = fieldref.get(event, path)
    if value is None:
        tag(event, f"_dataconversionnullvalue_{name}_{kind}")
        return
    text = to_text(value)
    if not _DECIMAL.fullmatch(text) or abs(Decimal(text).adjusted()) > _MAX_DIGITS:
        tag(event, f"_dataconversionuncoercible_{name}_{kind}")
        return
    # A decimal without a point stays one.
    whole = kind.lower() == "int" or not re.search(r"[.eE]", text)
    fieldref.set_(event, path, int(Decimal(text)) if whole else float(text))


plugin = Dissect
