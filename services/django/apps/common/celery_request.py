"""What the worker's main process knows of a task; the task itself runs in another."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery.signals import task_received
from celery.worker import request

from config.logging import context

from .task_context import of_message


class Request(request.Request):
    """Celery's own, whose lines carry the task's log context: received, time limit exceeded, worker lost.

    The line of a received task is written between the making of its request and the signal task_received
    (`celery.worker.strategy`): the context is bound by the one and cleared by the other.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        context.clear()
        context.bind(**of_message(self.request_dict))

    @contextmanager
    def log_context(self) -> Iterator[None]:
        before = context.current()
        context.bind(**of_message(self.request_dict))
        try:
            yield
        finally:
            context.clear()
            context.bind(**before)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        with self.log_context():
            super().on_timeout(soft, timeout)

    def on_failure(self, *args: Any, **kwargs: Any) -> Any:
        with self.log_context():
            return super().on_failure(*args, **kwargs)


@task_received.connect
def clear_context(**kwargs: Any) -> None:
    context.clear()
