"""The stack of the fault matrix: log files and store on small disks of their own, a proxy before Logstash."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psutil
import pytest

from native.settings import Settings, free_ports
from tests.integration.conftest import VERSIONS, Stack, versions
from tests.integration.faults.kinds import Proxy

ROWS = pytest.StashKey[list[tuple]]()
LOGS_BYTES, STORE_BYTES = 512 << 20, 3 << 30
TARGET = "127.0.0.2"  # where Logstash listens; Filebeat is told 127.0.0.1, where the proxy is


@pytest.fixture(scope="package")
def stack(request):
    state = Path(tempfile.mkdtemp(prefix="pt-faults-"))
    state.chmod(0o755)
    environ = {**os.environ, **free_ports(), "PT_STATE": str(state), "RUNTIME": "native", "LOG_GROUP": "pt"}
    environ |= {"LOGSTASH_BIND": TARGET, "LOGSTASH_HOST": "127.0.0.1", "LOG_FILE_MAX_BYTES": str(2 << 20)}
    stack = Stack(Settings.load(environ=environ), environ)
    port = stack.settings.logstash_port
    disks = [small_disk(stack.settings.logs, LOGS_BYTES), small_disk(state / "data/elasticsearch", STORE_BYTES)]
    stack.disks = all(disks)
    try:
        stack.run("native", "up")
        # After it, since `up` starts nothing on a port that is taken. Filebeat tries until someone answers.
        stack.proxy = Proxy(("127.0.0.1", port), (TARGET, port))
        request.config.stash[VERSIONS] = versions(stack)
        yield stack
        stack.proxy.close()
    finally:
        stack.run("native", "down", check=False)
        if request.session.testsfailed:
            print(f"The state of the failed tests' stack is kept: {state}")
        else:
            for mounted in (part.mountpoint for part in psutil.disk_partitions(all=True)):
                if Path(mounted).is_relative_to(state):
                    subprocess.run(["umount", mounted], check=True)
            shutil.rmtree(state)


def small_disk(folder: Path, size: int) -> bool:
    """A disk in memory, where this user may mount one."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "pt-faults", str(folder)]
    return subprocess.run(command, capture_output=True).returncode == 0


def pytest_configure(config):
    config.stash[ROWS] = []


@pytest.fixture
def rows(request):
    return request.config.stash[ROWS]


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash[ROWS]
    if not rows:
        return
    head = ("fault", "lines", "dead letters", "lost", "doubled", "seconds to heal")
    widths = [max(len(str(row[n])) for row in (head, *rows)) for n in range(len(head))]
    terminalreporter.section("faults under load")
    for row in (head, *rows):
        cells = (
            str(cell).ljust(width) if n == 0 else str(cell).rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        terminalreporter.write_line("  ".join(cells))
