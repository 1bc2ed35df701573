import os
import signal
import subprocess
import sys
from dataclasses import replace

import psutil
import pytest

from native import compose, runtime, state
from native.settings import default_cache
from native.toolchain import tools
from tests.polling import poll_until


@pytest.fixture
def spawn():
    started = []

    def spawn(**environ: str) -> subprocess.Popen:
        process = subprocess.Popen(["sleep", "300"], env={**os.environ, **environ})
        started.append(process)
        return process

    yield spawn
    for process in started:
        process.kill()
        process.wait()


def test_strays_are_those_of_this_stack_alone(settings, spawn):
    ours = spawn(PT_STACK=str(settings.state))
    spawn(PT_STACK=f"{settings.state}2")
    spawn(PT_STATE=str(settings.state))  # as in a shell that chose the stack
    poll_until("our process", lambda: [p.pid for p in runtime.strays(settings)] == [ours.pid], 5)


def test_down_ends_strays_and_says_whether_there_were_any(settings, spawn):
    state.prepare(settings)
    assert runtime.down(settings) is False
    spawn(PT_STACK=str(settings.state))
    poll_until("the stray", lambda: runtime.strays(settings), 5)
    assert runtime.down(settings) is True
    assert runtime.strays(settings) == []
    assert runtime.down(settings) is False


def test_nothing_runs_before_the_first_start(settings):
    assert runtime.parts(settings) == {}
    assert runtime.down(settings) is False
    assert not settings.state.exists()


def test_logs_of_an_unknown_service_name_the_known_ones(settings):
    with pytest.raises(runtime.RuntimeFailure, match=r"There is no djago\. There are: .*\bdjango\b.*\breact\b"):
        runtime.logs(settings, "djago")


def test_the_log_of_a_build_is_put_beside_react_log_once(tmp_path):
    """A file with other first bytes is another file to Filebeat: it would read the same build again."""
    first, second, log = tmp_path / "first", tmp_path / "second", tmp_path / "react" / "build.log"
    first.write_text("INFO|react.build|2025-02-02T12:00:00.000|one\n")
    second.write_text("INFO|react.build|2025-02-02T12:00:01.000|two\n")
    log.parent.mkdir()
    runtime.keep_build_log(first, log)
    identity = log.stat().st_ino
    runtime.keep_build_log(first, log)
    assert log.stat().st_ino == identity
    runtime.keep_build_log(second, log)
    assert (log.read_text(), (log.parent / "build.log.1").read_text()) == (second.read_text(), first.read_text())
    assert {file.name for file in log.parent.iterdir()} == {"build.log", "build.log.1"}


# A stack of two small parts on the real process-compose.

PARTS = """
x-stop-order: [[front], [back]]
processes:
  back:
    availability: {restart: always, backoff_seconds: 1}
    entrypoint: [python, -m, http.server, --bind, 127.0.0.1, "${DJANGO_PORT}"]
    readiness_probe: {http_get: {port: "${DJANGO_PORT}"}, period_seconds: 1, failure_threshold: 100}
    shutdown: {timeout_seconds: 5}
  front:
    availability: {restart: always, backoff_seconds: 1}
    command: FRONT
    readiness_probe: {exec: {command: "true"}, period_seconds: 1}
    shutdown: {timeout_seconds: 5}
    depends_on:
      back: {condition: process_healthy}
"""


@pytest.fixture
def small(settings, tmp_path, monkeypatch):
    """start(front): brings up a stack of `back`, a web server, and `front`, a shell command, without preflight."""
    program = next(tool for tool in tools.tools() if tool.name == "process-compose").folder(default_cache())
    if not program.is_dir():
        pytest.skip("process-compose is not in the cache: python -m native toolchain")
    template = tmp_path / "process-compose.yml"
    monkeypatch.setattr(compose, "TEMPLATE", template)
    state.prepare(settings)
    state.generate_secrets(settings)
    said = []

    def start(front: str) -> list[str]:
        template.write_text(PARTS.replace("FRONT", front))
        compose.template.cache_clear()
        runtime.write_document(settings)
        supervisor = runtime.start(settings, {"process-compose": program})
        runtime.wait_until_settled(settings, supervisor, said.append)
        return said

    yield start
    runtime.stop(settings)
    compose.template.cache_clear()
    assert runtime.strays(settings) == []


def test_a_part_that_is_killed_comes_back_and_down_leaves_nothing(settings, small):
    said = small("exec sleep 300")
    assert runtime.parts(settings) == {"back": "healthy", "front": "healthy"}
    assert ["back" in said[0], "front" in said[1]] == [True, True]

    killed = runtime.processes(settings)["front"]["pid"]
    os.kill(killed, signal.SIGKILL)
    poll_until("front's restart", lambda: runtime.processes(settings)["front"]["pid"] != killed, 10)

    assert runtime.down(settings) is True
    assert runtime.parts(settings) == {}
    assert runtime.strays(settings) == []


def test_a_part_that_cannot_start_is_told_with_the_end_of_what_it_printed(settings, small):
    with pytest.raises(runtime.RuntimeFailure) as error:
        small("echo the flux capacitor is missing; exit 3")
    assert "front did not start (exit status 3)" in str(error.value)
    assert "\nthe flux capacitor is missing\n" in str(error.value)


def test_what_a_killed_process_compose_leaves_is_ended_by_down(settings, small):
    small("exec sleep 300")
    [supervisor] = [process for process in runtime.strays(settings) if process.name() == "process-compose"]
    supervisor.kill()
    poll_until("its end", lambda: not supervisor.is_running() or supervisor.status() == psutil.STATUS_ZOMBIE, 5)
    assert runtime.parts(settings) == {}
    assert len(runtime.strays(settings)) == 2
    assert runtime.down(settings) is True


def test_a_failed_preflight_starts_nothing(settings, monkeypatch):
    same = replace(settings, flower_port=settings.nginx_port)
    with pytest.raises(runtime.RuntimeFailure, match=r"Nothing was started:\n  ✗ .*are both") as error:
        runtime.up(same, print)
    assert "→ Give each its own" in str(error.value)
    assert not settings.state.exists()


def test_the_command_line_tells_its_commands():
    for command in ("toolchain", "up", "down", "clean", "ps", "logs"):
        done = subprocess.run([sys.executable, "-m", "native", command, "--help"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
