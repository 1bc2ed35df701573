"""kv: key=value pairs in a text become fields.

The pattern that finds the pairs is built as logstash-filter-kv builds it: a key runs to a value separator, a value is
quoted, in brackets, or runs to a field separator, and before a separator or the line's end it stops. A backslash takes
the character after it along.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, ClassVar

import regex

from .. import event as events
from .. import fieldref, sprintf
from ..event import Event, tag
from ..plugin import Filter, Option, array, boolean, field_reference, hash_, number, one_of, string
from ..regex import compile as compile_ruby
from ..text import ruby_text

_BRACKETS = ("()", "[]", "<>")
_CASES = {"lowercase": str.lower, "uppercase": str.upper, "capitalize": str.capitalize}


class Kv(Filter):
    name = "kv"
    options: ClassVar = {
        "source": Option(field_reference, "message"),
        "target": Option(field_reference),
        "field_split": Option(string, " "),
        "field_split_pattern": Option(string),
        "value_split": Option(string, "="),
        "value_split_pattern": Option(string),
        "prefix": Option(string, ""),
        "include_keys": Option(array, []),
        "exclude_keys": Option(array, []),
        "default_keys": Option(hash_, {}),
        "allow_duplicate_values": Option(boolean, True),
        "allow_empty_values": Option(boolean, False),
        "include_brackets": Option(boolean, True),
        "recursive": Option(boolean, False),
        "trim_key": Option(string),
        "trim_value": Option(string),
        "remove_char_key": Option(string),
        "remove_char_value": Option(string),
        "transform_key": Option(one_of(*_CASES)),
        "transform_value": Option(one_of(*_CASES)),
        "whitespace": Option(one_of("strict", "lenient"), "lenient"),
        "tag_on_failure": Option(array, ["_kv_filter_error"]),
        "tag_on_timeout": Option(string, "_kv_filter_timeout"),
        "timeout_millis": Option(number, 30_000),
    }

    def register(self) -> None:
        for name in ("value_split", "value_split_pattern", "field_split_pattern"):
            if getattr(self, name) == "":
                raise self.refuse(name, f"Configuration option '{name}' must be a non-empty string")
        try:
            self._build_patterns()
        except (regex.error, re.error, ValueError) as error:
            raise self.refuse("field_split_pattern", f"the separators make no pattern: {error}") from None

    def _build_patterns(self) -> None:
        """Raises regex.error, re.error or ValueError."""
        fields, values = _class(self.field_split), _class(self.value_split)
        field_end = f"(?:{_ruby(self.field_split_pattern)})" if self.field_split_pattern else f"[{fields}]"
        value_end = f"(?:{_ruby(self.value_split_pattern)})" if self.value_split_pattern else f"[{values}]"
        if self.whitespace == "lenient":
            value_end = f"(?: *{value_end} *)"
        by_pattern = self.field_split_pattern or self.value_split_pattern
        key = _until(f"(?!{value_end}|{field_end}).") if by_pattern else _until(f"[^{values}{fields}]")
        quotes = ['""', "''", *(_BRACKETS if self.include_brackets else ())]
        alternatives = [f"{re.escape(q[0])}{_until(f'[^{re.escape(q[1])}]')}?{re.escape(q[1])}" for q in quotes]
        alternatives.append(_until(f"(?!{field_end})." if self.field_split_pattern else f"[^{fields}]"))
        # The regex package, because it can be stopped: a value of many backslashes takes exponential time.
        self._pairs = regex.compile(
            f"{key}{value_end}(?:{'|'.join(alternatives)})?(?:{field_end}|$)", regex.MULTILINE | regex.VERSION0
        )
        self._splits = regex.compile(value_end, regex.MULTILINE | regex.VERSION0)
        self._change_key = _changer(self.trim_key, self.remove_char_key, self.transform_key)
        self._change_value = _changer(self.trim_value, self.remove_char_value, self.transform_value)

    def apply(self) -> Callable[[Event], None]:
        get = fieldref.getter(fieldref.parse(self.source))
        target = fieldref.parse(self.target) if self.target else None
        matched = self.matched()

        def kv(event: Event) -> None:
            value = get(event)
            found: dict[str, Any] = {}
            deadline = time.monotonic() + self.timeout_millis / 1000 if self.timeout_millis > 0 else None
            try:
                for text in value if type(value) is list else [value]:
                    if isinstance(text, str):
                        self._parse(text, event, found, deadline)
                pairs = events.clone(self.default_keys) | found
                if not pairs:
                    return
                if target is not None:
                    fieldref.set_(event, target, pairs)
                else:
                    for key, item in pairs.items():
                        fieldref.set_(event, fieldref.parse(key), item)
            except TimeoutError:
                self.metrics.failures += 1
                tag(event, self.tag_on_timeout)
                return
            except ValueError:
                self.metrics.failures += 1
                for name in self.tag_on_failure:
                    tag(event, name)
                return
            if matched:
                matched(event)

        return kv

    def _parse(self, text: str, event: Event, found: dict[str, Any], deadline: float | None) -> None:
        """Raises TimeoutError after `deadline`."""
        if not self._splits.search(text, timeout=_left(deadline)):
            return
        include = {sprintf.evaluate(key, event) for key in self.include_keys}
        exclude = {sprintf.evaluate(key, event) for key in self.exclude_keys}
        prefix = sprintf.evaluate(self.prefix, event)
        for match in self._pairs.finditer(text, timeout=_left(deadline)):
            key, *candidates = match.groups()
            value = next((one for one in candidates if one is not None), "")
            if not value and not self.allow_empty_values:
                continue
            key = self._change_key(key)
            if (include and key not in include) or key in exclude:
                continue
            self._add(found, prefix + key, self._change_value(value), event, deadline)

    def _add(self, found: dict[str, Any], key: str, value: Any, event: Event, deadline: float | None) -> None:
        # As in Ruby, a text includes its parts: of 12 and 1 only 12 stays.
        if not self.allow_duplicate_values and key in found and value in found[key]:
            return
        if self.recursive:
            inner: dict[str, Any] = {}
            self._parse(value, event, inner, deadline)
            value = inner or value
        if key not in found:
            found[key] = value
        elif type(found[key]) is list:
            found[key].append(value)
        else:
            found[key] = [found[key], value]


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _until(end: str) -> str:
    r"""One or more characters, captured: escaped ones, or those that `end` allows."""
    return rf"((?:\\.|{end})+)"


def _class(characters: str) -> str:
    """Characters as the inside of a class, where Ruby's and Python's classes are the same. Backslashes are kept."""
    return re.sub(r"(?<!\\)[\[\]^]|&&", lambda match: "\\" + match[0], ruby_text(characters))


def _ruby(pattern: str) -> str:
    """A Ruby pattern for Python; its groups don't count. Raises ValueError."""
    plain = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?!\?)", re.DOTALL)
    return plain.sub(lambda found: "(?:" if found[0] == "(" else found[0], compile_ruby(pattern).pattern.pattern)


def _changer(trim: str | None, remove: str | None, case: str | None) -> Callable[[str], str]:
    """Raises re.error."""
    ends = re.compile(f"^[{_class(trim)}]+|[{_class(trim)}]+$", re.MULTILINE) if trim else None
    anywhere = re.compile(f"[{_class(remove)}]") if remove else None
    change = _CASES.get(case or "", str)

    def apply(text: str) -> str:
        if ends:
            text = ends.sub("", text)
        if anywhere:
            text = anywhere.sub("", text)
        return change(text)

    return apply


plugin = Kv
