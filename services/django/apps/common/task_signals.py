"""The log context of a Celery task, and the memory figures at its beginning."""

import logging
from typing import Any

from celery import Task
from celery.signals import task_postrun, task_prerun
from django_guid import get_guid

from config.logging import context
from config.logging.memory import memory_figures

logger = logging.getLogger("celery.task")


@task_prerun.connect
def begin_task(task_id: str, task: Task, **kwargs: Any) -> None:
    # django_guid's receiver, connected before this one, has set the id of the request or beat run behind the task.
    context.bind(request_id=get_guid(), task_id=task_id, task_name=task.name)
    logger.info("Memory before task %s", task.name, extra=memory_figures())


@task_postrun.connect
def end_task(**kwargs: Any) -> None:
    context.clear()
