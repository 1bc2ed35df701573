"""What is wrong in pipeline files: all errors, not the first alone, and what will surprise (`lint`)."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import nodes, plugin
from .compiler import Compiler, substitute
from .errors import ConfigError, Position
from .event import Event
from .parser import parse
from .pipeline import config_files
from .plugin import Context, WrongValue
from .terminal import Paint, paint_for


@dataclass(frozen=True)
class Finding:
    """An error keeps the pipeline from starting; a warning tells of what it will do."""

    position: Position
    message: str
    error: bool = True

    def lines(self, paint: Paint) -> Iterator[str]:
        at = self.position
        kind = paint("error", "red", "bold") if self.error else paint("warning", "yellow", "bold")
        yield f"{paint(f'{at.path}:{at.line}:{at.column}:', 'bold')} {kind}: {self.message}"
        if at.text:
            yield f"    {at.text}"
            margin = "".join("\t" if c == "\t" else " " for c in at.text[: at.column - 1])
            yield f"    {margin}{paint('^', 'red' if self.error else 'yellow')}"


def main(options: argparse.Namespace) -> int:
    errors = warnings = 0
    paint = paint_for(options.color, sys.stderr)
    for path in options.paths:
        try:
            files = config_files(path)
        except ConfigError as error:
            print(error, file=sys.stderr)
            errors += 1
            continue
        found = check(files, os.environ, options.ecs)
        for finding in found:
            print(*finding.lines(paint), sep="\n", file=sys.stderr)
        wrong = sum(finding.error for finding in found)
        errors += wrong
        warnings += len(found) - wrong
        sys.stderr.flush()
        print(f"{path}: {_summary(wrong, len(found) - wrong, len(files))}")
    return 1 if errors or (warnings and options.strict) else 0


def _summary(errors: int, warnings: int, files: int) -> str:
    told = [f"{count} {word}{'s'[: count > 1]}" for count, word in ((errors, "error"), (warnings, "warning")) if count]
    if not errors:
        told.insert(0, "ok")
    return ", ".join(told) + (f" ({files} files)" if files > 1 else "")


def check(
    files: Iterable[Path], environ: Mapping[str, str], ecs: str = "v8", *, to_run_here: bool = False
) -> list[Finding]:
    """What is wrong in the files of one pipeline, in their order. Raises OSError for a file that can't be read.

    `to_run_here`: variables that aren't set and dictionaries that aren't there are errors, as they are not elsewhere.
    """
    found: list[Finding] = []
    sections: list[nodes.Section] = []
    order: dict[str, int] = {}
    for file in files:
        order[str(file)] = len(order)
        try:
            sections += parse(file.read_text(encoding="utf-8"), str(file))
        except ConfigError as error:
            found.append(_finding(error))
        except UnicodeDecodeError as error:
            found.append(Finding(Position(str(file), 1, 1), f"this file is no UTF-8: {error.reason}"))
    found += _Checker(Context(ecs, "main", environ), missing_is_error=to_run_here).check(sections)
    return sorted(dict.fromkeys(found), key=lambda f: (order[f.position.path], f.position.line, f.position.column))


def _finding(error: ConfigError, is_error: bool = True) -> Finding:
    return Finding(Position(error.path, error.line, error.column, error.text), error.message, is_error)


class _Checker(Compiler):
    """A compiler that goes on after an error."""

    def __init__(self, context: Context, *, missing_is_error: bool) -> None:
        super().__init__(context)
        self._missing_is_error = missing_is_error

    def check(self, sections: list[nodes.Section]) -> Iterator[Finding]:
        from . import lint

        whole = True
        for section in sections:
            for node in nodes.plugins(section.statements):
                found = list(self._plugin(node, section.kind))
                whole = whole and not any(finding.error for finding in found)
                yield from found
            for condition in _conditions(section.statements):
                yield from self._condition(condition)
        for position, message in lint.lint(sections, self):
            yield Finding(position, message, error=False)

    def _plugin(self, node: nodes.Plugin, kind: str) -> Iterator[Finding]:
        factory = plugin.find(kind, node.name)
        if factory is None:
            yield Finding(node.position, _no_plugin(node.name, kind))
            return
        unset = [*self._unset(node)]
        yield from unset
        wrong = [*self._options(node, kind, factory)]
        yield from wrong
        if unset:
            return
        if wrong:
            # Without what is told already: what the plugin says at start, such as of an undefined pattern.
            at = {finding.position for finding in wrong}
            node = nodes.Plugin(node.position, node.name, [one for one in node.attributes if one.position not in at])
        if missing := self._missing_dictionary(node):
            yield missing
            return
        try:
            self._instances[id(node)] = self._make(node, kind)
        except ConfigError as error:
            if not wrong or error.stage != "compile":
                yield _finding(error)

    def _options(self, node: nodes.Plugin, kind: str, factory: Any) -> Iterator[Finding]:
        """Options that don't exist, and values of the wrong type."""
        declared = factory.common | factory.options
        for attribute in node.attributes:
            if attribute.name not in declared:
                hint = _hint(attribute.name, declared)
                message = f"Unknown setting '{attribute.name}' for {node.name}{hint}"
                yield Finding(attribute.position, message)
                continue
            if isinstance(attribute.value, nodes.Plugin):
                codec = plugin.find("codec", attribute.value.name)
                if codec is None:
                    yield Finding(attribute.value.position, _no_plugin(attribute.value.name, "codec"))
                else:
                    yield from self._options(attribute.value, "codec", codec)
                continue
            try:
                declared[attribute.name].type(self._value(attribute.value))
            except WrongValue as error:
                message = f"Invalid setting for {node.name} {kind} plugin: {attribute.name} => … {error}"
                yield Finding(attribute.position, message)
            except ConfigError as error:
                # A variable that is not set is told already, as a warning.
                if not any(self._unset(attribute)):
                    yield _finding(error)

    def _unset(self, node: nodes.Plugin | nodes.Attribute) -> Iterator[Finding]:
        """Variables of the environment that have no value here."""
        for text in _texts(node):
            try:
                substitute(text.text, self.context.environ, text)
            except ConfigError as error:
                yield _finding(error, is_error=self._missing_is_error)

    def _missing_dictionary(self, node: nodes.Plugin) -> Finding | None:
        for attribute in node.attributes:
            if attribute.name == "dictionary_path" and isinstance(attribute.value, (nodes.String, nodes.Bareword)):
                path = Path(self._value(attribute.value))
                if not path.exists():
                    message = f"there is no dictionary {path} here: Logstash will not start without it"
                    return Finding(attribute.position, message, error=self._missing_is_error)
        return None

    def _condition(self, condition: nodes.Condition) -> Iterator[Finding]:
        try:
            self.holds(condition)
        except ConfigError as error:
            unset = "is not defined in the environment" in error.message
            yield _finding(error, is_error=self._missing_is_error or not unset)
        except Exception:  # noqa: S110 an event's error, which `lint` looks at
            pass

    def holds(self, condition: nodes.Condition, event: Event | None = None) -> bool:
        """Whether an event, without any field unless given, goes into an arm of this condition.

        Raises ConfigError for a condition that doesn't compile, and what it raises for the event.
        """
        came: list[Event] = []
        errors: list[Exception] = []
        probe = nodes.Probe(condition.position, "probe", [], came.append)
        section = nodes.Section(
            condition.position, "filter", [nodes.Branch(condition.position, [(condition, [probe])])]
        )
        self._instances[id(probe)] = self._make(probe, "filter")
        run = self.filters([section], lambda _, error: errors.append(error))
        run([event if event is not None else {}])
        if errors:
            raise errors[0]
        return bool(came)


def _no_plugin(name: str, kind: str) -> str:
    others = [other for other in ("input", "filter", "output") if plugin.find(other, name)]
    if others and kind != "codec":
        return f"Couldn't find any {kind} plugin named '{name}': it stands in the section {' or '.join(others)}"
    return f"Couldn't find any {kind} plugin named '{name}'{_hint(name, plugin.names(kind))}"


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f": did you mean {close[0]}?" if close else f". Supported: {', '.join(sorted(known))}"


def _conditions(statements: Iterable[nodes.Statement]) -> Iterator[nodes.Condition]:
    for statement in statements:
        if isinstance(statement, nodes.Branch):
            for condition, block in statement.arms:
                yield condition
                yield from _conditions(block)
            yield from _conditions(statement.otherwise)


def _texts(node: Any) -> Iterator[nodes.String | nodes.Bareword]:
    """The texts in a plugin's values. Keys of hashes are left out: variables in them stay as they are written."""
    match node:
        case nodes.String() | nodes.Bareword():
            yield node
        case nodes.Plugin():
            for attribute in node.attributes:
                yield from _texts(attribute.value)
        case nodes.Attribute():
            yield from _texts(node.value)
        case nodes.Array():
            for item in node.items:
                yield from _texts(item)
        case nodes.Hash():
            for _, value in node.entries:
                yield from _texts(value)
