"""dissect: a text is cut at fixed delimiters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from .. import fieldref
from ..errors import FieldError
from ..event import Event, tag
from ..grok import to_float, to_int
from ..plugin import Filter, Option, array, hash_
from ..text import ruby_text, to_json

_FIELD = re.compile(r"%\{([^}]*)\}")
_PARTS = re.compile(r"([+?&]?)(.*?)(?:/(\d+))?(->)?", re.DOTALL)


class _Field:
    __slots__ = ("kind", "name", "order", "padded")

    def __init__(self, text: str) -> None:
        kind, name, order, padding = _PARTS.fullmatch(text).groups()
        # An unnamed field and one with ? are skipped; ?name is still the name for &name.
        self.kind = kind or ("" if name else "?")
        self.name = name
        self.order = int(order or 0)
        self.padded = padding is not None


class Dissector:
    """One mapping. `cut(text)` gives {field: text}, or None when the delimiters aren't all there."""

    def __init__(self, mapping: str) -> None:
        """Raises ValueError for a mapping without a whole field."""
        pieces = _FIELD.split(mapping)
        self.fields = [_Field(text) for text in pieces[1::2]]
        if not self.fields or "%{" in "".join(pieces[::2]):
            raise ValueError(f"Index -1 out of bounds: the mapping {mapping!r} has an unclosed field or none")
        self.prefix, *self.delimiters = pieces[::2]

    def cut(self, text: str) -> dict[str, str] | None:
        if not text.startswith(self.prefix):
            return None
        position = len(self.prefix)
        values: list[str] = []
        for field, delimiter in zip(self.fields, self.delimiters, strict=True):
            if not delimiter:
                values.append(text[position:])
                position = len(text)
                continue
            end = text.find(delimiter, position)
            if end < 0:
                return None
            values.append(text[position:end])
            position = end + len(delimiter)
            if field.padded:
                while text.startswith(delimiter, position):
                    position += len(delimiter)
        return self._assemble(values)

    def _assemble(self, values: list[str]) -> dict[str, str]:
        result: dict[str, str] = {}
        appended: dict[str, list[tuple[int, int, str, str]]] = {}
        names: dict[str, str] = {}
        for number, (field, value) in enumerate(zip(self.fields, values, strict=True)):
            if field.kind == "?":
                names[field.name] = value
            elif field.kind == "+":
                # Joined by the delimiter that stood before the first of them.
                delimiter = self.delimiters[number - 1] if number else " "
                appended.setdefault(field.name, []).append((field.order, number, delimiter, value))
            elif field.kind == "":
                result[field.name] = value
        for name, parts in appended.items():
            for _, _, delimiter, value in sorted(parts):
                result[name] = f"{result[name]}{delimiter}{value}" if name in result else value
        for field, value in zip(self.fields, values, strict=True):
            if field.kind == "&":
                key = names.get(field.name) or result.get(field.name)
                if key:
                    result[key] = value
        return result


class Dissect(Filter):
    name = "dissect"
    options: ClassVar = {
        "mapping": Option(hash_, {}),
        "convert_datatype": Option(hash_, {}),
        "tag_on_failure": Option(array, ["_dissectfailure"]),
    }

    def register(self) -> None:
        try:
            self.dissectors = [(fieldref.parse(name), Dissector(mapping)) for name, mapping in self.mapping.items()]
        except ValueError as error:
            raise self.refuse("mapping", str(error)) from None
        for kind in self.convert_datatype.values():
            if kind not in ("int", "float"):
                message = f"Dissector datatype conversion, datatype not supported: {kind}"
                raise self.refuse("convert_datatype", message)

    def apply(self) -> Callable[[Event], None]:
        matched = self.matched()
        conversions = [
            (name, fieldref.parse(name), to_int if kind == "int" else to_float)
            for name, kind in self.convert_datatype.items()
        ]

        def dissect(event: Event) -> None:
            success = True
            for path, dissector in self.dissectors:
                if fieldref.includes(event, path):
                    success = self._dissect(event, fieldref.get(event, path), dissector) and success
            for name, path, convert in conversions:
                success = self._convert(event, name, path, convert) and success
            if success and matched:
                matched(event)

        return dissect

    def _fail(self, event: Event) -> bool:
        self.metrics.failures += 1
        for name in self.tag_on_failure:
            tag(event, name)
        return False

    def _dissect(self, event: Event, value: Any, dissector: Dissector) -> bool:
        text = to_json(value) if type(value) in (list, dict) else ruby_text(value)
        values = dissector.cut(text) if text else None
        if values is None:
            return self._fail(event)
        for name, part in values.items():
            fieldref.set_(event, fieldref.parse(name), part)
        return True

    def _convert(self, event: Event, name: str, path: fieldref.Path, convert: Callable[[str], Any]) -> bool:
        value = fieldref.get(event, path)
        if value is None:
            return True
        try:
            number = float(value) if convert is to_float else int(float(value))
        except (TypeError, ValueError):
            tag(event, f"_dataconversionuncoercible_{name}_{self.convert_datatype[name]}")
            return True
        try:
            fieldref.set_(event, path, number)
        except FieldError:
            return self._fail(event)
        return True


plugin = Dissect
