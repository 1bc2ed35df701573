"""The commands, with RUNTIME=docker."""

import json
import subprocess

from containers import compose
from native.settings import Settings
from native.state import SERVICES
from stack.counting import counter
from stack.traffic import drive, settle
from stack.written import Mark
from tests.paths import ROOT
from tests.polling import poll_until


def test_status_as_json(stack, visited):
    status = json.loads(stack.run("stack", "status", "--json").stdout)
    assert status["runtime"] == "docker"
    assert status["unrouted"] == 0
    assert set(status["streams"]) == {stack.settings.data_stream(service) for service in SERVICES}
    assert all(stream["docs"] > 0 and stream["last"] for stream in status["streams"].values())
    assert status["parts"]["migrate"] == "done" and status["parts"]["postgres"] == "healthy"


def test_doctor_and_the_lag_of_each_stream(stack, visited):
    def first_broken():
        return json.loads(stack.run("stack", "doctor", "--json", check=False).stdout)["first_broken"]

    poll_until("a healthy stack", lambda: first_broken() is None, interval=1)

    def all_stored():
        lags = json.loads(stack.run("stack", "status", "--json").stdout)["lags"]
        return all(0 < lag["stored"] == lag["shipped"] == lag["written"] for lag in lags.values())

    poll_until("each line to be stored", all_stored, interval=1)
    with stack.stopped("filebeat"):
        assert first_broken() == {"hop": "Filebeat", "check": "runs"}
    stack.wait_until_healthy()
    with stack.stopped("logstash"):
        assert first_broken() == {"hop": "Logstash", "check": "answers"}
    stack.wait_until_healthy()
    poll_until("a healthy stack again", lambda: first_broken() is None, interval=1)


def test_traffic_counts_every_line(stack):
    assert stack.settings.data_stream("react") in stack.run("stack", "traffic", "--requests", "60").stdout


def test_logs_of_a_container_and_of_files(stack, visited):
    assert "|gunicorn.access|" in stack.run("stack", "logs", "django").stdout
    assert '"request_id"' in stack.run("stack", "logs", "nginx").stdout
    assert "|react." in stack.run("stack", "logs", "react").stdout


def test_a_second_up_changes_nothing(stack):
    before = stack.container("django")["Id"]
    assert "Already running" in stack.run("stack", "up").stdout
    assert stack.container("django")["Id"] == before


def test_docker_compose_by_hand_makes_nothing_anew(stack):
    def containers():
        return {name: container["Id"] for name, container in compose.inspect(stack.project).items()}

    before = containers()
    files = [option for file in compose.files(stack.settings) for option in ("--file", file)]
    command = ["docker", "compose", *files, "up", "--detach"]
    done = subprocess.run(command, cwd=ROOT, env=stack.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert containers() == before


def test_new_passwords_in_a_running_stack_lose_no_line(stack):
    mark, old = Mark(counter(stack.settings)), stack.settings.secrets
    drive(stack.settings, requests=30)
    stack.run("stack", "rotate-passwords")
    stack.settings = Settings.load(environ=stack.environ)
    new = stack.settings.secrets
    assert {name for name in new if new[name] != old[name]} == {name for name in new if name.endswith("_PASSWORD")}
    drive(stack.settings, requests=30)
    files = settle(stack.settings, mark)
    assert {file: counts for file, counts in files.items() if counts[1] != counts[2]} == {}


def test_down_and_up_go_on_with_the_same_data(stack, visited):
    def documents():
        return json.loads(stack.run("stack", "status", "--json").stdout)["streams"]

    before = documents()
    assert "Stopped" in stack.run("stack", "down").stdout
    assert "Nothing runs" in stack.run("stack", "down").stdout
    stack.run("stack", "up")
    assert all(documents()[name]["docs"] >= stream["docs"] for name, stream in before.items())
