"""A pipeline in its own process, between a Lumberjack sender and an Elasticsearch of the test's."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.polling import poll_until

from .fake_elasticsearch import FakeElasticsearch
from .lumberjack_client import Sender

PIPELINE = """
input { beats { id => "in" host => "127.0.0.1" port => %(beats)d enrich => [] } }
filter {
  if [message] == "drop me" { drop { id => "dropper" } }
  if [needle] in [hay] { mutate { add_tag => ["found"] } }
  mutate {
    id => "route"
    copy => { "n" => "[@metadata][_ingest_document][id]" }
    replace => { "[data_stream][dataset]" => "%%{service}" "[data_stream][namespace]" => "pt" }
  }
}
output {
  if [service] == "unknown" { file { id => "unrouted" path => "%(data)s/unrouted.jsonl" } }
  else {
    elasticsearch {
      id => "es" hosts => ["%(es)s"] user => "writer" password => "secret" data_stream => "true"
      retry_initial_interval => 0.05 retry_max_interval => 0.2
    }
  }
}
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Running:
    """`python -m logstash_py run` with a pipeline file of its own."""

    def __init__(self, folder: Path, elasticsearch: FakeElasticsearch, pipeline: str = PIPELINE) -> None:
        self.folder = folder
        self.port, self.api_port = free_port(), free_port()
        self.log = folder / "log.txt"
        self.config = folder / "pipeline.conf"
        self.config.write_text(
            pipeline % {"beats": self.port, "es": elasticsearch.url, "data": folder}, encoding="utf-8"
        )
        self.process: subprocess.Popen | None = None

    def start(self, *arguments: str, pipeline: bool = True) -> Running:
        """`pipeline`: run the pipeline file, rather than what `arguments` name."""
        # One process starts faster than three.
        command = [sys.executable, "-m", "logstash_py", "run", "-w", "1"]
        command += ["-f", str(self.config)] if pipeline else []
        command += ["--path.data", str(self.folder / "data"), "--api.http.port", str(self.api_port), *arguments]
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)
        poll_until("the service to listen", self._listens, 60, 0.02)
        return self

    def _listens(self) -> bool:
        log = self.log.read_bytes()[self._log_start :].decode()
        assert self.process.poll() is None, log
        return "listening" in log and "worker processes" in log

    def sender(self) -> Sender:
        return Sender(self.port)

    def stats(self, path: str = "/_node/stats") -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api_port}{path}", timeout=5) as answer:
            return json.load(answer)

    def stop(self) -> int:
        """The exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    @property
    def dead_letters(self) -> list[dict]:
        path = self.folder / "data/dead_letter_queue/main"
        return [json.loads(line) for file in sorted(path.glob("*.jsonl")) for line in file.read_text().splitlines()]


@pytest.fixture
def elasticsearch() -> Iterator[FakeElasticsearch]:
    server = FakeElasticsearch().start()
    yield server
    server.stop()


@pytest.fixture
def service(tmp_path: Path, elasticsearch: FakeElasticsearch) -> Iterator[Running]:
    running = Running(tmp_path, elasticsearch).start()
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait(10)
