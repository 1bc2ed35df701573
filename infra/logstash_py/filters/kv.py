"""kv: key=value pairs in a text become fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from .. import fieldref, regex, sprintf
from ..event import Event, tag
from ..plugin import Filter, Option, array, boolean, field_reference, hash_, one_of, string
from ..text import ruby_text

_BRACKETS = {"[": "]", "(": ")", "<": ">"}


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
        "transform_key": Option(one_of("lowercase", "uppercase", "capitalize")),
        "transform_value": Option(one_of("lowercase", "uppercase", "capitalize")),
        "whitespace": Option(one_of("strict", "lenient"), "lenient"),
        "tag_on_failure": Option(array, ["_kv_filter_error"]),
    }

    def register(self) -> None:
        try:
            self._scan = self._scanner()
        except ValueError as error:
            raise self.refuse("field_split_pattern", str(error)) from None
        self._change_key = self._changer(self.trim_key, self.remove_char_key, self.transform_key)
        self._change_value = self._changer(self.trim_value, self.remove_char_value, self.transform_value)

    def _scanner(self) -> re.Pattern[str]:
        """A pattern with the key in `key` and the value in one of the other groups. Raises ValueError."""

        def translated(pattern: str) -> str:
            # Written in Ruby; groups in it must not count here.
            return re.sub(r"\((?!\?)", "(?:", regex.compile(pattern).pattern.pattern)

        strict = self.whitespace == "strict"
        field_end = translated(self.field_split_pattern) if self.field_split_pattern else f"[{_set(self.field_split)}]"
        value_end = translated(self.value_split_pattern) if self.value_split_pattern else f"[{_set(self.value_split)}]"
        blank = "" if strict else (r"(?:(?!" + field_end + r")\s)*" if self.field_split_pattern else "[ ]*")
        key = rf"(?P<key>(?:(?!{field_end}|{value_end}).)+?)"
        if self.field_split_pattern is None and self.value_split_pattern is None:
            key = rf"(?P<key>[^{_set(self.field_split)}{_set(self.value_split)}]+)"
        quoted = r'"(?P<double>(?:\\.|[^"\\])*)"' + r"|'(?P<single>(?:\\.|[^'\\])*)'"
        if self.include_brackets:
            quoted += r"|\((?P<round>[^)]*)\)|\[(?P<square>[^\]]*)\]|<(?P<angle>[^>]*)>"
        if self.field_split_pattern is None:
            plain = rf"(?P<plain>[^{_set(self.field_split)}]+)"
        else:
            plain = rf"(?P<plain>(?:(?!{field_end}).)+)"
        end = rf"(?=$|{field_end})"
        pattern = rf"{key}{blank}(?:{value_end}){blank}(?:(?:{quoted}){end}|{plain})?{end}(?:{field_end})?"
        try:
            return re.compile(pattern, re.DOTALL)
        except re.error as error:
            raise ValueError(str(error)) from None

    @staticmethod
    def _changer(trim: str | None, remove: str | None, transform: str | None) -> Callable[[str], str]:
        trim_pattern = re.compile(rf"^[{_set(trim)}]+|[{_set(trim)}]+$") if trim else None
        remove_pattern = re.compile(f"[{_set(remove)}]") if remove else None
        change = {"lowercase": str.lower, "uppercase": str.upper, "capitalize": str.capitalize}.get(
            transform or "", str
        )

        def apply(text: str) -> str:
            if trim_pattern:
                text = trim_pattern.sub("", text)
            if remove_pattern:
                text = remove_pattern.sub("", text)
            return change(text)

        return apply

    def apply(self) -> Callable[[Event], None]:
        get = fieldref.getter(fieldref.parse(self.source))
        target = fieldref.parse(self.target) if self.target else None
        matched = self.matched()
        defaults = [(key, sprintf.compile(value)) for key, value in self.default_keys.items()]

        def kv(event: Event) -> None:
            value = get(event)
            if value is None and not defaults:
                return
            found: dict[str, Any] = {}
            try:
                for text in value if type(value) is list else [value]:
                    if isinstance(text, str):
                        self._parse(text, event, found)
                for key, default in defaults:
                    found.setdefault(key, default(event))
                if not found:
                    return
                if target is not None:
                    old = fieldref.get(event, target)
                    fieldref.set_(event, target, (old if type(old) is dict else {}) | found)
                else:
                    for key, item in found.items():
                        fieldref.set_(event, fieldref.parse(key) if "[" in key else (key,), item)
            except ValueError:
                self.metrics.failures += 1
                for name in self.tag_on_failure:
                    tag(event, name)
                return
            if matched:
                matched(event)

        return kv

    def _pairs(self, text: str) -> Iterator[tuple[str, str]]:
        for match in self._scan.finditer(text):
            value = next((match[name] for name in match.re.groupindex if name != "key" and match[name] is not None), "")
            yield match["key"], value

    def _parse(self, text: str, event: Event, found: dict[str, Any]) -> None:
        include = {sprintf.evaluate(key, event) for key in self.include_keys}
        exclude = {sprintf.evaluate(key, event) for key in self.exclude_keys}
        prefix = sprintf.evaluate(self.prefix, event)
        for key, value in self._pairs(text):
            key = self._change_key(key)
            if (include and key not in include) or key in exclude:
                continue
            if not value and not self.allow_empty_values:
                continue
            value = self._change_value(value)
            if self.recursive:
                inner: dict[str, Any] = {}
                self._parse(value, event, inner)
                value = inner or value
            self._add(found, prefix + key, value)

    def _add(self, found: dict[str, Any], key: str, value: Any) -> None:
        if key not in found:
            found[key] = value
        elif type(found[key]) is list:
            if self.allow_duplicate_values or value not in found[key]:
                found[key].append(value)
        elif self.allow_duplicate_values or found[key] != value:
            found[key] = [found[key], value]


def _set(characters: str) -> str:
    """Characters as the inside of a class. Backslash escapes are kept: these options were classes in Ruby."""
    return re.sub(r"(?<!\\)[\[\]^]", lambda match: "\\" + match[0], ruby_text(characters))


plugin = Kv
