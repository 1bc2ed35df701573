"""The commands."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from logstash_py.cli import main

CONFIG = """
input { beats { port => 1 } }
filter {
  grok { match => { "message" => "^%{LOGLEVEL:level} %{GREEDYDATA:text}" } }
  mutate { add_field => { "[@metadata][x]" => "%{level}" } }
}
output { elasticsearch { password => "${PT_UNSET_PASSWORD}" data_stream => "true" } }
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "pipeline.conf"
    path.write_text(CONFIG)
    return str(path)


def run_filter(monkeypatch, capfdbinary, text: str, *arguments: str) -> list[dict]:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=(out := io.BytesIO())))
    assert main(["filter", *arguments]) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_filter_reads_lines_and_needs_no_secret_of_the_outputs(monkeypatch, capfdbinary, config: str) -> None:
    first, second = run_filter(monkeypatch, capfdbinary, "INFO hello\nnothing\n", "-f", config)
    assert (first["level"], first["text"], "@metadata" in first) == ("INFO", "hello", False)
    assert second["tags"] == ["_grokparsefailure"]


def test_filter_reads_json_events_and_shows_metadata(monkeypatch, capfdbinary, config: str) -> None:
    text = json.dumps({"message": "WARN x", "service": "web"}) + "\n\n"
    (event,) = run_filter(monkeypatch, capfdbinary, text, "-f", config, "--json", "--metadata")
    assert (event["service"], event["@metadata"]) == ("web", {"x": "WARN"})


def test_check_tells_all_broken_files(capsys, monkeypatch, tmp_path: Path, config: str) -> None:
    broken = tmp_path / "broken.conf"
    broken.write_text("filter { nope { } }")
    monkeypatch.setenv("PT_UNSET_PASSWORD", "x")
    assert main(["check", str(broken), config]) == 1
    captured = capsys.readouterr()
    assert f"{broken}:1:10: " in captured.err
    assert f"{config}: ok" in captured.out


def test_verify_ends_with_the_count(capsys, tmp_path: Path) -> None:
    case = {
        "id": "a-1",
        "config": 'filter { mutate { add_field => { "x" => "1" } } }',
        "input": {"lines": ["m"]},
        "expected": {"ok": True, "events": [{"@timestamp": "<now>", "@version": "1", "message": "m", "x": "1"}]},
    }
    wrong = case | {"id": "a-2", "expected": {"ok": True, "events": []}}
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(case) + "\n" + json.dumps(wrong) + "\n")
    assert main(["verify", str(path)]) == 1
    out = capsys.readouterr().out
    assert "a-2" in out
    assert out.endswith("1 passed, 1 failed\n")


def test_run_without_an_input_is_told(capsys, tmp_path: Path) -> None:
    path = tmp_path / "p.conf"
    path.write_text("filter { drop { } }")
    assert main(["run", "-f", str(path)]) == 1
    assert "no input section" in capsys.readouterr().err
