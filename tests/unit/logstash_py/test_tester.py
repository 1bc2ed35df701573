"""Golden cases: how they are read, run, told, rewritten, counted, watched, and run in another Logstash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from logstash_py import tester
from logstash_py.cli import main
from logstash_py.tester.run import difference, pipeline_of, run
from tests.polling import poll_until

PIPELINE = """
filter {
  if [message] == "drop me" { drop { } }
  grok { id => "line" match => { "message" => "\\A%{WORD:level} (?<text>.+)\\z" } }
  if [level] == "ERROR" {
    mutate { add_field => { "[log][level]" => "error" } }
  } else if [level] == "DEBUG" {
    mutate { add_tag => ["never"] }
  }
  if [many] { split { field => "many" } }
  translate { source => "level" target => "name" dictionary_path => "${NAMES}/names.yml" }
  mutate { remove_field => ["secret"] }
}
output {
  if [log][level] { kafka { topic_id => "errors" } } else { elasticsearch { id => "all" password => "${UNSET}" } }
}
"""
SUITE = """
# kept
pipeline: ../pipeline.conf
environment: {NAMES: "${SUITE}/.."}
given: {host: {name: here}, secret: s3, env: test}
unchanged: [host, env, message, "@version", "@timestamp"]
absent: [secret]
"""
CASES = """
# A comment that stays.
always: {level: INFO}
outputs: [all]

cases:
  - {name: plain, line: "INFO hello", expected: {text: hello}}   # beside a case
  - name: an error
    outputs: [kafka]
    line: "ERROR it's broken"
    expected:
      level: ERROR   # the word itself
      log: {level: error}
      text: "it's broken"
      name: Fault

  - {name: dropped, line: drop me, expected: []}
  - name: several documents of one event
    event: {message: INFO x, many: [1, 2]}
    expected:
      - {text: x, many: 1}
      - {text: x, many: 2}
  - {name: several events, lines: [INFO a, INFO b], expected: [{text: a}, {text: b}]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pipeline.conf").write_text(PIPELINE)
    (tmp_path / "names.yml").write_text("ERROR: Fault\n")
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "suite.yml").write_text(SUITE)
    (cases / "first.yml").write_text(CASES)
    return cases


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def failures(folder: Path) -> dict[str, list[str]]:
    """Name of each failing case → the lines that tell it."""
    from logstash_py.terminal import Paint

    suite = tester.load(folder)
    pipeline = pipeline_of(suite)
    found = {case.name: difference(case, run(case, pipeline)) for case in suite.cases}
    return {name: list(one.lines(Paint(False))) for name, one in found.items() if one}


def test_all_kinds_of_cases_pass(folder: Path, capsys) -> None:
    assert main(["test", str(folder)]) == 0
    assert capsys.readouterr().out == "5 passed, 0 failed\n"


def test_a_failure_tells_each_field_that_differs(folder: Path, capsys) -> None:
    edit(folder / "first.yml", "name: Fault", "name: Failure\n      extra: 1")
    assert main(["test", str(folder), "--no-color"]) == 1
    out = capsys.readouterr().out
    assert f"{folder}/first.yml:8: an error" in out
    assert out.endswith('    - name: "Failure"\n    + name: "Fault"\n    - extra: 1\n\n4 passed, 1 failed\n')
    assert main(["test", str(folder), "--color"]) == 1
    assert "\x1b[3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "name", "told"),
    [
        ("many: 1}", "many: 1.0}", "several documents of one event", ["- many: 1.0", "+ many: 1"]),
        ("expected: []", "expected: {}", "dropped", ["1 document expected, no documents came"]),
        ("{text: b}]", "{text: b}, {text: c}]", "several events", ["3 documents expected, 2 documents came"]),
        ("outputs: [kafka]", "outputs: [all]", "an error", ["goes to kafka, expected all"]),
        (", expected: []", "", "dropped", ["nothing is expected yet: --update writes what comes now"]),
    ],
)
def test_what_a_failure_says(folder: Path, old: str, new: str, name: str, told: list[str]) -> None:
    edit(folder / "first.yml", old, new)
    found = failures(folder)
    assert list(found) == [name]
    assert found[name][: len(told)] == told


def test_a_field_that_must_not_change_is_watched(folder: Path) -> None:
    edit(folder / "../pipeline.conf", 'remove_field => ["secret"]', 'remove_field => ["secret", "env"]')
    found = failures(folder)
    assert found["plain"] == ['- env: "test"']
    assert "dropped" not in found


def test_why_an_event_was_dropped_is_told(folder: Path) -> None:
    edit(folder / "../pipeline.conf", '[level] == "DEBUG"', "[level] > 5")
    assert any("can't compare 'INFO' with 5" in line for line in failures(folder)["plain"])


def test_the_event_has_a_time_that_is_always_the_same(folder: Path) -> None:
    case = tester.load(folder).cases[0]
    assert case.events[0]["@timestamp"] == "2000-01-01T00:00:00.000Z"
    assert tester.load(folder).environ == {"NAMES": str(folder.parent)}


def test_plain_values_are_read_as_yaml_1_2_has_them(folder: Path) -> None:
    (folder / "b.yml").write_text(
        "cases:\n  - name: a\n    line: INFO x\n"
        "    expected: {a: 2025-02-02, b: 12:30, c: no, d: 1.5, e: 007, f: , g: true}\n"
    )
    values = tester.load(folder).cases[0].expected[0]
    expected = {"a": "2025-02-02", "b": "12:30", "c": "no", "d": 1.5, "e": 7, "f": None, "g": True}
    assert {name: values[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("first.yml", "cases:\n  - {name: a, line: x, expct: {}}\n", "first.yml:2: unknown key `expct`: did you mean"),
        ("first.yml", "cases:\n  - {name: a, line: x, event: {}}\n", "first.yml:2: a case has one of line, lines, "),
        ("first.yml", "cases:\n  - {name: a, lines: x}\n", "first.yml:2: `lines` is a list of text"),
        ("first.yml", "cases:\n  - {name: a, line: x}\n  - {name: a, line: x}\n", "first.yml:3: two cases"),
        ("first.yml", "cases:\n  - name: a\n    line: x\n    line: y\n", "first.yml:4: the key `line` stands"),
        ("first.yml", "cases: [\n", "first.yml:2:1: "),
        ("first.json", '{"cases": [}', "first.json:1:12: "),
        ("first.yml", "always: {}\n", "`cases` is missing"),
        ("suite.yml", "given: {}\n", "`pipeline` is missing"),
        ("suite.yml", "pipeline: x\nenvironment: {A: '${PT_NOPE}'}\n", "PT_NOPE"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_its_line(folder: Path, capsys, file: str, text: str, told: str) -> None:
    (folder / file).write_text(text)
    assert main(["test", str(folder)]) == 1
    assert told in capsys.readouterr().err


def test_cases_may_be_chosen(folder: Path, capsys) -> None:
    (folder / "second.json").write_text(json.dumps({"cases": [{"name": "x", "line": "drop me", "expected": []}]}))
    assert main(["test", str(folder), "second"]) == 0
    assert main(["test", str(folder), "-k", "SEVERAL d*s"]) == 0
    assert main(["test", str(folder), "-k", "no such"]) == 1
    assert main(["test", str(folder), "third.yml"]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"{n} passed, 0 failed, {6 - n} not chosen" for n in (1, 1, 0)]
    assert "third.yml: no case file" in err


# --update


def test_update_changes_what_differs_and_nothing_else(folder: Path, capsys) -> None:
    path = folder / "first.yml"
    before = path.read_text()
    edit(folder / "../names.yml", "Fault", "Breakdown")
    edit(path, ", expected: []}", "}")
    edit(path, "[{text: a}, {text: b}]", "[{text: a}]")
    assert main(["test", str(folder), "--update"]) == 0
    assert "3 updated" in capsys.readouterr().out
    after = path.read_text()
    assert "name: Breakdown" in after
    assert (
        after.replace("Breakdown", "Fault")
        .replace("\n      - text: a\n      - text: b\n", " [{text: a}, {text: b}]")
        .replace("expected:  [", "expected: [")
        .split()
        == before.split()
    )
    assert main(["test", str(folder)]) == 0


def test_update_says_what_a_document_no_longer_has(folder: Path) -> None:
    edit(folder / "../pipeline.conf", '["secret"]', '["secret", "level", "host"]')
    assert main(["test", str(folder), "--update"]) == 0
    case = tester.load(folder).cases[0]
    assert case.expected == [{"text": "hello"}]
    assert failures(folder) == {}


AWKWARD = [
    "no", "true", "1e5", "12:30", "007", "", "~", "a: b", "a # b", "- a", "[x", "2025-02-02", "x\ny\tz", "null", "0x1F",
    "📦 'q' \"d\"", "1_000", "%x", "@x", "=", "<<", " x ", "y", {"b": [1, {"c": "no"}]}, [[], {}], 1.0, 10**30,
]  # fmt: skip


@pytest.mark.parametrize("suffix", [".yml", ".json"])
def test_update_writes_values_that_read_the_same(folder: Path, suffix: str) -> None:
    (folder / "first.yml").unlink()
    event = {"message": "INFO x", "values": {f"k{number}": value for number, value in enumerate(AWKWARD)}}
    (folder / f"new{suffix}").write_text(
        json.dumps({"cases": [{"name": "new", "event": event}]}, ensure_ascii=suffix == ".json")
    )
    assert main(["test", str(folder), "--update"]) == 0
    assert main(["test", str(folder)]) == 0


# Coverage


def test_coverage_names_what_no_case_reached(folder: Path, capsys) -> None:
    assert main(["test", str(folder), "--coverage", "--no-color"]) == 0
    out = capsys.readouterr().out.splitlines()
    conf = folder.parent / "pipeline.conf"
    assert out[1].split() == [str(conf), "8/9", "6/7", "1/2", "83.3", "%"]
    assert out[2:] == [
        f"not reached {conf}:4:3: grok line: failure",
        f'not reached {conf}:7:13: else if [level] == "DEBUG"',
        "5 passed, 0 failed",
    ]


def test_coverage_may_be_demanded(folder: Path, capsys) -> None:
    assert main(["test", str(folder), "--fail-under", "83"]) == 0
    assert main(["test", str(folder), "--fail-under", "84"]) == 1
    assert "coverage is below 84 %" in capsys.readouterr().out


def test_coverage_costs_nothing_when_off(folder: Path) -> None:
    pipeline = pipeline_of(tester.load(folder))
    assert [instance.name for instance in pipeline._pipeline.filters] == [node.name for node, _ in pipeline.filters]


# pytest


def test_each_case_is_a_pytest_test(folder: Path) -> None:
    (folder.parent / "conftest.py").write_text("from logstash_py.tester.pytest_plugin import pytest_collect_file\n")
    edit(folder / "first.yml", "name: Fault", "name: Failure")
    # It has no Django project, whatever this run's environment says.
    plugins = ["-p", "no:cacheprovider", "-p", "no:django"]
    command = [sys.executable, "-m", "pytest", "-q", "-rf", *plugins, str(folder.parent)]
    process = subprocess.run(command, capture_output=True, text=True, cwd=folder.parent, check=False)
    assert process.returncode == 1
    assert "1 failed, 4 passed" in process.stdout
    assert f'{folder}/first.yml:8\n- name: "Failure"\n+ name: "Fault"\n' in process.stdout
    assert "cases/first.yml::an error" in process.stdout


# --watch


def test_watch_runs_again_when_a_dictionary_changes(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as out:
        command = [sys.executable, "-m", "logstash_py", "test", str(folder), "--watch"]
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            # A shell's background job, as this run may be, has its children ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        poll_until("the first run", lambda: "waiting for changes" in log.read_text(), 10, 0.05)
        edit(tmp_path / "names.yml", "Fault", "Breakdown")
        poll_until("a run with the new dictionary", lambda: "4 passed, 1 failed" in log.read_text(), 10, 0.05)
        edit(tmp_path / "pipeline.conf", "drop { }", "drop }")
        poll_until("the syntax error", lambda: "pipeline.conf:3:" in log.read_text(), 10, 0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait(10)


# --logstash


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a Logstash that is none: see fake_logstash.py."""
    program = tmp_path / "logstash/bin/logstash"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).parent / "fake_logstash.py"} "$@"\n')
    program.chmod(0o755)
    return tmp_path / "logstash"


def test_the_cases_run_in_another_logstash(folder: Path, home: Path, capsys, monkeypatch) -> None:
    assert main(["test", str(folder), "--logstash", str(home)]) == 0
    assert "in Logstash: 5 as expected, 0 differ" in capsys.readouterr().out
    monkeypatch.setenv("FAKE_LOGSTASH_DIFFERS", "1")
    assert main(["test", str(folder), "--logstash", str(home), "--no-color"]) == 1
    out = capsys.readouterr().out
    assert f'DIFFERS in Logstash {folder}/first.yml:7: plain\n    + log_level: "OTHER"\n' in out
    assert out.endswith("5 passed, 0 failed\n")


def test_a_container_gets_what_the_environment_names(folder: Path, home: Path, capsys, monkeypatch) -> None:
    """`docker` is a stand-in too: it notes its arguments and starts the other one."""
    docker = home / "docker"
    docker.write_text(
        f'#!/bin/sh\necho "$@" > {home}/arguments\nwhile [ "$1" != the/image ]; do shift; done; shift\n'
        f'exec {home}/bin/logstash "$@"\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(home), prepend=os.pathsep)
    assert main(["test", str(folder), "--logstash", "docker://the/image"]) == 0
    assert "in Logstash: 5 as expected" in capsys.readouterr().out
    arguments = (home / "arguments").read_text()
    assert arguments.startswith("run --rm -i ")
    assert f"-v {folder.parent}:{folder.parent}:ro -e NAMES={folder.parent}" in arguments


@pytest.mark.parametrize(
    ("where", "told"), [("/nowhere", "there is no bin/logstash"), ("http://x:1", "docker://IMAGE")]
)
def test_a_logstash_that_is_not_there_is_told(folder: Path, capsys, where: str, told: str) -> None:
    assert main(["test", str(folder), "--logstash", where]) == 1
    assert told in capsys.readouterr().err


def test_a_logstash_that_fails_is_told(folder: Path, home: Path, capsys) -> None:
    (home / "bin/logstash").write_text("#!/bin/sh\necho no Java here\nexit 3\n")
    assert main(["test", str(folder), "--logstash", str(home)]) == 1
    assert "Logstash ended with 3:\nno Java here" in capsys.readouterr().err
