"""Puts the Django project on the path and sets it up with its test settings."""

import logging.config
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import django
import pytest

from tests.paths import DICTIONARIES, ROOT

sys.path.insert(0, str(ROOT / "services/django"))

# The environment is the caller's again afterwards: other tests start processes with it.
with pytest.MonkeyPatch.context() as environment:
    for name in (
        "LOG_FILE_PATH",
        "LOG_LEVEL",
        "NOISY_LOG_LEVEL",
        "USE_JSON_LOGGING",
        "SERVICE_NAME",
        "LABEL_STORE_URL",
    ):
        environment.delenv(name, raising=False)
    environment.setenv("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()


@pytest.fixture
def configure_logging(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Apply `build_logging` with files below the returned folder; the project's logging is restored after the test."""
    from django.conf import settings

    from config.logging import build_logging

    def configure(service: str = "django", **options: object) -> Path:
        options = {
            "catalogue_path": DICTIONARIES / "streams.yml",
            "log_file_path": tmp_path,
            "level": "DEBUG",
            **options,
        }
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
