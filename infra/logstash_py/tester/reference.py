"""The cases in a real Logstash: one run of it for all, whose documents are held against the same expectations.

Logstash gets a pipeline that is generated: the events come as JSON lines on its standard input, the filter sections are
the suite's own, each output is a file named for it. What it takes (a JVM's start, some 20 s and more) is taken once.
While an event is in Logstash its case and number are in `[@metadata][logstash_py]`.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from .. import nodes, unparse
from ..errors import Position
from ..observed import ObservedPipeline, Result, output_names
from ..terminal import Paint
from .run import difference
from .suite import Case, Suite

_MARK = "logstash_py"
_SECONDS = 600
_DOCKER = "docker://"


class LogstashError(ValueError):
    """Logstash can't be started, or fails."""


def compare(suite: Suite, cases: list[Case], pipeline: ObservedPipeline, where: str, paint: Paint) -> int:
    """How many cases come out otherwise in the Logstash at `where` than they expect: each is printed. Raises
    LogstashError."""
    differing = 0
    for case, results in zip(cases, run(suite, cases, pipeline, where), strict=True):
        found = difference(case, results)
        if found:
            differing += 1
            print(f"{paint('DIFFERS in Logstash', 'red', 'bold')} {case.path}:{case.line}: {paint(case.name, 'bold')}")
            print(*(f"    {line}" for line in found.lines(paint)), "", sep="\n")
    print(f"in Logstash: {len(cases) - differing} as expected, {differing} differ")
    return differing


def run(suite: Suite, cases: list[Case], pipeline: ObservedPipeline, where: str) -> list[list[Result]]:
    """For each case, what became of its events. Raises LogstashError."""
    with tempfile.TemporaryDirectory(prefix="logstash-") as name:
        folder = Path(name)
        (folder / "settings").mkdir()
        (folder / "out").mkdir()
        settings = {
            "pipeline.ecs_compatibility": suite.ecs, "pipeline.workers": 1, "pipeline.ordered": True,
            "api.enabled": False, "log.level": "warn", "path.data": str(folder / "data"),
        }  # fmt: skip
        (folder / "settings/logstash.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        (folder / "pipeline.conf").write_text(_config(pipeline, folder), encoding="utf-8")
        arguments = ["--path.settings", str(folder / "settings"), "-f", str(folder / "pipeline.conf")]
        command = [*_command(where, folder, suite.environ), *arguments]
        events = "".join(json.dumps(event) + "\n" for event in _marked(cases))
        try:
            process = subprocess.run(  # noqa: S603 the user names it
                command,
                input=events,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                env={**os.environ, **suite.environ},
                check=False,
            )
        except OSError as error:
            raise LogstashError(f"{where}: {command[0]} can't be started: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise LogstashError(f"{where}: Logstash did not end within {_SECONDS} s") from None
        if process.returncode:
            told = "\n".join((process.stdout + process.stderr).splitlines()[-20:])
            raise LogstashError(f"{where}: Logstash ended with {process.returncode}:\n{told}")
        return _read(cases, folder)


def _command(where: str, folder: Path, environ: Mapping[str, str]) -> list[str]:
    if where.startswith(_DOCKER):
        # What the environment names, such as dictionaries, stands at the same path in the container.
        paths = sorted({value for value in environ.values() if value.startswith("/") and Path(value).exists()})
        mounts = [part for path in paths for part in ("-v", f"{path}:{path}:ro")]
        variables = [part for name, value in environ.items() for part in ("-e", f"{name}={value}")]
        user = ["--user", f"{os.getuid()}:0"]
        run_ = ["docker", "run", "--rm", "-i", *user, "-v", f"{folder}:{folder}", *mounts, *variables]
        return [*run_, where.removeprefix(_DOCKER)]
    if "://" in where:
        raise LogstashError(f"{where}: give the home of a Logstash, or docker://IMAGE")
    executable = Path(where) / "bin" / "logstash"
    if not executable.is_file():
        raise LogstashError(f"{where}: there is no bin/logstash in this folder")
    return [str(executable)]


def _config(pipeline: ObservedPipeline, folder: Path) -> str:
    at = Position("", 0, 0)

    def file(name: str) -> nodes.Plugin:
        options = {"path": nodes.String(at, f"{folder}/out/{name}.jsonl"), "codec": nodes.Bareword(at, "json_lines")}
        return nodes.Plugin(at, "file", [nodes.Attribute(at, key, value) for key, value in options.items()])

    names = output_names(pipeline.of("output"))

    def to_files(statements: Iterable[nodes.Statement]) -> list[nodes.Statement]:
        return [
            nodes.Branch(at, [(condition, to_files(block)) for condition, block in one.arms], to_files(one.otherwise))
            if isinstance(one, nodes.Branch)
            else file(f"to-{names[id(one)]}")
            for one in statements
        ]

    before = (
        # Neither adds anything of its own but `host`.
        'input { stdin { ecs_compatibility => "disabled" codec => json_lines { ecs_compatibility => "disabled" } } }\n'
        f'filter {{ if [@metadata][{_MARK}][hostless] {{ mutate {{ remove_field => ["host"] }} }} }}\n'
    )
    after = f'filter {{ mutate {{ copy => {{ "[@metadata]" => "{_MARK}" }} }} }}\n'
    filters = "".join(map(unparse.section, pipeline.of("filter")))
    outputs = [nodes.Section(at, "output", to_files(section.statements)) for section in pipeline.of("output")]
    every = nodes.Section(at, "output", [file("all")])
    return before + filters + after + "".join(map(unparse.section, [*outputs, every]))


def _marked(cases: list[Case]) -> Iterator[dict[str, Any]]:
    for index, case in enumerate(cases):
        for number, event in enumerate(case.events):
            mark = {"case": index, "event": number}
            if "host" not in event:
                mark["hostless"] = True
            yield {**event, "@metadata": {**event.get("@metadata", {}), _MARK: mark}}


def _read(cases: list[Case], folder: Path) -> list[list[Result]]:
    went: dict[str, Counter[str]] = {
        path.stem[len("to-") :]: Counter(path.read_text(encoding="utf-8").splitlines())
        for path in (folder / "out").glob("to-*.jsonl")
    }
    results = [[Result() for _ in case.events] for case in cases]
    everything = folder / "out/all.jsonl"
    for line in everything.read_text(encoding="utf-8").splitlines() if everything.exists() else ():
        document = json.loads(line)
        metadata = document.pop(_MARK)
        mark = metadata.pop(_MARK)
        if metadata:
            document["@metadata"] = metadata
        outputs = []
        for name, lines in went.items():
            if lines[line] > 0:
                lines[line] -= 1
                outputs.append(name)
        results[mark["case"]][mark["event"]].documents.append((document, outputs))
    return results
