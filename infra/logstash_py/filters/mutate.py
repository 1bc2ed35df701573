"""mutate: changes of fields, in Logstash's own order whatever the order they are written in."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any, ClassVar

from .. import fieldref, regex, sprintf
from ..errors import FieldError, InvalidReference
from ..event import Event, clone, tag
from ..grok import to_float, to_int
from ..plugin import Filter, Option, array, hash_, string, target
from ..text import ruby_text

logger = logging.getLogger(__name__)

Step = Callable[[Event], Any]

_TRUE = re.compile(r"^(true|t|yes|y|1|1.0)$", re.IGNORECASE | re.MULTILINE)
_FALSE = re.compile(r"^(false|f|no|n|0|0.0)$", re.IGNORECASE | re.MULTILINE)
# What Ruby's strip takes off.
_BLANK = "\0\t\n\v\f\r "
_EU = str.maketrans(",.", ".,")


class _MutateError(ValueError):
    pass


def _plain(value: Any) -> Any:
    return value.strip(_BLANK).replace(",", "") if isinstance(value, str) else value


def _integer(value: Any) -> int:
    value = _plain(value)
    if isinstance(value, str):
        return to_int(value)
    if isinstance(value, (bool, int, float)):
        return int(value)
    raise _MutateError(f"{value!r} can't be an integer")


def _float(value: Any) -> float:
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


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "string": ruby_text,
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "integer_eu": lambda value: _integer(value.translate(_EU) if isinstance(value, str) else value),
    "float_eu": lambda value: _float(value.translate(_EU) if isinstance(value, str) else value),
}


def split_like_ruby(text: str, separator: str) -> list[str]:
    """String#split: one space stands for any blanks, empty texts at the end are left out."""
    if separator == " ":
        return text.split()
    parts = list(text) if separator == "" else text.split(separator)
    while parts and parts[-1] == "":
        parts.pop()
    return parts


class Mutate(Filter):
    name = "mutate"
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
            self.steps = self._steps()
        except ValueError as error:
            raise self.refuse("gsub", str(error)) from None

    def _steps(self) -> list[Step]:
        steps = [_coerce(*item) for item in self.coerce.items()]
        steps += [_rename(*item) for item in self.rename.items()]
        steps += [_update(*item) for item in self.update.items()]
        steps += [_replace(*item) for item in self.replace.items()]
        steps += [_each(field, _CONVERSIONS[kind], skip_null=True) for field, kind in self.convert.items()]
        steps += [_gsub(*self.gsub[at : at + 3]) for at in range(0, len(self.gsub), 3)]
        steps += [_text(field, str.upper) for field in self.uppercase]
        steps += [_text(field, str.capitalize) for field in self.capitalize]
        steps += [_text(field, str.lower) for field in self.lowercase]
        steps += [_text(field, lambda text: text.strip(_BLANK)) for field in self.strip]
        steps += [_split(*item) for item in self.split.items()]
        steps += [_join(*item) for item in self.join.items()]
        steps += [_merge(field, added) for field, sources in self.merge.items() for added in array(sources)]
        steps += [_copy(*item) for item in self.copy.items()]
        return steps

    def apply(self) -> Step:
        matched = self.matched()
        steps = [*self.steps, matched] if matched else self.steps
        failure_tag = self.tag_on_failure

        def mutate(event: Event) -> None:
            try:
                for step in steps:
                    step(event)
            except (FieldError, InvalidReference, ValueError) as error:
                self.metrics.failures += 1
                logger.warning("mutate %s: %s", self.id, error)
                tag(event, failure_tag)

        return mutate


def _coerce(field: str, default: Any) -> Step:
    get, set_, includes, _ = target(field)
    text = sprintf.compile(default)

    def coerce(event: Event) -> None:
        if get(event) is None and includes(event):
            set_(event, text(event))

    return coerce


def _rename(old: str, new: Any) -> Step:
    _, _, includes, remove = target(old)
    _, set_, _, _ = target(sprintf.compile(new)({}) if not isinstance(new, str) else new)

    def rename(event: Event) -> None:
        if includes(event):
            set_(event, remove(event))

    if sprintf.is_constant(old) and sprintf.is_constant(new):
        return rename

    def rename_evaluated(event: Event) -> None:
        # Both names are read before anything moves.
        source = fieldref.parse(sprintf.evaluate(old, event))
        destination = fieldref.parse(sprintf.evaluate(new, event))
        if fieldref.includes(event, source):
            fieldref.set_(event, destination, fieldref.remove(event, source))

    return rename_evaluated


def _update(field: str, value: Any) -> Step:
    _, set_, includes, _ = target(field)
    text = sprintf.compile(value)

    def update(event: Event) -> None:
        if includes(event):
            set_(event, text(event))

    return update


def _replace(field: str, value: Any) -> Step:
    set_ = target(field)[1]
    text = sprintf.compile(value)
    if sprintf.is_constant(value):
        constant = text({})
        return lambda event: set_(event, constant)
    return lambda event: set_(event, text(event))


def _each(field: str, convert: Callable[[Any], Any], *, skip_null: bool) -> Step:
    """A change of a value, or of each element of an array; objects and null stay."""
    get, set_, _, _ = target(field)

    def change(event: Event) -> None:
        value = get(event)
        if value is None or type(value) is dict:
            return
        if type(value) is list:
            set_(event, [item if item is None and skip_null else convert(item) for item in value])
        else:
            set_(event, convert(value))

    return change


def _text(field: str, change: Callable[[str], str]) -> Step:
    """A change of texts; anything else stays."""
    get, set_, _, _ = target(field)

    def apply(event: Event) -> None:
        value = get(event)
        if type(value) is str:
            set_(event, change(value))
        elif type(value) is list:
            set_(event, [change(item) if isinstance(item, str) else item for item in value])

    return apply


def _gsub(field: str, needle: str, replacement: Any) -> Step:
    """Pattern and replacement may hold sprintf; constant ones are compiled now. Raises ValueError for a bad pattern."""
    replacement = ruby_text(replacement)
    needle = ruby_text(needle)
    if "%{" in needle:

        def dynamic(event: Event) -> None:
            compiled = regex.compile(sprintf.evaluate(needle, event))
            new = regex.replacement(compiled, sprintf.evaluate(replacement, event))
            _text(field, lambda text: compiled.pattern.sub(new, text))(event)

        return dynamic
    compiled = regex.compile(needle)
    sub = compiled.pattern.sub
    if sprintf.is_constant(replacement):
        constant = regex.replacement(compiled, replacement)
        return _text(field, lambda text: sub(constant, text))
    text_of = sprintf.compile(replacement)

    def evaluated(event: Event) -> None:
        new = text_of(event)
        # A text without escapes goes in as it is; the others are read as Ruby reads them.
        new = regex.replacement(compiled, new) if "\\" in new else new
        _text(field, lambda text: sub(new, text))(event)

    return evaluated


def _split(field: str, separator: Any) -> Step:
    get, set_, _, _ = target(field)
    separator = ruby_text(separator)

    def split(event: Event) -> None:
        value = get(event)
        if isinstance(value, str):
            set_(event, split_like_ruby(value, separator))

    return split


def _join(field: str, separator: Any) -> Step:
    get, set_, _, _ = target(field)
    separator = ruby_text(separator)

    def flat(items: list[Any]) -> list[str]:
        return [text for item in items for text in (flat(item) if type(item) is list else [ruby_text(item)])]

    def join(event: Event) -> None:
        value = get(event)
        if type(value) is list:
            set_(event, separator.join(flat(value)))

    return join


def _merge(field: str, added: str) -> Step:
    get, set_, _, _ = target(field)
    get_added = target(added)[0]

    def as_list(value: Any) -> list[Any]:
        return [] if value is None else value if type(value) is list else [value]

    def merge(event: Event) -> None:
        old, new = get(event), get_added(event)
        if (type(old) is dict) != (type(new) is dict):
            logger.error("mutate: an array and an object can't be merged: %s, %s", field, added)
        elif type(old) is dict:
            set_(event, old | new)
        else:
            set_(event, [*as_list(old), *as_list(new)])

    return merge


def _copy(source: str, destination: str) -> Step:
    get = target(source)[0]
    set_ = target(destination)[1]

    def copy(event: Event) -> None:
        value = get(event)
        if value is not None:
            set_(event, clone(value) if type(value) in (dict, list) else value)

    return copy


plugin = Mutate
