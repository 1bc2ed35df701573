"""The commands against a running stack."""

import json
import subprocess
import sys

from native import runtime
from native.state import SERVICES
from tests.paths import ROOT
from tests.polling import poll_until


def test_status_as_json(stack, visited):
    status = json.loads(stack.run("stack", "status", "--json").stdout)
    assert status["runtime"] == "native"
    assert set(status["streams"]) == {stack.settings.data_stream(service) for service in SERVICES}
    for service, _, _ in visited.values():
        stream = status["streams"][stack.settings.data_stream(service)]
        assert stream["docs"] > 0 and stream["last"]
    assert {
        "elasticsearch",
        "logstash",
        "filebeat",
        "redis",
        "django",
        "celery",
        "celerybeat",
        "flower",
        "nginx",
    } <= set(status["parts"])


def test_traffic_counts_every_line(stack):
    done = stack.run("stack", "traffic", "--requests", "60")
    assert "logs-react-pt" in done.stdout


def test_a_second_up_changes_nothing(stack):
    before = {process.pid for process in stack.processes("filebeat")}
    done = stack.run("native", "up")
    assert "running" in done.stdout + done.stderr
    assert {process.pid for process in stack.processes("filebeat")} == before


def test_a_taken_port_is_told_before_anything_starts(stack, tmp_path):
    port = str(stack.settings.elasticsearch_port)
    environ = {**stack.environ, "PT_STATE": str(tmp_path / "other")}
    done = subprocess.run(
        [sys.executable, "-m", "native", "up"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "ELASTICSEARCH_PORT" in done.stdout + done.stderr and port in done.stdout + done.stderr
    stack.run("stack", "status", "--json")  # the stack that holds the port is as it was


def test_down_leaves_nothing_and_up_goes_on_with_the_same_data(stack, visited):
    before = json.loads(stack.run("stack", "status", "--json").stdout)["streams"]["logs-nginx-pt"]["docs"]
    stack.run("native", "down")
    assert left_over(stack) == []
    stack.run("native", "up")

    def documents():
        return json.loads(stack.run("stack", "status", "--json", check=False).stdout)["streams"].get(
            "logs-nginx-pt", {}
        )

    poll_until("the documents of before", lambda: documents().get("docs", 0) >= before)


def left_over(stack):
    return runtime.strays(stack.settings)
