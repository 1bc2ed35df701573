"""The base class of all tasks."""

from celery.contrib.django.task import DjangoTask


class Task(DjangoTask):
    """Celery's own for Django, whose lines in the worker's main process carry the log context too."""

    Request = "apps.common.celery_request:Request"
