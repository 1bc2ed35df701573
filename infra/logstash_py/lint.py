"""What a pipeline does that its author hardly meant: certain surprises only, each told with its reason.

The behaviours are Logstash's own; what the conformance vectors show of them is in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import fieldref, nodes, unparse
from .errors import ConfigError, InvalidReference, Position

if TYPE_CHECKING:
    from .check import _Checker

Remark = tuple[Position, str]

# What mutate does, in its order.
_MUTATE_ORDER = (
    "coerce", "rename", "update", "replace", "convert", "gsub", "uppercase", "capitalize", "lowercase", "strip",
    "split", "join", "merge", "copy", "add_field", "remove_field", "add_tag", "remove_tag",
)  # fmt: skip
_NUMBERS = ("integer", "float", "integer_eu", "float_eu")
_SPRINTF = re.compile(r"%\{([^}]*)\}")
# Options whose texts are regular expressions, in which \n and \" mean something.
_REGEXES = {
    "match", "pattern_definitions", "gsub", "dictionary", "field_split_pattern", "value_split_pattern", "field_split",
    "value_split", "trim_key", "trim_value", "remove_char_key", "remove_char_value", "whitelist_names", "pattern",
    "blacklist_names", "whitelist_values", "blacklist_values", "include_brackets",
}  # fmt: skip
_ESCAPE = re.compile(r"\\([nrt\"'])")


def lint(sections: Iterable[nodes.Section], checker: _Checker) -> Iterator[Remark]:
    for section in sections:
        yield from _Linter(checker, section.kind).block(section.statements)


class _Linter:
    def __init__(self, checker: _Checker, kind: str) -> None:
        self.checker = checker
        self.kind = kind

    def block(self, statements: Iterable[nodes.Statement]) -> Iterator[Remark]:
        drop: nodes.Plugin | None = None
        # Fields that a mutate just before made numbers: reference → the line.
        numbers: dict[str, int] = {}
        for statement in statements:
            if drop:
                line = drop.position.line
                yield statement.position, f"never reached: the drop in line {line} ends every event that comes there"
                drop = None
            if isinstance(statement, nodes.Branch):
                yield from self.branch(statement, numbers)
                numbers = {}
                continue
            yield from self.plugin(statement)
            numbers = _numbers_after(statement, numbers) if statement.name == "mutate" else {}
            if self.kind == "filter" and statement.name == "drop" and _option(statement, "percentage") is None:
                drop = statement

    def branch(self, node: nodes.Branch, numbers: dict[str, int]) -> Iterator[Remark]:
        seen: dict[str, nodes.Condition] = {}
        always: nodes.Condition | None = None
        for condition, statements in node.arms:
            text = unparse.condition(condition)
            if always:
                yield condition.position, f"never reached: the condition in line {always.position.line} is always true"
            elif text in seen:
                yield condition.position, f"never reached: line {seen[text].position.line} has the same condition"
            elif broader := _broader(condition, seen):
                earlier = f"{unparse.condition(broader)} in line {broader.position.line}"
                yield condition.position, f"never reached: each event with this value goes into {earlier}"
            else:
                verdict = self.constant(condition)
                if verdict is True:
                    always = condition
                yield from self.condition(condition, numbers)
            seen.setdefault(text, condition)
            yield from self.block(statements)
        if always and node.else_at:
            yield node.else_at, f"never reached: the condition in line {always.position.line} is always true"
        yield from self.block(node.otherwise)

    # Conditions

    def constant(self, condition: nodes.Condition) -> bool | None:
        """What a condition of literals only comes to; None for others, and for one that can't be evaluated. A variable
        of the environment is a switch that somebody wanted."""
        if any(nodes.selectors(condition)) or "${" in unparse.condition(condition):
            return None
        try:
            return self.checker.holds(condition)
        except Exception:
            return None

    def condition(self, node: nodes.Condition, numbers: dict[str, int]) -> Iterator[Remark]:
        match node:
            case nodes.Boolean():
                for operand in node.operands:
                    yield from self.condition(operand, numbers)
                return
            case nodes.Not():
                yield from self.condition(node.operand, numbers)
                return
            case nodes.Compare() | nodes.In():
                yield from self.one_element(node)
        if not any(nodes.selectors(node)):
            yield from self.literals(node)
            return
        yield from self.never(node, numbers)

    def one_element(self, node: nodes.Compare | nodes.In) -> Iterator[Remark]:
        """["a"] reads as a field reference, as does [1]."""
        right = node.right
        if not isinstance(right, nodes.Selector):
            return
        inner = right.reference[1:-1]
        if inner[:1] not in "\"'" and not (isinstance(node, nodes.In) and re.fullmatch(r"-?\d+", inner)):
            return
        left = unparse.value(node.left)
        if isinstance(node, nodes.In):
            truth = "always true" if node.negated else "never true"
            remedy = f"{left} {'!=' if node.negated else '=='} {inner}"
        else:
            truth = "true of a missing field only" if node.operator == "==" else "compared with a missing field"
            remedy = f"{left} {node.operator} {inner}"
        yield (
            right.position,
            (
                f"{truth}: brackets around one element are a reference to the field {inner}, not a list; "
                f"write {remedy}, or two elements"
            ),
        )

    def literals(self, node: nodes.Condition) -> Iterator[Remark]:
        text = unparse.condition(node)
        if "${" in text:
            return
        try:
            verdict = self.checker.holds(node)
        except ConfigError:
            return
        except Exception:
            yield node.position, f"{text} can't be compared: every event that comes here is dropped"
            return
        if isinstance(node, nodes.In) and not isinstance(node.left, nodes.Array):
            reason = "a literal in a list of literals is never found; put a field on one side"
        else:
            reason = "it holds no field"
            if isinstance(node, nodes.String):
                reason += f"; a field stands in brackets: [{node.text}]"
        yield node.position, f"always {str(verdict).lower()}: {reason}"

    def never(self, node: nodes.Condition, numbers: dict[str, int]) -> Iterator[Remark]:
        if isinstance(node, nodes.Compare):
            if isinstance(node.right, nodes.Array) and len(node.right.items) > 1:
                first = unparse.value(node.right.items[0])
                yield node.right.position, f"compares with the first element only ({first}): write in for any of them"
            if isinstance(node.right, (nodes.Regexp,)):
                operator = "!~" if node.operator == "!=" else "=~"
                yield node.right.position, f"{node.operator} compares with the text of the pattern: write {operator}"
        left = getattr(node, "left", None)
        line = numbers.get(_canonical(left.reference)) if isinstance(left, nodes.Selector) else None
        if line is None or not isinstance(left, nodes.Selector):
            return
        name = left.reference
        made = f"{name} is a number since line {line}"
        if isinstance(node, nodes.Match):
            truth = "always true" if node.negated else "never true"
            yield node.position, f"{truth}: {made}, and no number matches a regular expression"
        elif isinstance(node, nodes.Compare) and isinstance(node.right, nodes.String):
            if node.operator in ("==", "!="):
                truth = "always true" if node.operator == "!=" else "never true"
                yield node.position, f'{truth}: {made}, and 5 is not "5": write the number without quotes'
            else:
                yield node.position, f"drops every event that comes here: {made}, and is compared with a text"

    # Plugins

    def plugin(self, node: nodes.Plugin) -> Iterator[Remark]:
        yield from _given_twice(node)
        if self.kind == "filter":
            for attribute in node.attributes:
                yield from _backslashes(attribute)
                yield from _variables_in_keys(attribute.value)
        for attribute in node.attributes:
            yield from _sprintf(attribute.value, is_pattern=attribute.name in _REGEXES)
        match node.name if self.kind == "filter" else "":
            case "mutate":
                yield from _mutate_order(node)
            case "grok" if _option(node, "match") is None:
                yield node.position, "does nothing: grok without match"
            case "date":
                yield from _date_formats(node)
            case "translate":
                yield from self.translate(node)

    def translate(self, node: nodes.Plugin) -> Iterator[Remark]:
        exact, is_regex = _option(node, "exact"), _option(node, "regex")
        if is_regex and (_plain(exact), _plain(is_regex)) == ("false", "true"):
            yield is_regex.position, "has no effect: with exact => false the keys are looked for as they are written"
        instance = self.checker._instances.get(id(node))
        path = getattr(instance, "dictionary_path", None)
        if path and Path(path).suffix in (".yml", ".yaml") and not getattr(instance, "regex", False) and instance.exact:
            keys = [key for key in instance._table if not isinstance(key, str)]
            if keys:
                attribute = next(one for one in node.attributes if one.name == "dictionary_path")
                shown = str(keys[0]).lower() if isinstance(keys[0], bool) else keys[0]
                yield attribute.position, f'{path}: the key {shown} is no text and is never found: write "{shown}"'


def _broader(condition: nodes.Condition, seen: dict[str, nodes.Condition]) -> nodes.Condition | None:
    """An earlier arm `[a]` that takes all that `[a] == "x"` could."""
    if isinstance(condition, nodes.Compare) and condition.operator == "==":
        right = condition.right
        truthy = isinstance(right, nodes.Number) or (
            isinstance(right, nodes.String) and right.text not in ("", "false") and "${" not in right.text
        )
    elif isinstance(condition, nodes.In) and not condition.negated and isinstance(condition.right, nodes.Array):
        truthy = all(
            isinstance(item, nodes.Number) or (isinstance(item, nodes.String) and item.text not in ("", "false"))
            for item in condition.right.items
        )
    else:
        return None
    if not truthy or not isinstance(condition.left, nodes.Selector):
        return None
    earlier = seen.get(condition.left.reference)
    return earlier if isinstance(earlier, nodes.Selector) else None


# Options


def _option(node: nodes.Plugin, name: str) -> nodes.Value | None:
    return next((attribute.value for attribute in node.attributes if attribute.name == name), None)


def _plain(node: Any) -> str:
    return node.text if isinstance(node, (nodes.String, nodes.Bareword)) else str(getattr(node, "value", ""))


def _canonical(reference: str) -> str:
    """[a] and a are one field."""
    return reference[1:-1] if re.fullmatch(r"\[[^\[\]]+\]", reference) else reference


def _entries(node: nodes.Value | None) -> list[tuple[Any, nodes.Value]]:
    """The pairs of a hash, or of an array in its place."""
    if isinstance(node, nodes.Hash):
        return list(node.entries)
    if isinstance(node, nodes.Array):
        return list(zip(node.items[::2], node.items[1::2], strict=False))
    return []


def _items(node: nodes.Value | None) -> list[nodes.Value]:
    return node.items if isinstance(node, nodes.Array) else [] if node is None else [node]


def _given_twice(node: nodes.Plugin) -> Iterator[Remark]:
    seen: dict[str, nodes.Attribute] = {}
    for attribute in node.attributes:
        first = seen.setdefault(attribute.name, attribute)
        if first is attribute:
            continue
        both = (first.value, attribute.value)
        if all(isinstance(value, (nodes.String, nodes.Bareword)) for value in both):
            joined = _plain(first.value) + _plain(attribute.value)
            what = f'the two texts are put together, to "{joined}"'
        else:
            what = "both values are merged into one"
        yield attribute.position, f"{attribute.name} is given in line {first.position.line} already: {what}"


def _backslashes(attribute: nodes.Attribute) -> Iterator[Remark]:
    if attribute.name in _REGEXES:
        return
    for text in _strings(attribute.value):
        match = _ESCAPE.search(text.text)
        if not match:
            continue
        if match[1] in "\"'":
            other = "single" if match[1] == '"' else "double"
            remedy = f"the backslash stays in the value: write the text in {other} quotes"
        else:
            remedy = "these are two characters, a backslash and a letter: Logstash knows no escapes in texts by default"
        yield text.position, f"{match[0]}: {remedy}"


def _variables_in_keys(node: nodes.Value) -> Iterator[Remark]:
    if isinstance(node, nodes.Hash):
        for key, value in node.entries:
            if isinstance(key, nodes.String) and re.search(r"\$\{\w+(:[^}]*)?\}", key.text):
                yield key.position, "variables are not replaced in the keys of a hash: this stays as it is written"
            yield from _variables_in_keys(value)


def _strings(node: Any) -> Iterator[nodes.String]:
    """All texts of a value, the keys of hashes included."""
    match node:
        case nodes.String():
            yield node
        case nodes.Array():
            for item in node.items:
                yield from _strings(item)
        case nodes.Hash():
            for key, value in node.entries:
                yield from _strings(key)
                yield from _strings(value)


def _sprintf(node: nodes.Value, *, is_pattern: bool) -> Iterator[Remark]:
    """%{…} that can't be evaluated, or gives another date than it seems to. In patterns it means something else."""
    if is_pattern:
        return
    for text in _strings(node):
        for match in _SPRINTF.finditer(text.text):
            content = match[1]
            if content.startswith("{"):
                if "YYYY" in content and "ww" not in content:
                    yield text.position, f"%{{{content}}}}}: YYYY is the year of the week in java.time: write yyyy"
                yield from _date_letters(text.position, content[1:])
            elif content.startswith("+"):
                yield from _date_letters(text.position, content[1:])
            elif "[" in content or "]" in content:
                try:
                    fieldref.parse(content)
                except InvalidReference:
                    yield text.position, f"{match[0]} is no reference to a field: the filter fails at every event"


def _date_formats(node: nodes.Plugin) -> Iterator[Remark]:
    for item in _items(_option(node, "match"))[1:]:
        if isinstance(item, nodes.String) and not re.fullmatch(r"ISO8601|UNIX|UNIX_MS|TAI64N", item.text):
            yield from _date_letters(item.position, item.text)


def _date_letters(position: Position, pattern: str) -> Iterator[Remark]:
    letters = re.sub(r"'[^']*'", "", pattern)
    if "DD" in letters and "M" in letters and "d" not in letters:
        yield position, f"{pattern}: D is the day of the year: write dd for the day of the month"
    if re.search(r"H+\W?M+", letters) or (re.search(r"m+\W?d+", letters) and "H" not in letters and "h" not in letters):
        yield position, f"{pattern}: M is the month and m the minute"
    if re.search(r"(?<!h)hh?(?!h)", letters) and "a" not in letters and "K" not in letters:
        yield position, f"{pattern}: h goes to 12 and says nothing without a (am, pm): write H for 0 to 23"


# mutate


def _mutate_order(node: nodes.Plugin) -> Iterator[Remark]:
    """An option that is written before another, but done after it, and needs what that changes."""
    known = [one for one in node.attributes if one.name in _MUTATE_ORDER]
    for index, second in enumerate(known):
        for first in known[:index]:
            # That removing comes last is what everybody counts on.
            if first.name.startswith("remove_"):
                continue
            if _MUTATE_ORDER.index(first.name) <= _MUTATE_ORDER.index(second.name):
                continue
            needs, makes = _uses(first)
            second_needs, second_makes = _uses(second)
            clash = sorted((needs & second_makes) | (makes & second_needs))
            if clash:
                yield (
                    second.position,
                    (
                        f"mutate does {second.name} before {first.name}, whatever the order they are written in, "
                        f"and both are about {clash[0]}: use two mutates"
                    ),
                )
                break


def _uses(attribute: nodes.Attribute) -> tuple[set[str], set[str]]:
    """(fields that an option of mutate reads, fields that it writes or removes)."""
    value, name = attribute.value, attribute.name
    reads: set[str] = set()
    writes: set[str] = set()
    if name in ("rename", "copy"):
        for key, new in _entries(value):
            reads.add(_plain(key))
            writes.add(_plain(new))
            if name == "rename":
                writes.add(_plain(key))
    elif name in ("update", "replace", "add_field", "coerce"):
        for key, text in _entries(value):
            writes.add(_plain(key))
            for one in _strings(text):
                reads |= {match[1] for match in _SPRINTF.finditer(one.text)}
    elif name in ("convert", "split", "join"):
        writes = {_plain(key) for key, _ in _entries(value)}
        reads = set(writes)
    elif name == "merge":
        for key, added in _entries(value):
            writes.add(_plain(key))
            reads |= {_plain(item) for item in _items(added)}
    elif name == "gsub":
        writes = {_plain(item) for item in _items(value)[::3]}
        reads = set(writes)
    elif name in ("add_tag", "remove_tag"):
        writes = {"tags"}
    else:  # uppercase, strip, …, remove_field
        writes = {_plain(item) for item in _items(value)}
        reads = set(writes) if name != "remove_field" else set()
    return {_canonical(one) for one in reads}, {_canonical(one) for one in writes}


def _numbers_after(node: nodes.Plugin, before: dict[str, int]) -> dict[str, int]:
    """The fields that are numbers, if they are there, after a mutate."""
    numbers = dict(before)
    for attribute in node.attributes:
        if attribute.name != "convert" and attribute.name in _MUTATE_ORDER:
            _, writes = _uses(attribute)
            numbers = {name: line for name, line in numbers.items() if name not in writes}
    others = set().union(
        *(_uses(one)[1] for one in node.attributes if one.name in _MUTATE_ORDER and one.name != "convert"), set()
    )
    for key, kind in _entries(_option(node, "convert")):
        if _plain(kind) in _NUMBERS and _canonical(_plain(key)) not in others:
            numbers[_canonical(_plain(key))] = key.position.line
        else:
            numbers.pop(_canonical(_plain(key)), None)
    return numbers
