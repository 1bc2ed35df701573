"""Which parts of a pipeline the cases reached.

Points are counted, each at its place in a file: arms (`if`, `else if`, `else`, and the way past an `if` that has none),
filters, and of the filters that parse something both outcomes, success and failure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import nodes, unparse
from ..errors import Position
from ..event import Event
from ..observed import ObservedPipeline, plugin_id
from ..terminal import Paint

# Filters that count each failure, whether they tag it or not.
_PARSERS = {"date", "dissect", "grok", "json"}
KINDS = ("arms", "filters", "outcomes")


@dataclass(frozen=True)
class Point:
    position: Position
    kind: str
    text: str
    hits: int
    # Within an arm that was not reached: counted, but the arm tells it.
    implied: bool = False


class Coverage:
    """An observer that counts. `points(pipeline)` after the last case."""

    def __init__(self) -> None:
        self._arms: Counter[tuple[int, int]] = Counter()
        self._filters: Counter[int] = Counter()

    def branch(self, node: nodes.Branch, event: Event) -> None:
        pass

    def arm(self, node: nodes.Branch, number: int, event: Event) -> None:
        self._arms[id(node), number] += 1

    def before(self, node: nodes.Plugin, event: Event) -> None:
        self._filters[id(node)] += 1

    def after(self, node: nodes.Plugin, event: Event) -> None:
        pass

    def points(self, pipeline: ObservedPipeline) -> list[Point]:
        """In the order of the files."""
        failures = {id(node): instance.metrics.failures for node, instance in pipeline.filters}
        instances = {id(node): instance for node, instance in pipeline.filters}
        found: list[Point] = []

        def block(statements: Iterable[nodes.Statement], kind: str, implied: bool) -> None:
            for statement in statements:
                if isinstance(statement, nodes.Branch):
                    branch(statement, kind, implied)
                elif kind == "filter":
                    name = plugin_id(statement)
                    label = f"{statement.name} {name}" if name else statement.name
                    hits = self._filters[id(statement)]
                    found.append(Point(statement.position, "filters", label, hits, implied))
                    if statement.name in _PARSERS:
                        failed = failures[id(statement)]
                        found.append(
                            Point(statement.position, "outcomes", f"{label}: success", hits - failed, not hits)
                        )
                        # Told not to mind, json neither tags nor counts.
                        if not getattr(instances[id(statement)], "skip_on_invalid_json", False):
                            found.append(Point(statement.position, "outcomes", f"{label}: failure", failed, not hits))

        def branch(node: nodes.Branch, kind: str, implied: bool) -> None:
            for number, (condition, statements) in enumerate(node.arms):
                text = f"{'else if' if number else 'if'} {unparse.condition(condition)}"
                hits = self._arms[id(node), number]
                found.append(Point(condition.position, "arms", text, hits, implied))
                block(statements, kind, not hits)
            hits = self._arms[id(node), len(node.arms)]
            if node.else_at:
                found.append(Point(node.else_at, "arms", "else", hits, implied))
                block(node.otherwise, kind, not hits)
            else:
                text = f"past {'if' if len(node.arms) == 1 else 'all arms of if'} {unparse.condition(node.arms[0][0])}"
                found.append(Point(node.position, "arms", text, hits, implied))

        for section in pipeline.sections:
            block(section.statements, section.kind, False)
        return found


def percent(points: Iterable[Point]) -> float:
    """How many of 100 points were reached; 100 of none."""
    points = list(points)
    return 100 * sum(point.hits > 0 for point in points) / len(points) if points else 100.0


def report(points: list[Point], paint: Paint, folder: Path) -> Iterator[str]:
    """A table by file, then what is missing. Paths are shown from `folder` where they lie in it."""
    paths = list(dict.fromkeys(point.position.path for point in points))
    shown = {path: _relative(path, folder) for path in paths}
    width = max([len("coverage"), *(len(name) for name in shown.values())])
    yield paint("coverage".ljust(width) + "".join(kind.rjust(12) for kind in KINDS) + "total".rjust(9), "bold")
    for path in paths:
        of_file = [point for point in points if point.position.path == path]
        cells = ""
        for kind in KINDS:
            of_kind = [point for point in of_file if point.kind == kind]
            cells += f"{sum(point.hits > 0 for point in of_kind)}/{len(of_kind)}".rjust(12)
        total = percent(of_file)
        yield shown[path].ljust(width) + cells + paint(_shown(total).rjust(9), "green" if total == 100 else "red")
    for point in points:
        if not point.hits and not point.implied:
            at = point.position
            yield f"{paint('not reached', 'red')} {shown[at.path]}:{at.line}:{at.column}: {point.text}"


def _shown(value: float) -> str:
    """Rounded down: 100 % means all."""
    return f"{int(value * 10) / 10:g} %"


def _relative(path: str, folder: Path) -> str:
    try:
        return str(Path(path).resolve().relative_to(folder.resolve()))
    except ValueError:
        return path
