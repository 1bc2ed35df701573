"""Conformance vectors: cases recorded from Logstash, one JSON object a line, and what Logstash made of them.

A case has `id`, `config`, `ecs`, `input` (`lines` or `events`), `expected`, and may have `files` and `env`.
"""

from __future__ import annotations

import json
import tempfile
import time
from datetime import UTC
from pathlib import Path
from typing import Any

from .errors import ConfigError, PipelineCrash
from .pipeline import Pipeline
from .timestamp import Timestamp

NOW = "<now>"


def run(case: dict[str, Any]) -> str | None:
    """Runs one case. Returns None when all is as recorded, else what differs."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in case.get("files", {}).items():
            Path(folder, name).write_text(content, encoding="utf-8")
        config = case["config"].replace("@DIR@", folder)
        return _compare(case, *_outcome(case, config))


def _outcome(case: dict[str, Any], config: str) -> tuple[list[dict[str, Any]] | None, str, str]:
    """(events, failed stage, message): events are None when it failed."""
    given = case["input"]
    data = given["events"] if "events" in given else [{"message": line} for line in given["lines"]]
    try:
        pipeline = Pipeline.from_text(config, case.get("env", {}), case.get("ecs", "v8"))
        return pipeline.filter(data), "", ""
    except ConfigError as error:
        return None, error.stage, str(error)
    except PipelineCrash as error:
        return None, "run", str(error)


def _compare(case: dict[str, Any], events: list[dict[str, Any]] | None, stage: str, message: str) -> str | None:
    expected = case["expected"]
    if not expected["ok"]:
        if events is not None:
            return (
                f"should fail at stage {expected['stage']} ({expected['error_contains']}), but gave\n  {_show(events)}"
            )
        if stage != expected["stage"]:
            return f"should fail at stage {expected['stage']}, but failed at {stage}: {message}"
        return None
    if events is None:
        return f"should work, but failed at stage {stage}: {message}"
    keep_original = "[event][original]" in case["config"] or any(
        "event" in item for item in case["input"].get("events", [])
    )
    actual = [_normalised(event, keep_original) for event in events]
    wanted = list(expected["events"])
    if "clone" in case["config"]:
        actual.sort(key=_canonical)
        wanted.sort(key=_canonical)
    if len(actual) != len(wanted):
        return (
            f"{len(wanted)} events expected, {len(actual)} came\n  expected {_show(wanted)}\n  actual   {_show(actual)}"
        )
    for number, (got, want) in enumerate(zip(actual, wanted, strict=True), 1):
        if _canonical(got) != _canonical(want):
            return f"event {number} differs\n  expected {_canonical(want)}\n  actual   {_canonical(got)}"
    return None


def _normalised(event: dict[str, Any], keep_original: bool) -> dict[str, Any]:
    event = _without_now(event)
    if not keep_original and isinstance(event.get("event"), dict):
        event["event"].pop("original", None)
        if not event["event"]:
            del event["event"]
    return event


def _without_now(value: Any) -> Any:
    if isinstance(value, Timestamp):
        age = abs(time.time() - value.datetime().replace(tzinfo=UTC).timestamp())
        return NOW if age < 60 else str(value)
    if isinstance(value, dict):
        return {key: _without_now(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_now(item) for item in value]
    return value


def _canonical(value: Any) -> str:
    """Key order means nothing, 5 and 5.0 differ, -0.0 and 0.0 don't."""
    return json.dumps(_zero(value), sort_keys=True, ensure_ascii=False)


def _zero(value: Any) -> Any:
    if isinstance(value, float) and value == 0:
        return 0.0
    if isinstance(value, dict):
        return {key: _zero(item) for key, item in value.items()}
    return [_zero(item) for item in value] if isinstance(value, list) else value


def _show(events: list[dict[str, Any]]) -> str:
    return "\n           ".join(map(_canonical, events)) or "nothing"


def read_cases(path: str | Path) -> list[dict[str, Any]]:
    """The cases of one file. Raises ValueError for a line that is no case."""
    cases = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").split("\n"), 1):
        if line.strip():
            try:
                case = json.loads(line)
                case["id"], case["config"], case["input"], case["expected"]
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}:{number}: no conformance case: {error!r}") from None
            cases.append(case)
    return cases
