"""`explain`: step by step what a pipeline does to an event."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from logstash_py.cli import main
from tests.pipeline.golden import CASES

PIPELINE = """filter {
  if [service] == "web" and [message] =~ /^\\{/ {
    json { source => "message" }
  } else {
    grok { id => "line" match => { "message" => "^%{INT:n:int}$" } }
  }
  if [n] > 5 {
    clone { clones => ["copy"] }
  }
  if [message] == "drop" { drop { } }
  mutate { rename => { "service" => "[service][name]" } add_tag => ["seen"] remove_field => ["secret"] }
}
output {
  if [n] == 1 { kafka { topic_id => "ones" } } else { stdout { } }
}
"""


@pytest.fixture
def conf(tmp_path: Path) -> str:
    path = tmp_path / "pipeline.conf"
    path.write_text(PIPELINE)
    return str(path)


@pytest.fixture
def explained(capsys, monkeypatch):
    def explain(text: str, *arguments: str) -> str:
        """The output, with each time as N µs."""
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        assert main(["explain", *arguments]) == 0
        return re.sub(r"\d+ µs", "N µs", capsys.readouterr().out)

    return explain


def test_a_line_is_explained_as_a_service_would_send_it(explained, conf: str) -> None:
    out = explained("1\n", conf, "--set", "service=api", "--set", "[log][offset]=12", "--set", 'secret={"a": 1}')
    steps, document = out.split("\ndocument\n")
    assert steps.splitlines() == [
        'event "1"',
        conf,
        '    2  if [service] == "web" and [message] =~ /^\\{/  → no',
        '         [service] = "api"',
        '         [message] = "1"',
        "    4  else  → yes",
        "    5    grok line  N µs",
        "           + n = 1",
        "    7  if [n] > 5  → no",
        "         [n] = 1",
        '   10  if [message] == "drop"  → no',
        '         [message] = "1"',
        "   11  mutate  N µs",
        '         - service  was "api"',
        "         - [secret][a]  was 1",
        '         + [service][name] = "api"',
        '         + tags = ["seen"]',
        "   14  if [n] == 1  → yes",
        "         [n] = 1",
    ]
    assert '"offset": 12' in document
    assert document.endswith("}\ngoes to kafka\n")


def test_failures_are_named(explained, conf: str) -> None:
    out = explained('{"message": "x", "n": 1}\n', conf, "--json")
    assert '    5    grok line  failed  N µs\n           + tags = ["_grokparsefailure"]' in out


def test_a_dropped_event(explained, conf: str) -> None:
    out = explained('{"message": "drop", "n": 1}\n', conf, "--json")
    assert out.endswith("   10    drop drops the event\nnothing leaves the filters\n")


def test_a_condition_that_drops_the_event(explained, conf: str) -> None:
    out = explained("x\n", conf)
    assert "    7  if [n] > 5  → can't be evaluated: the event is dropped\n         [n] is missing\n" in out
    assert out.endswith("nothing leaves the filters\n")


def test_events_that_a_filter_makes(explained, conf: str) -> None:
    out = explained("7\n", conf)
    assert '  event 2\n    8    clone  made this event\n           + tags = ["copy"]\n' in out
    assert "\ndocument 2\n" in out


def test_several_lines_each_with_the_fields_of_a_file(explained, conf: str, tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text("service: web\n")
    out = explained('{"n": 2}\n1\n', conf, "--event-base", str(tmp_path / "base.yml"))
    assert out.count("\ndocument\n") == 2
    assert "    3    json  N µs\n           + n = 2\n" in out


def test_a_folder_of_golden_cases_names_pipeline_and_fields(explained) -> None:
    arguments = [str(CASES), "--set", "group=pt", "--set", "service=django", "--set", "stream=app"]
    out = explained("INFO|apps.x.tasks|2025-02-02T12:34:56.123|hello\n", *arguments)
    assert '+ app_module = "tasks"' in out
    assert out.endswith("goes to data_streams\n")


def test_a_golden_case_is_explained(explained) -> None:
    out = explained("", str(CASES), "-k", "combined, a 500")
    assert "mutate access_error" in out
    assert out.count("\ndocument\n") == 1


def test_colour_is_for_terminals(explained, conf: str) -> None:
    assert "\x1b[" not in explained("1\n", conf)
    assert "\x1b[" in explained("1\n", conf, "--color")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--set", "x"], "--set x: write it as FIELD=VALUE"), (["-k", "x"], "it has no suite.yml")],
)
def test_what_cannot_be_explained_is_told(monkeypatch, capsys, conf: str, arguments: list[str], told: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("x\n"))
    assert main(["explain", conf, *arguments]) == 1
    assert told in capsys.readouterr().err
