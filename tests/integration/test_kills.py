"""Fast rotation, and a part of the chain that is killed in the middle of it: each line arrives once."""

import subprocess
import sys

import psutil
import pytest

from native import runtime
from tests.paths import ROOT
from tests.polling import poll_until

LINES = 24_000
WRITER = """
import logging, sys, time
from config.logging.files import SharedRotatingFileHandler
from config.logging.formatters import PipeFormatter

path, name, lines = sys.argv[1], sys.argv[2], int(sys.argv[3])
handler = SharedRotatingFileHandler(path, max_bytes=400_000, backups=5)
handler.setFormatter(PipeFormatter())
logger = logging.getLogger(name)
logger.addHandler(handler)
logger.setLevel("INFO")
for number in range(lines):
    logger.info("numbered line %06d of a file that is rotated every second", number)
    time.sleep(0.3e-3)
"""


@pytest.mark.parametrize("part", ["filebeat", "logstash"])
def test_no_line_is_lost_or_doubled(stack, part):
    # Filebeat's path django/app.log* takes it in, as it takes in a backup.
    path = stack.settings.logs / "django" / f"app.log.{part}"
    name = f"apps.parcels.kills.{part}"
    environ = {**stack.environ, "PYTHONPATH": str(ROOT / "services/django")}
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(LINES)], env=environ)
    query = {"term": {"logger_name": name}}
    try:
        for killed_at in (4_000, 9_000, 14_000):
            poll_until(f"{killed_at} lines to arrive", lambda n=killed_at: stack.count(query) >= n, seconds=60)
            kill(stack, part)
        assert writer.wait(120) == 0
    finally:
        writer.kill()
    backups = list(path.parent.glob(f"{path.name}.?"))
    assert len(backups) == 5, "the file was to be rotated often"
    poll_until(f"all {LINES} lines to arrive", lambda: stack.count(query) >= LINES, seconds=60)
    numbers = sorted(int(d["log_message"].split()[2]) for d in stack.documents(query))
    assert numbers == list(range(LINES))


def kill(stack, part):
    """kill -9, once it runs (again)."""

    def running():
        account = runtime.processes(stack.settings)[part]
        return account["is_running"] and psutil.Process(account["pid"])

    process = poll_until(f"{part} to run", running)
    process.kill()
    process.wait(10)
