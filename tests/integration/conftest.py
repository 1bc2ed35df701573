"""A stack of the tests' own: own ports, own state. A stack that `make up` started is not touched."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan

from native import runtime
from native.settings import Settings, free_ports
from stack.counting import counter
from stack.store import Store
from stack.traffic import drive, settle
from stack.written import Mark
from tests.paths import ROOT
from tests.polling import poll_until

VERSIONS = pytest.StashKey[list[str]]()


@dataclass
class Stack:
    settings: Settings
    environ: dict[str, str]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run `python -m …` against this stack."""
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, env=self.environ, capture_output=True, text=True, timeout=300
        )
        assert not check or done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}"
        return done

    def processes(self, name: str) -> list[psutil.Process]:
        """The running processes of this stack whose executable is called `name`."""
        return [process for process in runtime.strays(self.settings) if process.name() == name]

    def documents(self, query: dict) -> list[dict]:
        """Every document that matches, as stored."""
        client, index = Store(self.settings).client, self.settings.data_stream("*")
        return [hit["_source"] for hit in scan(client, index=index, query={"query": query}, size=5_000)]

    def read(self, file: str) -> str:
        """What stands in a log file, "django/app.log"."""
        return (self.settings.logs / file).read_text()

    def count(self, query: dict) -> int:
        return Store(self.settings).count(query)

    def wait_for_documents(self, query: dict, number: int, what: str, seconds: float = 30) -> list[dict]:
        """The documents that match, once there are `number` of them."""
        poll_until(f"{number} documents: {what}", lambda: self.count(query) >= number, seconds)
        return self.documents(query)


@pytest.fixture(scope="session")
def stack(request):
    with started(request.session) as stack:
        request.config.stash[VERSIONS] = versions(stack)
        yield stack


@contextmanager
def started(
    session: pytest.Session, around: Callable[[Stack], AbstractContextManager] = nullcontext, **variables: str
) -> Iterator[Stack]:
    """A stack with a state and ports of its own, stopped at the end. Its state is kept where a test failed.

    `around` is entered before it is up, and left once it is down; `variables` are what it would find in .env.
    """
    state = Path(tempfile.mkdtemp(prefix="pt-test-"))
    state.chmod(0o755)  # as root, the servers run as another user, who must be able to enter
    environ = {**os.environ, **free_ports(), "PT_STATE": str(state), "NOISY_LOG_LEVEL": "INFO"}
    environ["RUNTIME"] = "native"
    environ["LOG_GROUP"] = "pt"  # what the tests look for, whatever .env says
    environ |= variables
    stack = Stack(Settings.load(environ=environ), environ)
    try:
        with around(stack):
            try:
                stack.run("native", "up")
                yield stack
            finally:
                stack.run("native", "down", check=False)
    finally:
        if session.testsfailed:
            print(f"The state of the failed tests' stack is kept: {state}", file=sys.stderr)
        else:
            shutil.rmtree(state)


@pytest.fixture(scope="session")
def visited(stack) -> dict[Path, tuple[str, int, int]]:
    """Real traffic, settled: {file: (service, records, documents)}."""
    mark = Mark(counter(stack.settings))
    mark.offsets.clear()  # from the first line of each file on
    drive(stack.settings, requests=150)
    return settle(stack.settings, mark)


def versions(stack: Stack) -> list[str]:
    """What the tests ran against, as the servers themselves tell."""
    settings = stack.settings
    nodes = Elasticsearch(
        settings.elasticsearch_url, basic_auth=("elastic", settings.secrets["ELASTIC_PASSWORD"])
    ).nodes.info()
    [node] = nodes["nodes"].values()
    found = [f"Elasticsearch {node['version']} on Java {node['jvm']['version']}"]
    for name, option in (("filebeat", "version"), ("redis-server", "--version"), ("nginx", "-v")):
        [process, *_] = stack.processes(name)
        told = subprocess.run([process.exe(), option], capture_output=True, text=True, check=True)
        found.append((told.stdout + told.stderr).strip())
    return found


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash.get(VERSIONS, []):
        terminalreporter.write_line(f"ran against {line}")
