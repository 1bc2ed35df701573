"""Puts the Django project on the path and sets it up with its test settings."""

import logging.config
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import django
import pytest

from tests.paths import DICTIONARIES, ROOT

if TYPE_CHECKING:  # at run time only once Django is set up, below
    from rest_framework.test import APIClient

    from apps.parcels.models import Parcel

sys.path.insert(0, str(ROOT / "services/django"))

# The environment is the caller's again afterwards: other tests start processes with it.
with pytest.MonkeyPatch.context() as environment:
    for name in (
        "LOG_FILE_PATH",
        "LOG_LEVEL",
        "NOISY_LOG_LEVEL",
        "USE_JSON_LOGGING",
        "USE_FILE_LOGGING",
        "ENVIRONMENT",
        "LOG_ASYNC",
        "LOG_SAMPLING",
        "LOG_REDACT",
        "LOGSTASH_TCP",
        "SERVICE_NAME",
        "LABEL_STORE_URL",
        "ELASTICSEARCH_HOSTS",
        "PT_READER_PASSWORD",
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


@pytest.fixture
def acme(db) -> "APIClient":
    """Signed in as ann, a member of acme."""
    from tests.unit.django.clients import make_client

    return make_client("acme", "ann")


@pytest.fixture
def globex(db) -> "APIClient":
    """Signed in as bob, a member of another tenant."""
    from tests.unit.django.clients import make_client

    return make_client("globex", "bob")


@pytest.fixture
def owner(db) -> "APIClient":
    """Signed in as olga, an owner of acme."""
    from tests.unit.django.clients import make_client

    return make_client("acme", "olga", role="owner")


@pytest.fixture
def staff(acme):
    """A client of acme who is staff."""
    from tests.unit.django.clients import make_client

    client = make_client("acme", "sue")
    client.user.is_staff = True
    client.user.save()
    return client


@pytest.fixture
def parcel(acme) -> "Parcel":
    """A parcel of acme's."""
    from apps.parcels.models import Parcel
    from tests.unit.django.clients import PARCEL

    response = acme.post("/api/parcels/", PARCEL)
    assert response.status_code == 201
    return Parcel.objects.get(reference=response.json()["reference"])
