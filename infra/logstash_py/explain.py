"""What a pipeline does to an event, step by step: which arms it took and why, and what each filter changed."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from . import fieldref, nodes, unparse
from .codecs.json import decode_json
from .event import Event, clone
from .observed import ObservedPipeline, plugin_id
from .plugin import Metrics
from .terminal import Paint, paint_for
from .tester import suite as suites
from .text import dump_json, load_json

_MISSING = object()
# Longer values are cut in the steps; the document at the end is whole.
_SHOWN = 110


def main(options: argparse.Namespace) -> int:
    paint = paint_for(options.color)
    explainer = Explainer(paint)
    pipeline, base, events = _source(options, explainer)
    explainer.prepare(pipeline)
    for number, event in enumerate(events):
        data = clone(base) | event
        for assignment in options.set:
            _assign(data, assignment)
        if number:
            print()
        for line in explainer.explain(pipeline, data):
            print(line)
    return 0


def _source(
    options: argparse.Namespace, explainer: Explainer
) -> tuple[ObservedPipeline, dict[str, Any], Iterable[dict[str, Any]]]:
    """The pipeline, what each event begins with, and the events."""
    path = Path(options.path)
    base: dict[str, Any] = {}
    if (path / suites.SUITE_FILE).is_file():
        suite = suites.load(path)
        pipeline = ObservedPipeline.from_files(suite.pipeline, suite.environ, suite.ecs, explainer)
        if options.pattern:
            chosen = [case for case in suite.cases if options.pattern.lower() in case.id.lower()]
            if not chosen:
                raise ValueError(f"no case of {path} has {options.pattern!r} in its name")
            return pipeline, {}, (event for case in chosen for event in case.events)
        base = dict(suite.shared.given)
    elif options.pattern:
        raise ValueError(f"-k chooses cases, and {path} is no folder of cases: it has no {suites.SUITE_FILE}")
    else:
        pipeline = ObservedPipeline.from_files(options.path, os.environ, options.ecs, explainer)
    if options.event_base:
        given = yaml.safe_load(options.event_base.read_text(encoding="utf-8"))
        if not isinstance(given, dict):
            raise ValueError(f"{options.event_base}: an event is an object, in JSON or YAML")
        base |= given
    return pipeline, base, _read(options.json)


def _read(as_json: bool) -> Iterator[dict[str, Any]]:
    for line in sys.stdin:
        line = line.rstrip("\n")
        if not as_json:
            yield {"message": line}
        elif line.strip():
            yield from decode_json(line.encode())


def _assign(event: dict[str, Any], assignment: str) -> None:
    """`service=django`, `[log][offset]=12`: JSON where it is some, else text. Raises ValueError."""
    reference, equals, text = assignment.partition("=")
    if not equals or not reference:
        raise ValueError(f"--set {assignment}: write it as FIELD=VALUE")
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    fieldref.set_(event, fieldref.parse(reference), value)


class Explainer:
    """An observer that writes down what it is told."""

    def __init__(self, paint: Paint) -> None:
        self.paint = paint
        self._depths: dict[int, int] = {}
        self._metrics: dict[int, Metrics] = {}
        self._failures: dict[int, int] = {}
        self._path = ""
        self._clear()

    def _clear(self) -> None:
        self._lines: list[str] = []
        # Per event under way: the filter that it is in, what it was before, and when it came there.
        self._inside: dict[int, tuple[nodes.Plugin, Event, Event, int | None]] = {}
        # Per filter: the events as they came, and whether it made new ones.
        self._entered: dict[int, list[Event]] = {}
        self._made: set[int] = set()
        self._waiting: dict[int, tuple[nodes.Branch, Event]] = {}
        self._numbers: dict[int, int] = {}
        self._events: list[Event] = []
        self._current = 0

    def prepare(self, pipeline: ObservedPipeline) -> None:
        def note(statements: Iterable[nodes.Statement], depth: int) -> None:
            for statement in statements:
                self._depths[id(statement)] = depth
                if isinstance(statement, nodes.Branch):
                    for block in statement.blocks:
                        note(block, depth + 1)

        for section in pipeline.sections:
            note(section.statements, 0)
        self._metrics = {id(node): instance.metrics for node, instance in pipeline.filters}

    def explain(self, pipeline: ObservedPipeline, data: dict[str, Any]) -> Iterator[str]:
        paint = self.paint
        # The first run pays for what is made at first use, such as imports: it is not the one that is timed.
        pipeline.run(data)
        self._clear()
        self._path = ""
        result = pipeline.run(data)
        yield paint("event ", "bold") + _cut(data.get("message", data))
        for branch, event in self._waiting.values():
            self._show_unanswered(branch, event)
        yield from self._lines
        for node, event, _, _ in self._inside.values():
            if id(node) not in self._made:
                yield self._margin(node) + paint(f"{self._label(node)} drops the event", "red") + self._which(event)
        yield from (paint(f"log: {line}", "yellow") for line in result.log)
        if not result.documents:
            yield paint("nothing leaves the filters", "red", "bold")
        for number, (document, outputs) in enumerate(result.documents, 1):
            shown = load_json(dump_json({key: value for key, value in document.items() if key != "@metadata"}))
            title = "document" if len(result.documents) == 1 else f"document {number}"
            yield paint(title, "bold")
            yield json.dumps(shown, indent=2, ensure_ascii=False, sort_keys=True)
            yield paint("goes to ", "bold") + (", ".join(outputs) or paint("no output", "red"))

    # What the pipeline tells

    def branch(self, node: nodes.Branch, event: Event) -> None:
        self._settle(event)
        self._waiting[id(event)] = (node, event)

    def arm(self, node: nodes.Branch, number: int, event: Event) -> None:
        self._waiting.pop(id(event), None)
        self._title(node, event)
        for index, (condition, _) in enumerate(node.arms[: number + 1]):
            taken = index == number
            keyword = "else if" if index else "if"
            self._add(condition, node, f"{keyword} {unparse.condition(condition)}", taken)
            self._add_values(condition, node, event)
        if number == len(node.arms) and node.else_at:
            at = nodes.Node(node.else_at)
            self._add(at, node, "else", True)

    def before(self, node: nodes.Plugin, event: Event) -> None:
        self._settle(event)
        self._failures[id(node)] = self._metrics[id(node)].failures
        old = clone(event)
        self._entered.setdefault(id(node), []).append(old)
        self._inside = {key: entry for key, entry in self._inside.items() if id(entry[0]) not in self._made}
        # Several events at once: a filter takes them one after the other, so that the time of each isn't known.
        alone = not self._inside
        self._inside[id(event)] = (node, event, old, time.perf_counter_ns() if alone else None)

    def after(self, node: nodes.Plugin, event: Event) -> None:
        now = time.perf_counter_ns()
        new = _references(event)
        if id(event) in self._inside:
            _, _, old, started = self._inside.pop(id(event))
            before = _references(old)
            took = f"{(now - started) / 1000:.0f} µs" if started and not self._inside else ""
        else:
            # A filter made it, of the event that it is most like.
            self._made.add(id(node))
            before = min(map(_references, self._entered[id(node)]), key=lambda old: _distance(old, new))
            took = "made this event"
        self._title(node, event)
        failed = self._metrics[id(node)].failures > self._failures[id(node)]
        verdict = self.paint("  failed", "red", "bold") if failed else ""
        label = self.paint(self._label(node), "bold")
        self._lines.append(f"{self._margin(node)}{label}{verdict}  {self.paint(took, 'grey')}".rstrip())
        indent = " " * (9 + 2 * self._depths[id(node)])
        if before == new:
            self._lines.append(indent + self.paint("changes nothing", "grey"))
        for name in [*before, *(name for name in new if name not in before)]:
            self._lines += _change(indent, name, before.get(name, _MISSING), new.get(name, _MISSING), self.paint)

    # How it is shown

    def _settle(self, event: Event) -> None:
        if id(event) not in self._numbers:
            self._events.append(event)  # so that no other event gets its id
            self._numbers[id(event)] = len(self._numbers) + 1

    def _title(self, node: nodes.Node, event: Event) -> None:
        """The file, when it is another one; the event, when it is another one."""
        self._settle(event)
        if node.position.path != self._path:
            self._path = node.position.path
            self._lines.append(self.paint(self._path, "cyan"))
        number = self._numbers[id(event)]
        if self._current and number != self._current:
            self._lines.append(self.paint(f"  event {number}", "cyan"))
        self._current = number

    def _which(self, event: Event) -> str:
        return f" (event {self._numbers[id(event)]})" if len(self._numbers) > 1 else ""

    def _margin(self, node: nodes.Node, depth: int | None = None) -> str:
        depth = self._depths.get(id(node), 0) if depth is None else depth
        return f"{self.paint(str(node.position.line).rjust(5), 'grey')}  {'  ' * depth}"

    def _label(self, node: nodes.Plugin) -> str:
        name = plugin_id(node)
        return f"{node.name} {name}" if name else node.name

    def _add(self, at: nodes.Node, branch: nodes.Branch, text: str, taken: bool) -> None:
        verdict = self.paint("yes", "green", "bold") if taken else self.paint("no", "red")
        self._lines.append(f"{self._margin(at, self._depths[id(branch)])}{text}  → {verdict}")

    def _add_values(self, condition: nodes.Condition, branch: nodes.Branch, event: Event) -> None:
        """The values of the fields in a condition."""
        indent = " " * (9 + 2 * self._depths[id(branch)])
        for reference in dict.fromkeys(one.reference for one in nodes.selectors(condition)):
            value = fieldref.get(event, fieldref.parse(reference))
            shown = "is missing" if value is None else f"= {_cut(value)}"
            self._lines.append(indent + self.paint(f"{reference} {shown}", "grey"))

    def _show_unanswered(self, branch: nodes.Branch, event: Event) -> None:
        """A branch that the event didn't get past: an ordering comparison in it can't be evaluated."""
        self._title(branch, event)
        conditions = [condition for condition, _ in branch.arms]
        at = next((condition for condition in conditions if _orders(condition)), conditions[0])
        keyword = "if" if at is conditions[0] else "else if"
        verdict = self.paint("can't be evaluated: the event is dropped", "red")
        margin = self._margin(at, self._depths[id(branch)])
        self._lines.append(f"{margin}{keyword} {unparse.condition(at)}  → {verdict}")
        self._add_values(at, branch, event)


def _orders(node: nodes.Condition) -> bool:
    """Whether a condition holds <, >, <= or >=."""
    match node:
        case nodes.Boolean():
            return any(map(_orders, node.operands))
        case nodes.Not():
            return _orders(node.operand)
    return isinstance(node, nodes.Compare) and node.operator not in ("==", "!=")


def _references(value: Any, prefix: str = "") -> dict[str, Any]:
    """Reference → value, for each value that is no object: `message`, `[log][offset]`."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        reference = f"{prefix}[{key}]"
        if isinstance(item, dict) and item:
            found |= _references(item, reference)
        else:
            found[reference if prefix else key] = item
    return found


def _distance(one: dict[str, Any], other: dict[str, Any]) -> int:
    return sum(one.get(name, _MISSING) != other.get(name, _MISSING) for name in one.keys() | other.keys())


def _change(indent: str, name: str, old: Any, new: Any, paint: Paint) -> Iterator[str]:
    if old is _MISSING:
        yield indent + paint(f"+ {name} = {_cut(new)}", "green")
    elif new is _MISSING:
        yield indent + paint(f"- {name}", "red") + paint(f"  was {_cut(old)}", "grey")
    elif type(old) is not type(new) or old != new:
        yield indent + paint(f"~ {name} = {_cut(new)}", "yellow") + paint(f"  was {_cut(old)}", "grey")


def _cut(value: Any) -> str:
    text = json.dumps(load_json(dump_json(value)), ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
