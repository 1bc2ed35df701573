"""A pipeline that is watched: what the tester, coverage and `explain` compile in place of the files' own sections.

Inputs are left out. Outputs take nothing anywhere: each is a name under which routed events are collected, so that a
test needs neither their hosts nor their passwords, nor that we have the plugin. An observer is told of each arm and
each filter that an event comes by; without one, nothing stands in the compiled code to tell.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from . import nodes
from .errors import PipelineCrash
from .event import Event
from .parser import parse
from .pipeline import Pipeline, config_files
from .plugin import Context, Filter, Probe


class Observer(Protocol):
    def branch(self, node: nodes.Branch, event: Event) -> None:
        """An event stands before an `if`."""

    def arm(self, node: nodes.Branch, number: int, event: Event) -> None:
        """An event takes an arm: `number` counts from 0; one beyond the last is `else`, written or not."""

    def before(self, node: nodes.Plugin, event: Event) -> None:
        """An event stands before a filter."""

    def after(self, node: nodes.Plugin, event: Event) -> None:
        """An event leaves a filter that didn't drop it."""


@dataclass
class Result:
    """What became of one event: `documents` with the ids of the outputs that each goes to; `log` tells of what went
    wrong, such as a condition that dropped the event."""

    documents: list[tuple[Event, list[str]]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


class ObservedPipeline:
    """`sections` are the filter and output sections as written, `filters` their filters: (node, plugin) in order."""

    def __init__(self, sections: list[nodes.Section], context: Context, observer: Observer | None = None) -> None:
        """Raises ConfigError."""
        self.sections = [section for section in sections if section.kind != "input"]
        names = output_names(self.of("output"))
        # For each output, in order: its name, or what to tell the observer of an event that comes there.
        self._places: list[str | Callable[[Event], None]] = []
        compiled = []
        for section in self.sections:
            if section.kind == "filter":
                statements = section.statements if observer is None else _watched(section.statements, observer)
            else:
                statements = self._collected(section.statements, names, observer)
            compiled.append(nodes.Section(section.position, section.kind, statements))
        self._pipeline = Pipeline(compiled, context)
        instances = [instance for instance in self._pipeline.filters if not isinstance(instance, Probe)]
        written = [node for section in self.of("filter") for node in nodes.plugins(section.statements)]
        self.filters: list[tuple[nodes.Plugin, Filter]] = list(zip(written, instances, strict=True))

    @classmethod
    def from_files(
        cls,
        paths: str | Path | Iterable[str | Path],
        environ: Mapping[str, str],
        ecs: str = "v8",
        observer: Observer | None = None,
    ) -> ObservedPipeline:
        """Raises ConfigError, and OSError for a file that can't be read."""
        sections = [
            section for file in config_files(paths) for section in parse(file.read_text(encoding="utf-8"), str(file))
        ]
        return cls(sections, Context(ecs, "main", environ), observer)

    def of(self, kind: str) -> list[nodes.Section]:
        return [section for section in self.sections if section.kind == kind]

    def files_read(self) -> Iterator[Path]:
        """What the filters read at start: dictionaries and pattern files."""
        for _, instance in self.filters:
            if path := getattr(instance, "dictionary_path", None):
                yield Path(path)
            for folder in getattr(instance, "patterns_dir", ()):
                yield from Path(folder).iterdir()

    def run(self, event: dict[str, Any]) -> Result:
        """One event, given as an input's codec would read it, through filters and routing."""
        result = Result()
        with _log_to(result.log):
            try:
                documents = self._pipeline.filter([event])
            except PipelineCrash as error:
                result.log.append(f"Logstash's pipeline would die at this event: {error}")
                return result
            for document in documents:
                outputs: list[str] = []
                for place, events in zip(self._places, self._pipeline.route([document]), strict=True):
                    for one in events:
                        if isinstance(place, str):
                            outputs.append(place)
                        else:
                            place(one)
                result.documents.append((document, outputs))
        return result

    def _collected(
        self, statements: list[nodes.Statement], names: Mapping[int, str], observer: Observer | None
    ) -> list[nodes.Statement]:
        """Output statements in which each plugin is a null output. So is what tells the observer of an arm."""
        out: list[nodes.Statement] = []

        def place(at: nodes.Node, what: str | Callable[[Event], None]) -> nodes.Plugin:
            self._places.append(what)
            return nodes.Plugin(at.position, "null", [])

        for statement in statements:
            if not isinstance(statement, nodes.Branch):
                out.append(place(statement, names[id(statement)]))
                continue
            if observer:
                out.append(place(statement, partial(observer.branch, statement)))
            blocks = []
            for number, block in enumerate(statement.blocks):
                told = [place(statement, partial(observer.arm, statement, number))] if observer else []
                blocks.append([*told, *self._collected(block, names, observer)])
            arms = [(condition, block) for (condition, _), block in zip(statement.arms, blocks, strict=False)]
            out.append(nodes.Branch(statement.position, arms, blocks[-1]))
        return out


def plugin_id(node: nodes.Plugin) -> str | None:
    """The id that the file gives to a plugin."""
    for attribute in node.attributes:
        if attribute.name == "id" and isinstance(attribute.value, (nodes.String, nodes.Bareword)):
            return attribute.value.text
    return None


def output_names(sections: Iterable[nodes.Section]) -> dict[int, str]:
    """id() of an output's node → its id; without one, its plugin's name, with a number from the second on."""
    seen: Counter[str] = Counter()
    names = {}
    for node in (node for section in sections for node in nodes.plugins(section.statements)):
        name = plugin_id(node) or node.name
        seen[name] += 1
        names[id(node)] = name if seen[name] == 1 else f"{name}_{seen[name]}"
    return names


def _watched(statements: list[nodes.Statement], observer: Observer) -> list[nodes.Statement]:
    out: list[nodes.Statement] = []

    def probe(at: nodes.Node, call: Callable[[Event], None]) -> nodes.Probe:
        return nodes.Probe(at.position, "probe", [], call)

    for statement in statements:
        if isinstance(statement, nodes.Branch):
            arms = [
                (condition, [probe(statement, partial(observer.arm, statement, number)), *_watched(block, observer)])
                for number, (condition, block) in enumerate(statement.arms)
            ]
            told = probe(statement, partial(observer.arm, statement, len(arms)))
            otherwise = [told, *_watched(statement.otherwise, observer)]
            out.append(probe(statement, partial(observer.branch, statement)))
            out.append(nodes.Branch(statement.position, arms, otherwise))
        else:
            out.append(probe(statement, partial(observer.before, statement)))
            out.append(statement)
            out.append(probe(statement, partial(observer.after, statement)))
    return out


class _log_to(logging.Handler):
    """Within the block, what the package logs goes to a list."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def __enter__(self) -> None:
        logging.getLogger(__package__).addHandler(self)

    def __exit__(self, *_: object) -> None:
        logging.getLogger(__package__).removeHandler(self)
