"""mutate: changes of fields, in Logstash's own order whatever the order they are written in."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from .. import analysis, regex, sprintf
from ..code import Code
from ..event import Event, clone, tag
from ..grok import to_float, to_int
from ..plugin import Inlined, Option, array, hash_, string
from ..text import inspect, ruby_text
from ..timestamp import Timestamp

logger = logging.getLogger(__name__)

_TRUE = re.compile(r"^(true|t|yes|y|1|1.0)$", re.IGNORECASE | re.MULTILINE)
_FALSE = re.compile(r"^(false|f|no|n|0|0.0)$", re.IGNORECASE | re.MULTILINE)
# What Ruby's strip takes off.
_BLANK = "\0\t\n\v\f\r "
_BLANKS = re.compile(r"[\t\n\v\f\r ]+")
_EU = str.maketrans(",.", ".,")


class _MutateError(ValueError):
    pass


def _plain(value: Any) -> Any:
    return value.strip(_BLANK).replace(",", "") if isinstance(value, str) else value


def _integer(value: Any) -> int:
    if type(value) is str and value.isdecimal() and value.isascii():
        return int(value)
    if type(value) is Timestamp:
        return value.epoch_seconds()
    value = _plain(value)
    if isinstance(value, str):
        return to_int(value)
    if isinstance(value, (bool, int, float)):
        return int(value)
    raise _MutateError(f"{value!r} can't be an integer")


def _float(value: Any) -> float:
    if type(value) is str and value.isascii() and value.replace(".", "", 1).isdecimal():
        return float(value)
    if type(value) is Timestamp:
        return value.datetime().timestamp()
    value = _plain(value)
    if isinstance(value, str):
        return to_float(value)
    if isinstance(value, (bool, int, float)):
        return float(value)
    raise _MutateError(f"{value!r} can't be a float")


def _boolean(value: Any) -> Any:
    text = ruby_text(value)
    if _TRUE.search(text):
        return True
    if not text or _FALSE.search(text):
        return False
    logger.warning("mutate: %r can't be made a boolean and stays as it is", value)
    return value


def _integer_eu(value: Any) -> int:
    return _integer(value.translate(_EU) if isinstance(value, str) else value)


def _float_eu(value: Any) -> float:
    return _float(value.translate(_EU) if isinstance(value, str) else value)


# Each with the type of the values that it leaves as they are.
_CONVERSIONS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "string": (ruby_text, "str"),
    "integer": (_integer, "int"),
    "float": (_float, "float"),
    "boolean": (_boolean, "bool"),
    "integer_eu": (_integer_eu, "int"),
    "float_eu": (_float_eu, "float"),
}


def split_like_ruby(text: str, separator: str, *, all_parts: bool = False) -> list[str]:
    """String#split: one space stands for any ASCII blanks, empty texts at the end are left out unless `all_parts`."""
    if not text:
        return []
    if separator == " ":
        parts = _BLANKS.split(text)
        del parts[: parts[0] == ""]
    else:
        parts = [*text, ""] if separator == "" else text.split(separator)
    while not all_parts and parts and parts[-1] == "":
        parts.pop()
    return parts


class Mutate(Inlined):
    name = "mutate"
    light = True
    options: ClassVar = {
        "coerce": Option(hash_, {}),
        "rename": Option(hash_, {}),
        "update": Option(hash_, {}),
        "replace": Option(hash_, {}),
        "convert": Option(hash_, {}),
        "gsub": Option(array, []),
        "uppercase": Option(array, []),
        "capitalize": Option(array, []),
        "lowercase": Option(array, []),
        "strip": Option(array, []),
        "split": Option(hash_, {}),
        "join": Option(hash_, {}),
        "merge": Option(hash_, {}),
        "copy": Option(hash_, {}),
        "tag_on_failure": Option(string, "_mutate_error"),
    }

    def register(self) -> None:
        for kind in self.convert.values():
            if kind not in _CONVERSIONS:
                known = ",".join(("string", "integer", "float", "boolean", "integer_eu", "float_eu"))
                raise self.refuse("convert", f"Invalid conversion type '{kind}', expected one of '{known}'")
        if len(self.gsub) % 3:
            message = f"Invalid gsub configuration {self.gsub}. gsub requires 3 non-nil elements per config entry"
            raise self.refuse("gsub", message)
        try:
            self._gsubs = [_Gsub(*self.gsub[at : at + 3]) for at in range(0, len(self.gsub), 3)]
        except ValueError as error:
            raise self.refuse("gsub", str(error)) from None

    def emit(self, code: Code) -> None:
        with code.block("try:"):
            self._emit_steps(code)
            self.emit_matched(code)
        with code.block("except ValueError as error:"):
            code.line(f"{code.bind(self._fail)}(event, error)")

    def _fail(self, event: Event, error: ValueError) -> None:
        self.metrics.failures += 1
        logger.warning("mutate %s: %s", self.id, error)
        tag(event, self.tag_on_failure)

    def _emit_steps(self, code: Code) -> None:
        for field, default in self.coerce.items():
            _coerce(code, field, default)
        for old, new in self.rename.items():
            _rename(code, old, new)
        for field, value in self.update.items():
            _update(code, field, value)
        for field, value in self.replace.items():
            code.exact_field(field).set(code.text(value))
        for field, kind in self.convert.items():
            _convert(code, field, *_CONVERSIONS[kind])
        for gsub in self._gsubs:
            gsub.emit(code)
        for fields, change in (
            (self.uppercase, "upper()"),
            (self.capitalize, "capitalize()"),
            (self.lowercase, "lower()"),
        ):
            for field in fields:
                _change_text(code, field, lambda text, change=change: f"{text}.{change}")
        for field in self.strip:
            _strip(code, field)
        for field, separator in self.split.items():
            _split(code, field, separator)
        for field, separator in self.join.items():
            _join(code, field, separator)
        for field, sources in self.merge.items():
            _merge(code, field, array(sources))
        for source, destination in self.copy.items():
            _copy(code, source, destination)


def _coerce(code: Code, reference: str, default: Any) -> None:
    field = code.exact_field(reference)
    with code.block(f"if {field.get()} is None and {field.includes()}:"):
        field.set(code.text(default))


def _rename(code: Code, old: str, new: Any) -> None:
    # Both names are read before anything moves.
    source, new = code.field(old), ruby_text(new)
    name = None if sprintf.is_constant(new) else code.local(code.text(new))
    with code.block(f"if {source.includes()}:"):
        value = code.local(source.take())
        (code.named(name) if name else code.field(new)).set(value)


def _update(code: Code, reference: str, value: Any) -> None:
    field = code.exact_field(reference)
    with code.block(f"if {field.includes()}:"):
        field.set(code.text(value))


def _convert(code: Code, reference: str, convert: Callable[[Any], Any], same: str) -> None:
    """A value, or each element of an array; objects and null stay."""
    field, value, function = code.exact_field(reference), code.fresh(), code.bind(convert)
    with code.block(f"if ({value} := {field.get()}) is not None and type({value}) is not {same}:"):
        with code.block(f"if type({value}) is list:"):
            field.set(f"{code.bind(_converted)}({value}, {function})")
        with code.block(f"elif type({value}) is not dict:"):
            field.set(f"{function}({value})")


def _converted(items: list[Any], convert: Callable[[Any], Any]) -> list[Any]:
    return [None if item is None else convert(item) for item in items]


def _change_text(code: Code, reference: str, change: Callable[[str], str]) -> None:
    """A text, or each text in an array; anything else stays. `change` gives an expression for an expression."""
    field, value = code.exact_field(reference), code.fresh()
    with code.block(f"if type({value} := {field.get()}) is str:"):
        field.set(change(value))
    with code.block(f"elif type({value}) is list:"):
        field.set(f"{code.bind(_changed)}({value}, lambda text: {change('text')})")


def _strip(code: Code, reference: str) -> None:
    """A text, or an array of nothing but texts."""
    field, value = code.exact_field(reference), code.fresh()
    with code.block(f"if type({value} := {field.get()}) is str:"):
        field.set(f"{value}.strip({_BLANK!r})")
    with code.block(f"elif type({value}) is list:"):
        field.set(f"{code.bind(_stripped)}({value})")


def _stripped(items: list[Any]) -> list[str]:
    for item in items:
        if not isinstance(item, str):
            raise _MutateError(f"undefined method `strip' for {inspect(item)}")
    return [item.strip(_BLANK) for item in items]


def _changed(items: list[Any], change: Callable[[str], str]) -> list[Any]:
    return [change(item) if isinstance(item, str) else item for item in items]


class _Gsub:
    """Pattern and replacement may hold sprintf; constant ones are compiled now. Raises ValueError for a bad pattern."""

    def __init__(self, field: str, needle: Any, replacement: Any) -> None:
        self.field, self.needle, self.replacement = field, ruby_text(needle), ruby_text(replacement)
        self.compiled = None if "%{" in self.needle else regex.compile(self.needle)

    def emit(self, code: Code) -> None:
        replacement = code.text(self.replacement)
        if self.compiled is None:
            sub = code.local(f"{code.bind(_substitution)}({code.text(self.needle)}, {replacement})")
        elif not sprintf.is_constant(self.replacement):
            sub = code.local(f"{code.bind(_substitution)}({code.bind(self.compiled)}, {replacement})")
        else:
            literal = analysis.only_text(self.compiled.pattern)
            if literal and "\\" not in self.replacement:
                _change_text(code, self.field, lambda text: f"{text}.replace({literal!r}, {replacement})")
                return
            sub = code.bind(partial(self.compiled.pattern.sub, regex.replacement(self.compiled, self.replacement)))
        _change_text(code, self.field, lambda text: f"{sub}({text})")


def _substitution(needle: str | regex.Regex, replacement: str) -> Callable[[str], str]:
    compiled = regex.compile(needle) if isinstance(needle, str) else needle
    return partial(compiled.pattern.sub, regex.replacement(compiled, replacement))


def _split(code: Code, reference: str, separator: Any) -> None:
    field, value = code.exact_field(reference), code.fresh()
    with code.block(f"if isinstance({value} := {field.get()}, str):"):
        field.set(f"{code.bind(split_like_ruby)}({value}, {_separator(code, separator)})")


def _separator(code: Code, separator: Any) -> str:
    """An expression for a separator. What is no text raises ValueError when an event comes that would need it."""
    return repr(separator) if isinstance(separator, str) else f"{code.bind(_no_separator)}({separator!r})"


def _no_separator(value: Any) -> str:
    raise _MutateError(f"wrong argument type of the separator {inspect(value)} (expected a text)")


def _flat(items: list[Any]) -> list[str]:
    return [text for item in items for text in (_flat(item) if type(item) is list else [ruby_text(item)])]


def _join(code: Code, reference: str, separator: Any) -> None:
    field, value = code.exact_field(reference), code.fresh()
    with code.block(f"if type({value} := {field.get()}) is list:"):
        field.set(f"{_separator(code, separator)}.join({code.bind(_flat)}({value}))")


def _merge(code: Code, reference: str, sources: list[str]) -> None:
    """What several are added to is what the field held before: only an array or an object grows with each of them."""
    field = code.exact_field(reference)
    old, last = code.local(field.get()), len(sources) - 1
    for number, added in enumerate(sources):
        new = code.local(code.exact_field(added).get())
        with code.block(f"if (type({old}) is dict) != (type({new}) is dict):"):
            message = "mutate: an array and an object can't be merged: %s, %s"
            code.line(f"{code.bind(logger.error)}({message!r}, {reference!r}, {added!r})")
        with code.block("else:"):
            value = code.local(f"{code.bind(_merged)}({old}, {new})")
            field.set(value)
            if number < last:
                with code.block(f"if type({old}) in (dict, list):"):
                    code.line(f"{old} = {value}")


def _merged(old: Any, new: Any) -> Any:
    def as_list(value: Any) -> list[Any]:
        return [] if value is None else value if type(value) is list else [value]

    return old | new if type(old) is dict else [*as_list(old), *as_list(new)]


def _copy(code: Code, source: str, destination: str) -> None:
    value = code.local(code.exact_field(source).get())
    with code.block(f"if {value} is not None:"):
        code.exact_field(destination).set(f"{code.bind(clone)}({value}) if type({value}) in (dict, list) else {value}")


plugin = Mutate
