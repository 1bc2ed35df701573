"""LOG_ASYNC in the processes that gunicorn and Celery fork: what is logged is written, to the last line and once."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import urllib3

from tests.paths import DICTIONARIES, ROOT
from tests.polling import poll_until

BIN = Path(sys.executable).parent
LOGGING = f"""
import logging, os
from config.logging import build_logging, flush

LOGGING = build_logging(
    service="celery",
    catalogue_path={str(DICTIONARIES / "streams.yml")!r},
    log_file_path=os.environ["LOG_FILE_PATH"],
    console_level="CRITICAL",
    background=True,
    max_bytes=20_000,
    backups=500,
)
log = logging.getLogger("apps.x")
"""
APPLICATION = (
    LOGGING
    + """
bind, workers, logconfig_dict, control_socket_disable = os.environ["BIND"], 2, LOGGING, True
worker_class = "asgi"
wsgi_app = "served:application"

async def application(scope, receive, send):
    for number in range(20):
        log.info("%s line %d", scope["path"], number)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
"""
)
TASKS = (
    LOGGING
    + """
from logging.config import dictConfig
from celery import Celery
from celery.signals import setup_logging
import config.celery  # whose receivers are the project's own

queue = os.environ["QUEUE"]
app = Celery("tasks", broker="filesystem://")
app.conf.update(
    broker_transport_options={"data_folder_in": queue, "data_folder_out": queue, "control_folder": queue + ".control"},
    worker_hijack_root_logger=False,
    worker_max_tasks_per_child=3,
)
setup_logging.disconnect(config.celery.use_project_logging)

@setup_logging.connect
def configure(**kwargs):
    dictConfig(LOGGING)

@app.task
def work(task):
    for number in range(20):
        log.info("/%s line %d", task, number)
"""
)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "queue").mkdir()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'services/django'}:{tmp_path}",
        "LOG_FILE_PATH": str(tmp_path),
        "BIND": f"127.0.0.1:{port}",
        "QUEUE": str(tmp_path / "queue"),
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
    }


def lines(tmp_path: Path) -> Counter[str]:
    text = "\n".join(path.read_text() for path in tmp_path.glob("celery/celery.log*"))
    return Counter(re.findall(r"\|apps\.x\|[^|]*\|(/\S+ line \d+)\b", text, re.M))


def expected(count: int) -> Counter[str]:
    return Counter(f"/{name} line {number}" for name in range(count) for number in range(20))


def test_gunicorns_workers(run_process, tmp_path, env):
    (tmp_path / "served.py").write_text(APPLICATION)
    output = tmp_path / "out"
    server = run_process(BIN / "gunicorn", "--config", "python:served", env=env, output=output, cwd=tmp_path)
    http = urllib3.PoolManager(retries=urllib3.Retry(20, backoff_factor=0.1), timeout=20)
    for number in range(60):
        assert http.request("GET", f"http://{env['BIND']}/{number}").status == 204, output.read_text()
    server.send_signal(signal.SIGTERM)
    server.wait(20)
    assert lines(tmp_path) == expected(60)
    text = "\n".join(path.read_text() for path in tmp_path.glob("celery/celery.log*"))
    assert text.count("Listening at") == 1 and text.count("Booting worker") == 2 and "Shutting down" in text


def test_celerys_pool_whose_processes_end_without_exit_handlers(run_process, tmp_path, env):
    (tmp_path / "tasks.py").write_text(TASKS)
    send = "import tasks\nfor number in range(30): tasks.work.delay(number)"
    subprocess.run([sys.executable, "-c", send], env=env, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    command = [BIN / "celery", "--quiet", "--app", "tasks", "worker", "--concurrency", "2", "--pool", "prefork"]
    worker = run_process(*command, env=env, output=tmp_path / "out", cwd=tmp_path)
    poll_until("the last task's last line", lambda: lines(tmp_path)["/29 line 19"], 60)
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
    assert lines(tmp_path) == expected(30)
