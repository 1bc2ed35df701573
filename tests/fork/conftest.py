"""A copy of the tree that a test may change, and what the parts of the stack make of it."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from dotenv import dotenv_values

from native.settings import SECRET_NAMES, Settings
from tests.fork import recipes
from tests.paths import ROOT

RENAME = "Rename the group"

# What `make` makes, and what no part reads.
LEFT_OUT = (".*", "__pycache__", "node_modules", "*.egg-info", "data", "docs", "unit", "integration", "bench")


class Fork:
    """A tree of one's own. Everything is asked of its own code, in a process whose only settings are its `.env`."""

    def __init__(self, tree: Path, state: Path, elasticsearch: "FakeElasticsearch") -> None:
        self.tree, self.state, self.elasticsearch = tree, state, elasticsearch
        self.parts: dict[str, dict] = {}

    @property
    def group(self) -> str:
        return dotenv_values(self.tree / ".env.example")["LOG_GROUP"]

    def follow(self, title: str) -> list[Path]:
        """Do what a section of docs/fork.md says; the first `make up` then makes .env. Returns the files touched."""
        if title == RENAME and self.group != "pt":
            pytest.skip(f"the group is {self.group} here")
        try:
            touched = recipes.follow(title, self.tree)
        except recipes.Followed as followed:
            pytest.skip(str(followed))
        shutil.copyfile(self.tree / ".env.example", self.tree / ".env")
        self.parts.clear()
        return touched

    def python(self, *arguments: str, stdin: str | None = None, check: bool = True, **environ: str) -> str:
        """What `python …` prints in the tree, with the tree's own packages."""
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.tree / "infra"),
            "PT_STATE": str(self.state),
            "ELASTICSEARCH_PORT": str(self.elasticsearch.port),
            **dict.fromkeys(SECRET_NAMES, "made up"),
            **environ,
        }
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.tree, env=environ, input=stdin, capture_output=True, text=True
        )
        assert not check or done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def part(self, name: str) -> dict[str, str]:
        """The environment that a part of the native stack gets."""
        if not self.parts:
            script = "import json; from native import compose; from native.settings import Settings; "
            script += "print(json.dumps(compose.render(Settings.load())['processes']))"
            self.parts.update(json.loads(self.python("-c", script)))
        return dict(line.split("=", 1) for line in self.parts[name]["environment"])

    def golden_cases(self, *changes: tuple[str, str]) -> str:
        """What the tester says of the tree's golden cases, in which texts are changed first. Fails when a case does."""
        cases = self.tree / "tests/pipeline/cases"
        for path in cases.glob("*.yml") if changes else ():
            text = path.read_text()
            for old, new in changes:
                text = text.replace(old, new)
            path.write_text(text)
        return self.python("-m", "logstash_py", "test", str(cases))

    def documents(self, *events: dict) -> list[dict]:
        """What the pipeline makes of events as Filebeat sends them, in the environment that Logstash gets."""
        lines = "".join(f"{json.dumps(event)}\n" for event in events)
        pipeline = self.tree / "elk/logstash/pipeline"
        told = self.python(
            "-m", "logstash_py", "filter", "-f", str(pipeline), "--json", stdin=lines, **self.part("logstash")
        )
        return [json.loads(line) for line in told.splitlines()]

    def filebeat_inputs(self) -> dict[str, dict]:
        """{path: fields} of the inputs that Filebeat is started with. Filebeat itself tries them where it is built."""
        environ = self.part("filebeat")
        for variable in ("LOG_FILE_PATH", "FILEBEAT_DATA", "FILEBEAT_CONFIG_DIR"):
            Path(environ[variable]).mkdir(parents=True, exist_ok=True)
        programs = self.state / "programs"
        programs.mkdir(exist_ok=True)
        built = sorted(Settings.load(environ={}).cache.glob("filebeat/*/bin/filebeat"))
        (programs / "filebeat").unlink(missing_ok=True)
        (programs / "filebeat").symlink_to(built[-1] if built else shutil.which("true"))
        environ["PATH"] = f"{programs}:{os.environ['PATH']}"
        command = [self.tree / "filebeat/entrypoint.sh", "test", "config"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        rendered = yaml.safe_load((Path(environ["FILEBEAT_CONFIG_DIR"]) / "filebeat.yml").read_text())
        return {
            path.removeprefix(f"{environ['LOG_FILE_PATH']}/"): one["fields"]
            for one in rendered["filebeat.inputs"]
            for path in one["paths"]
        }

    def set_up(self) -> None:
        """What the jobs of elk/setup do, with a server that has users of its own and Kibana."""
        environ = {**self.part("setup"), "KIBANA_URL": f"http://127.0.0.1:{self.elasticsearch.port}"}
        for job in ("setup", "kibana"):
            self.python(f"elk/setup/{job}.py", **environ)

    def roles(self) -> dict[str, dict]:
        """The roles of the native Elasticsearch."""
        script = "import sys; from pathlib import Path; from native.elasticsearch import roles_yml; "
        script += "from native.settings import Settings; "
        script += "print(roles_yml(Path('elk/elasticsearch/roles'), Settings.load().group))"
        return yaml.safe_load(self.python("-c", script))

    def streams(self) -> Iterable[str]:
        """The data streams that `make status` lists."""
        return json.loads(self.python("-m", "stack", "status", "--json", check=False))["streams"]


class FakeElasticsearch:
    """Says that all is well, as Kibana too, holds no document, and keeps what it is sent."""

    ANSWER: ClassVar = {
        "authentication_realm": {"type": "reserved"},
        "hits": {"total": {"value": 0}, "hits": []},
        "status": {"overall": {"level": "available"}},
        "success": True,
    }

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}
        sent = self.sent

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                sent[self.path.partition("?")[0]] = body.decode()
                content = json.dumps(FakeElasticsearch.ANSWER).encode()
                self.send_response(200)
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_PUT = do_GET

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port

    def sent_below(self, path: str) -> dict[str, dict]:
        """{path: body} of what was put below a path."""
        return {name: json.loads(body) for name, body in self.sent.items() if name.startswith(path) and body}


@pytest.fixture
def elasticsearch() -> Iterator[FakeElasticsearch]:
    fake = FakeElasticsearch()
    thread = threading.Thread(target=fake.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()
    thread.join()


@pytest.fixture
def fork(tmp_path, elasticsearch) -> Fork:
    tree, state = tmp_path / "tree", tmp_path / "state"
    shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    shutil.copyfile(ROOT / ".env.example", tree / ".env.example")
    shutil.copyfile(ROOT / ".env.example", tree / ".env")
    state.mkdir()
    return Fork(tree, state, elasticsearch)
