"""The log context of a Celery task, and the memory figures at its beginning."""

import logging
from typing import Any

from celery import Task
from celery.signals import before_task_publish, task_postrun, task_prerun
from django_guid import get_guid, set_guid

from config.logging import context
from config.logging.memory import memory_figures

from .task_context import HEADER, of_message, to_carry

logger = logging.getLogger("celery.task")


@before_task_publish.connect
def send_context(headers: dict[str, Any], **kwargs: Any) -> None:
    headers[HEADER] = to_carry()


@task_prerun.connect
def begin_task(task: Task, **kwargs: Any) -> None:
    # A task that is run where it is called (eager) has no message: it goes on in its caller's context.
    headers = {"id": task.request.id, "task": task.name, HEADER: task.request.get(HEADER) or to_carry()}
    task.request.log_context_before, task.request.guid_before = context.current(), get_guid()
    context.bind(**of_message(headers), duration_ms=context.stopwatch())
    set_guid(context.current()["request_id"])  # for whoever asks django_guid
    logger.info("Memory before task %s", task.name, extra=memory_figures())


@task_postrun.connect
def end_task(task: Task, **kwargs: Any) -> None:
    context.clear()
    context.bind(**task.request.log_context_before)
    set_guid(task.request.guid_before)
