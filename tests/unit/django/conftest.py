"""Puts the Django project on the path and sets it up with its test settings."""

import logging.config
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

SERVICES = Path(__file__).resolve().parents[3] / "services"
CATALOGUE = SERVICES.parent / "elk/logstash/dictionaries/streams.yml"

sys.path.insert(0, str(SERVICES / "django"))
for name in ("LOG_FILE_PATH", "LOG_LEVEL", "NOISY_LOG_LEVEL", "USE_JSON_LOGGING", "SERVICE_NAME", "LABEL_STORE_URL"):
    os.environ.pop(name, None)
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"

import django  # noqa: E402

django.setup()


def wait_for(what: str, condition: Callable[[], object], seconds: float = 20) -> object:
    """Poll `condition` until it is true; what it returned then."""
    deadline = time.monotonic() + seconds
    while True:
        if result := condition():
            return result
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def tools() -> SimpleNamespace:
    """Helpers that test modules share."""
    return SimpleNamespace(wait_for=wait_for, free_port=free_port, services=SERVICES, catalogue=CATALOGUE)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def configure_logging(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Apply `build_logging` with files below the returned folder; the project's logging is restored after the test."""
    from django.conf import settings

    from config.logging import build_logging

    def configure(service: str = "django", **options: object) -> Path:
        options = {"catalogue_path": CATALOGUE, "log_file_path": tmp_path, "level": "DEBUG", **options}
        logging.config.dictConfig(build_logging(service=service, **options))
        return tmp_path

    yield configure
    logging.config.dictConfig(settings.LOGGING)


@pytest.fixture(scope="module")
def run_process() -> Iterator[Callable[..., subprocess.Popen]]:
    """Start processes, each in a process group of its own, that are ended with the module."""
    started: list[subprocess.Popen] = []

    def run(*command: str | Path, env: dict[str, str], output: Path, cwd: str | Path = "/") -> subprocess.Popen:
        with output.open("wb") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                env=env,
                cwd=cwd,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield run
    for process in reversed(started):
        if process.poll() is None:
            process.terminate()
    for process in started:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(autouse=True)
def clean_state() -> Iterator[None]:
    """Throttles and the log context are per process: no test sees another's."""
    from django.core.cache import cache

    from config.logging import context

    cache.clear()
    context.clear()
    yield
    context.clear()
