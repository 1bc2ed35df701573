"""The Celery application: worker, beat and Flower run it, Django sends tasks to it."""

import os
from logging.config import dictConfig
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import heartbeat_sent, setup_logging, worker_process_shutdown, worker_shutdown

from config.logging import flush

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
HEARTBEAT_FILE = os.environ.get("CELERY_HEARTBEAT_FILE")  # the worker's

app = Celery("parcel_tracking", task_cls="apps.common.celery_task:Task")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def use_project_logging(**kwargs: Any) -> None:
    """Apply LOGGING. A receiver of this signal keeps Celery from setting up handlers and formats of its own."""
    from django.conf import settings

    dictConfig(settings.LOGGING)


@heartbeat_sent.connect
def show_a_heartbeat(**kwargs: Any) -> None:
    """A worker that works off its events and is connected to its broker sends one every two seconds. The health check
    looks for a fresh file: a ping would ask the same of it, at half a second of processor each."""
    if HEARTBEAT_FILE:
        Path(HEARTBEAT_FILE).touch()


@worker_shutdown.connect
def end_the_heartbeat(**kwargs: Any) -> None:
    if HEARTBEAT_FILE:
        Path(HEARTBEAT_FILE).unlink(missing_ok=True)


@worker_process_shutdown.connect
def write_what_is_queued(**kwargs: Any) -> None:
    # Right after this signal, the pool's processes end without Python's exit handlers.
    flush()
