"""Cases through the pipeline that their suite names."""

from __future__ import annotations

from typing import Any

from ..event import Event
from ..observed import ObservedPipeline, Observer, Result
from ..text import dump_json, load_json
from .difference import Difference, compare
from .suite import Case, Suite


def pipeline_of(suite: Suite, observer: Observer | None = None) -> ObservedPipeline:
    """Raises ConfigError, and OSError for a file that can't be read."""
    return ObservedPipeline.from_files(suite.pipeline, suite.environ, suite.ecs, observer)


def run(case: Case, pipeline: ObservedPipeline) -> list[Result]:
    """What became of each of the case's events."""
    return [pipeline.run(event) for event in case.events]


def as_json(document: Event) -> dict[str, Any]:
    """The document as an output writes it."""
    return load_json(dump_json(document))


def difference(case: Case, results: list[Result]) -> Difference:
    """What a case's events became against what was expected."""
    if case.expected is None:
        return Difference(remarks=["nothing is expected yet: --update writes what comes now"])
    actual: list[dict[str, Any]] = []
    changed = []
    remarks = []
    for event, result in zip(case.events, results, strict=True):
        for document, outputs in result.documents:
            fields = as_json(document)
            actual.append(case.actual(fields))
            through = compare([case.unchanged(event)], [case.unchanged(fields)])
            changed += [(len(actual), one) for _, one in through.fields]
            if case.shared.outputs is not None and sorted(outputs) != sorted(case.shared.outputs):
                remarks.append(f"goes to {_list(outputs)}, expected {_list(case.shared.outputs)}")
    found = compare(case.expected, actual)
    different = Difference([*found.fields, *changed], [*found.remarks, *dict.fromkeys(remarks)])
    if different:
        log = dict.fromkeys(f"log: {line}" for result in results for line in result.log)
        different.remarks.extend(log)
    return different


def _list(names: Any) -> str:
    return ", ".join(sorted(names)) or "no output"
