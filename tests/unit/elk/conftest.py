"""A server that records what the jobs of elk/setup ask of it, and the jobs run as the compose file runs them."""

import base64
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.paths import ROOT

PASSWORDS = {
    name: f"made-up {name}"
    for name in (
        "ELASTIC_PASSWORD",
        "KIBANA_SYSTEM_PASSWORD",
        "LOGSTASH_SYSTEM_PASSWORD",
        "LOGSTASH_WRITER_PASSWORD",
        "PT_READER_PASSWORD",
    )
}


@dataclass
class Recorder:
    """`answers` holds (status, body) by "METHOD /path"; anything else is answered 200 {}. `asked` is what came."""

    url: str
    answers: dict[str, tuple[int, dict]] = field(default_factory=dict)
    asked: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def changes(self) -> list[str]:
        """What was asked for that changes anything, in order."""
        return [request for request, _ in self.asked if not request.startswith("GET ")]

    def body(self, request: str) -> dict:
        """The JSON that came with a request, of its last time."""
        return json.loads([body for asked, body in self.asked if asked == request][-1])


@pytest.fixture
def recorder():
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            request = f"{self.command} {self.path}"
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            recorder.asked.append((request, body))
            expected = base64.b64encode(f"elastic:{PASSWORDS['ELASTIC_PASSWORD']}".encode()).decode()
            if self.headers["Authorization"] != f"Basic {expected}":
                status, content = 401, {"error": {"reason": "unable to authenticate user [elastic]"}, "status": 401}
            else:
                status, content = recorder.answers.get(request, (200, {}))
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    recorder = Recorder(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield recorder
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
def run(recorder):
    """Run a script of elk/setup against the recorder."""

    def run(script: str, **environ: str) -> subprocess.CompletedProcess:
        given = {
            "PATH": os.environ["PATH"],
            "ELASTICSEARCH_HOSTS": recorder.url,
            "KIBANA_URL": recorder.url,
            **PASSWORDS,
        }
        return subprocess.run(
            [sys.executable, ROOT / "elk/setup" / script],
            env={name: value for name, value in {**given, **environ}.items() if value},
            capture_output=True,
            text=True,
            timeout=30,
        )

    return run
