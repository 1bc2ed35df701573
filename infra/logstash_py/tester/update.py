"""Expectations rewritten to what came: in place, for review by `git diff`. Comments, order, quotes and layout stay."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

from ..observed import Result
from .difference import MISSING, compare, same
from .run import as_json
from .suite import Case, flatten


def update(path: Path, changed: Iterable[tuple[Case, list[Result]]]) -> None:
    """Rewrites the expectations of these cases of one file."""
    if path.suffix == ".json":
        content = json.loads(path.read_text(encoding="utf-8"))
        for case, results in changed:
            _rewrite(content["cases"][case.index], case, results)
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    content = yaml.load(path.read_text(encoding="utf-8"))
    for case, results in changed:
        _rewrite(content["cases"][case.index], case, results)
    out = io.StringIO()
    yaml.dump(content, out)
    path.write_text(out.getvalue(), encoding="utf-8")


def _rewrite(written: Any, case: Case, results: list[Result]) -> None:
    documents, outputs, gone = [], [], set()
    for event, result in zip(case.events, results, strict=True):
        for document, names in result.documents:
            fields = as_json(document)
            through = compare([case.unchanged(event)], [case.unchanged(fields)]).fields
            changed = {one.name: one.actual for _, one in through if one.actual is not MISSING}
            documents.append(case.actual(fields) | changed)
            outputs.append(sorted(names))
            gone |= {one.name for _, one in through if one.actual is MISSING}
            gone |= {name for name in case.shared.always if name not in documents[-1]}
    # What documents must not have is said of all of a case's at once.
    absent = [name for name in written.get("absent", []) if not any(name in document for document in documents)]
    absent += sorted(gone - set(absent))
    if absent or "absent" in written:
        written["absent"] = _plain(absent)
    new = [_own(document, {n: v for n, v in case.shared.always.items() if n not in gone}) for document in documents]
    old = written.get("expected")
    if isinstance(old, dict) and len(new) == 1:
        _edit(old, new[0])
    elif isinstance(old, list) and len(old) == len(new):
        for one, fields in zip(old, new, strict=True):
            _edit(one, fields)
    else:
        written["expected"] = _plain(new[0] if len(new) == 1 and not isinstance(old, list) else new)
    if case.shared.outputs is not None and outputs and outputs[0] != sorted(case.shared.outputs):
        written["outputs"] = _plain(outputs[0])


def _own(document: dict[str, Any], always: dict[str, Any]) -> dict[str, Any]:
    """The fields that the case itself must say."""
    return {name: value for name, value in document.items() if name not in always or not same(always[name], value)}


def _edit(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Changes what differs only. `old` may be nested; `new` has flat names."""
    told = set()
    for key in list(old):
        flat = flatten({key: old[key]})
        if all(name in new and same(_value(value), new[name]) for name, value in flat.items()):
            told |= flat.keys()
        elif key in new and not (isinstance(old[key], dict) and old[key]):
            old[key] = _plain(new[key], old[key])
            told.add(key)
        else:
            del old[key]
    for name, value in new.items():
        if name not in told:
            old[name] = _plain(value)


def _value(value: Any) -> Any:
    """A value as the reader of cases sees it: ruamel's kinds of texts and numbers are plain ones."""
    if isinstance(value, bool) or value is None:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, dict):
        return {str(key): _value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item) for item in value]
    return str(value)


def _plain(value: Any, like: Any = None) -> Any:
    """A value to write: texts in the quotes of the old one, several lines as one; arrays and inner objects in one
    line."""
    if isinstance(value, str):
        if "\n" in value or "\t" in value or isinstance(like, DoubleQuotedScalarString):
            return DoubleQuotedScalarString(value)
        return SingleQuotedScalarString(value) if isinstance(like, SingleQuotedScalarString) else value
    if isinstance(value, list):
        items = CommentedSeq(map(_plain, value))
        if not any(isinstance(item, dict) for item in value):
            items.fa.set_flow_style()
        return items
    if isinstance(value, dict):
        return CommentedMap((key, _plain(item)) for key, item in value.items())
    return value
