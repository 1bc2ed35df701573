"""Fast rotation and a Filebeat that is killed in the middle of it: each line arrives once."""

import subprocess
import sys

from tests.paths import ROOT
from tests.polling import poll_until

LINES = 24_000
WRITER = """
import logging, sys, time
from config.logging.files import SharedRotatingFileHandler
from config.logging.formatters import PipeFormatter

path, lines = sys.argv[1], int(sys.argv[2])
handler = SharedRotatingFileHandler(path, max_bytes=400_000, backups=5)
handler.setFormatter(PipeFormatter())
logger = logging.getLogger("apps.parcels.rotation")
logger.addHandler(handler)
logger.setLevel("INFO")
for number in range(lines):
    logger.info("rotation line %06d of a file that is rotated every second", number)
    time.sleep(0.3e-3)
"""


def test_no_line_is_lost_or_doubled(stack):
    # Filebeat's path django/app.log* takes it in, as it takes in a backup.
    path = stack.settings.logs / "django" / "app.log.rotation"
    environ = {**stack.environ, "PYTHONPATH": str(ROOT / "services/django")}
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(LINES)], env=environ)
    query = {"term": {"logger_name": "apps.parcels.rotation"}}
    try:
        for killed_at in (4_000, 9_000, 14_000):
            poll_until(f"{killed_at} lines to arrive", lambda n=killed_at: stack.count(query) >= n, seconds=60)
            [filebeat] = poll_until("Filebeat to run", lambda: stack.processes("filebeat"))
            filebeat.kill()
            filebeat.wait(10)
        assert writer.wait(120) == 0
    finally:
        writer.kill()
    backups = list(path.parent.glob("app.log.rotation.?"))
    assert len(backups) == 5, "the file was to be rotated often"
    poll_until(f"all {LINES} lines to arrive", lambda: stack.count(query) >= LINES, seconds=60)
    numbers = sorted(int(d["log_message"].split()[2]) for d in stack.documents(query))
    assert numbers == list(range(LINES))
