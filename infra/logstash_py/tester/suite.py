"""A folder of cases, as it is written: `suite.yml` and any number of case files (*.yml, *.yaml, *.json) beside it.

suite.yml:
    pipeline      file or folder (or a list), relative to suite.yml
    environment   the whole environment of the pipeline; a value may use ${SUITE}, the folder of suite.yml, and the
                  tester's own variables
    ecs           pipeline.ecs_compatibility, v8 unless said
A case:
    name
    line          the message of its event; or `lines`, `event`, `events`
    expected      the document's fields, nested or with dots; a list for several documents, [] when none leaves
In suite.yml, at the top of a case file (beside its `cases`), and in a case:
    given         fields of each event; the nearest wins
    always        fields of each expected document; the nearest wins
    absent        those of `always` and `unchanged` that the documents don't have
    unchanged     fields that must leave as they came and need not be expected
    ignore        fields that may be anything
    outputs       ids of the outputs that the documents go to; the nearest wins
An event without `@timestamp` is given NO_TIME, so that no document depends on the clock. Of `@metadata`, just those
fields are compared that are expected.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .. import nodes
from ..compiler import substitute
from ..errors import ConfigError, Position

NO_TIME = "2000-01-01T00:00:00.000Z"
SUITE_FILE = "suite.yml"

_SHARED = {"given", "always", "absent", "unchanged", "ignore", "outputs"}
_SUITE_KEYS = _SHARED | {"pipeline", "environment", "ecs"}
_FILE_KEYS = _SHARED | {"cases"}
_INPUTS = ("line", "lines", "event", "events")
_CASE_KEYS = _SHARED | {"name", "expected", *_INPUTS}


class SuiteError(ValueError):
    """A suite or a case that can't be read; the text begins with its file and line."""


@dataclass(frozen=True)
class Shared:
    """What a suite, a file or a case says of its events and documents."""

    given: dict[str, Any] = field(default_factory=dict)
    always: dict[str, Any] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    outputs: tuple[str, ...] | None = None

    def extended(self, content: Mapping[str, Any], where: str) -> Shared:
        absent = (*self.absent, *_texts(content, "absent", where))
        always = {**self.always, **flatten(_typed(content, "always", dict, where))}
        return Shared(
            {**self.given, **_typed(content, "given", dict, where)},
            {name: value for name, value in always.items() if not _Names(absent).cover(name)},
            absent,
            (*self.unchanged, *_texts(content, "unchanged", where)),
            (*self.ignore, *_texts(content, "ignore", where)),
            _texts(content, "outputs", where) if "outputs" in content else self.outputs,
        )


@dataclass(frozen=True)
class Case:
    """One case. `events` are as an input would give them to the filters; `expected` holds the documents' fields with
    dots, `always` included, and is None while nobody has said what is expected."""

    name: str
    path: Path
    line: int
    index: int
    shared: Shared
    events: list[dict[str, Any]]
    expected: list[dict[str, Any]] | None

    @property
    def id(self) -> str:
        return f"{self.path.stem}: {self.name}"

    def actual(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a document that `expected` speaks of, with dots: not the volatile ones, not those that leave
        as they came."""
        named = {name for one in self.expected or () for name in one} | self.shared.always.keys()
        kept = _Names((*self.shared.ignore, *self.shared.unchanged))
        return {
            name: value
            for name, value in flatten(document).items()
            if name in named or not (kept.cover(name) or _METADATA.cover(name))
        }

    def unchanged(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Those of an event's or a document's fields that must be the same in both."""
        names, gone = _Names(self.shared.unchanged), _Names(self.shared.absent)
        named = {name for one in self.expected or () for name in one}
        return {
            name: value
            for name, value in flatten(fields).items()
            if names.cover(name) and not gone.cover(name) and name not in named
        }


@dataclass(frozen=True)
class Suite:
    folder: Path
    pipeline: list[Path]
    environ: dict[str, str]
    ecs: str
    shared: Shared
    files: list[Path]
    cases: list[Case]


class _Names:
    """Fields: a name covers itself and what is below it."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self.prefixes = tuple(f"{name}." for name in self.names)

    def cover(self, name: str) -> bool:
        return name in self.names or name.startswith(self.prefixes)


_METADATA = _Names(["@metadata"])


def flatten(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} → {"a.b": 1}. Arrays and empty objects stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def find_folder(path: Path) -> Path | None:
    """The folder of the suite that a case file or a folder belongs to: the nearest with a suite.yml."""
    for folder in (path, *path.parents):
        if (folder / SUITE_FILE).is_file():
            return folder
    return None


def load(folder: str | Path) -> Suite:
    """Reads a suite. Raises SuiteError, and OSError for a file that can't be read."""
    folder = Path(folder)
    path = folder / SUITE_FILE
    if not path.is_file():
        raise SuiteError(f"{folder}: no {SUITE_FILE} in this folder: it names the pipeline that the cases are for")
    content, _ = _read(path)
    _check_keys(content, _SUITE_KEYS, str(path))
    pipeline = content.get("pipeline")
    if not isinstance(pipeline, (str, list)) or not pipeline:
        raise SuiteError(f"{path}: `pipeline` is missing: a pipeline file or folder, relative to {SUITE_FILE}")
    shared = Shared().extended(content, str(path))
    files = case_files(folder)
    cases = [case for file in files for case in _load_file(file, shared)]
    names = [pipeline] if isinstance(pipeline, str) else pipeline
    return Suite(
        folder,
        [Path(os.path.normpath(folder / name)) for name in names],
        _environment(_typed(content, "environment", dict, str(path)), folder, str(path)),
        content.get("ecs", "v8"),
        shared,
        files,
        cases,
    )


def case_files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in (".yml", ".yaml", ".json") and path.name != SUITE_FILE and path.is_file()
    )


def _environment(values: Mapping[str, Any], folder: Path, where: str) -> dict[str, str]:
    known = {**os.environ, "SUITE": str(folder.resolve())}
    environ = {}
    for name, value in values.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        try:
            new = substitute(text, known, nodes.Node(Position(where, 1, 1)))
        except ConfigError as error:
            raise SuiteError(f"{where}: environment: {name}: {error.message}") from None
        # What begins with the folder is a path: without its `..`, for messages.
        environ[str(name)] = os.path.normpath(new) if text.startswith("${SUITE}") else new
    return environ


def _load_file(path: Path, shared: Shared) -> list[Case]:
    content, lines = _read(path)
    _check_keys(content, _FILE_KEYS, str(path))
    if not isinstance(content.get("cases"), list):
        raise SuiteError(f"{path}: `cases` is missing: a list of cases")
    of_file = shared.extended(content, str(path))
    cases: list[Case] = []
    for index, (one, line) in enumerate(zip(content["cases"], lines, strict=True)):
        where = f"{path}:{line}"
        if not isinstance(one, dict):
            raise SuiteError(f"{where}: a case is a mapping with name, line and expected")
        _check_keys(one, _CASE_KEYS, where)
        name = str(one.get("name", f"case {index + 1}"))
        if any(name == other.name for other in cases):
            raise SuiteError(f"{where}: two cases of this file are called {name!r}")
        of_case = of_file.extended(one, where)
        events = [{"@timestamp": NO_TIME, "@version": "1"} | of_case.given | event for event in _events(one, where)]
        cases.append(Case(name, path, line, index, of_case, events, _expected(one, of_case, where)))
    return cases


def _events(case: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    given = [key for key in _INPUTS if key in case]
    if len(given) != 1:
        raise SuiteError(f"{where}: a case has one of {', '.join(_INPUTS)}, not {' and '.join(given) or 'none'}")
    key, value = given[0], case[given[0]]
    values = value if key.endswith("s") else [value]
    kind, name = (str, "text") if key.startswith("line") else (dict, "mapping")
    if not isinstance(values, list) or not all(isinstance(one, kind) for one in values):
        raise SuiteError(f"{where}: `{key}` is {'a list of ' if key.endswith('s') else 'a '}{name}")
    return [{"message": one} if kind is str else one for one in values]


def _expected(case: Mapping[str, Any], shared: Shared, where: str) -> list[dict[str, Any]] | None:
    if "expected" not in case:
        return None
    value = case["expected"]
    documents = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in documents):
        raise SuiteError(f"{where}: `expected` is the document's fields, a list of such, or [] when nothing leaves")
    return [{**shared.always, **flatten(one)} for one in documents]


def _typed(content: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    value = content.get(key)
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise SuiteError(f"{where}: `{key}` is a {'mapping' if kind is dict else 'list'}")
    return value


def _texts(content: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    return tuple(str(item) for item in _typed(content, key, list, where))


def _check_keys(content: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in content:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            hint = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(sorted(known))}"
            raise SuiteError(f"{where}: unknown key `{key}`: {hint}")


# Reading: YAML 1.2's plain values, in which 2025-02-02, 12:34 and `no` are texts.


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 PyYAML's own


for _tag, _pattern, _first in (
    ("bool", r"true|false|True|False|TRUE|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first))


def _construct_int(loader: Any, node: yaml.ScalarNode) -> int:
    return int(node.value)


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def _read(path: Path) -> tuple[dict[str, Any], list[int]]:
    """A file's content, and the lines at which its cases stand."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return _read_json(text, path)
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            if not isinstance(root, yaml.MappingNode):
                raise SuiteError(f"{path}: this file holds no mapping")
            _check_duplicates(root, path)
            content = loader.construct_document(root)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SuiteError(f"{path}:{mark.line + 1}:{mark.column + 1}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise SuiteError(f"{path}: {error}") from None
    lines = [
        item.start_mark.line + 1
        for key, value in root.value
        if key.value == "cases" and isinstance(value, yaml.SequenceNode)
        for item in value.value
    ]
    return content, lines


def _read_json(text: str, path: Path) -> tuple[dict[str, Any], list[int]]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for key, count in Counter(key for key, _ in pairs).items():
            if count > 1:
                raise SuiteError(f"{path}: the key `{key}` stands twice in one object")
        return dict(pairs)

    decoder = json.JSONDecoder(object_pairs_hook=unique)
    try:
        content = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise SuiteError(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from None
    if not isinstance(content, dict):
        raise SuiteError(f"{path}: this file holds no object")
    # The decoder tells no places: its elements are read again, each where it begins.
    lines = []
    opening = re.search(r'"cases"\s*:\s*\[', text)
    position = opening.end() if opening else 0
    for _ in content.get("cases", []):
        position = re.compile(r"[\s,]*").match(text, position).end()  # type: ignore[union-attr]
        lines.append(text.count("\n", 0, position) + 1)
        _, position = decoder.raw_decode(text, position)
    return content, lines


def _check_duplicates(node: yaml.Node, path: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.value != "<<":
                    raise SuiteError(f"{path}:{key.start_mark.line + 1}: the key `{key.value}` stands here twice")
                seen.add(key.value)
            _check_duplicates(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_duplicates(item, path)
