"""What doctor makes of its findings. The checks themselves: tests/integration/test_doctor.py."""

import io

import pytest
from rich.console import Console

from native.runtime import RuntimeFailure
from native.settings import Settings
from stack.doctor import walk
from stack.doctor.finding import State, broken, ok, warning
from stack.doctor.walk import Told, ask, first_broken, hops, report


def told(text):
    console = Console(file=io.StringIO(), soft_wrap=True, width=200)
    report(text, console)
    return console.file.getvalue()


FINDINGS = [
    Told("Log files", "written", ok("12 lines")),
    Told("Filebeat", "runs", warning("3 dropped", "look")),
    Told("Logstash", "answers", broken("refused", "`make logs SERVICE=logstash`")),
    Told("Elasticsearch", "answers", broken("refused too", "start it")),
]


def test_the_first_broken_hop_is_the_one_that_comes_first_on_a_lines_way():
    assert first_broken(FINDINGS) is FINDINGS[2]
    assert first_broken(FINDINGS[:2]) is None


def test_the_report_is_a_line_a_check_with_remedies_and_ends_with_the_first_broken_hop():
    lines = told(FINDINGS).splitlines()
    assert lines[0] == "Log files" and lines[1].split() == ["✓", "written", "12", "lines"]
    assert [line.strip()[0] for line in lines if line.startswith("  ") and "→" not in line] == ["✓", "!", "✗", "✗"]
    assert any(line.strip() == "→ `make logs SERVICE=logstash`" for line in lines)
    assert lines[-1] == "✗ Broken first: Logstash, answers. refused"
    assert told(FINDINGS[:2]).splitlines()[-1] == "✓ No hop is broken; 1 warnings."


def test_what_comes_behind_a_broken_check_is_not_asked():
    def never(_chain):
        raise AssertionError("asked behind a broken check")

    found = ask(None, {"a": lambda _: ok("x"), "b": lambda _: broken("y", "z"), "c": never})
    assert [finding.state for finding in found.values()] == [State.OK, State.BROKEN, State.NOT_ASKED]
    assert found["c"].evidence == "b: see above"


def test_a_check_that_fails_itself_is_a_broken_one():
    def fails(_chain):
        raise RuntimeFailure("no such container")

    [finding] = ask(None, {"a": fails}).values()
    assert finding.state == State.BROKEN and "no such container" in finding.evidence


@pytest.mark.parametrize(
    ("environ", "elsewhere", "lines"),
    [
        ({"RUNTIME": "native", "ELK": "external"}, [], 6),  # natively all is here
        ({"RUNTIME": "docker"}, [], 6),
        ({"RUNTIME": "docker", "ELK": "external"}, ["Logstash", "Elasticsearch"], 2),
        ({"RUNTIME": "docker", "APP": "external"}, ["Application", "Log files", "Filebeat"], 3),
    ],
)
def test_what_is_on_another_host_is_not_asked(tmp_path, environ, elsewhere, lines):
    found = dict(hops(Settings.load(tmp_path, environ)))
    assert list(found) == ["Application", "Log files", "Filebeat", "Logstash", "Elasticsearch", "Lines"]
    assert [name for name, checks in found.items() if checks is walk.ELSEWHERE] == elsewhere
    assert len(found["Lines"]) == lines


def test_nothing_runs(tmp_path, monkeypatch, capsys):
    settings = Settings.load(tmp_path, {"PT_STATE": str(tmp_path)})
    assert walk.show(settings, as_json=False) == 1
    assert "nothing runs" in capsys.readouterr().out
