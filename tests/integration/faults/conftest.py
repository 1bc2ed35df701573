"""The stack of the fault matrix: log files and store on small disks of their own, a proxy before Logstash."""

import subprocess
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.integration.conftest import VERSIONS, started, versions
from tests.integration.faults.kinds import Proxy

ROWS = pytest.StashKey[list[tuple]]()
LOGS_BYTES, STORE_BYTES = 512 << 20, 3 << 30
NEAR_END, TARGET = "127.0.0.1", "127.0.0.2"  # of the proxy: what Filebeat is told, and where Logstash listens


@pytest.fixture(scope="package")
def stack(request):
    settings = {"LOGSTASH_BIND": TARGET, "LOGSTASH_HOST": NEAR_END, "LOG_FILE_MAX_BYTES": str(2 << 20)}
    with started(request.session, on_small_disks, **settings) as stack:
        # After `up`, which starts nothing on a port that is taken. Filebeat tries until someone answers.
        port = stack.settings.logstash_port
        stack.proxy = Proxy((NEAR_END, port), (TARGET, port))
        request.config.stash[VERSIONS] = versions(stack)
        yield stack
        stack.proxy.close()


@contextmanager
def on_small_disks(stack):
    """Log files and store on disks in memory, where this user may mount any; `stack.disks` says whether."""
    state = stack.settings.state
    sizes = {stack.settings.logs: LOGS_BYTES, state / "data/elasticsearch": STORE_BYTES}
    stack.disks = all([mount(folder, size) for folder, size in sizes.items()])
    try:
        yield
    finally:
        for disk in psutil.disk_partitions(all=True):
            if Path(disk.mountpoint).is_relative_to(state):
                subprocess.run(["umount", disk.mountpoint], check=True)


def mount(folder: Path, size: int) -> bool:
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
    head = ("fault", "lines", "dead letters", "lost", "doubled", "healed after s", "caught up after s")
    widths = [max(len(str(row[n])) for row in (head, *rows)) for n in range(len(head))]
    terminalreporter.section("faults under load")
    for row in (head, *rows):
        cells = (
            str(cell).ljust(width) if n == 0 else str(cell).rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        terminalreporter.write_line("  ".join(cells))
