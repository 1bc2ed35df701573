"""The Celery application: worker, beat and Flower run it, Django sends tasks to it."""

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_shutdown

from config.logging import flush

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery("parcel_tracking", task_cls="apps.common.celery_task:Task")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def use_project_logging(**kwargs: Any) -> None:
    """Apply LOGGING. A receiver of this signal keeps Celery from setting up handlers and formats of its own."""
    from django.conf import settings

    dictConfig(settings.LOGGING)


@worker_process_shutdown.connect
def write_what_is_queued(**kwargs: Any) -> None:
    # Right after this signal, the pool's processes end without Python's exit handlers.
    flush()
