"""Beat's schedule."""

from django.conf import settings

from config.celery import app


def test_all_that_is_scheduled_is_a_task():
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert scheduled <= set(app.tasks)


def test_each_periodic_task_is_scheduled():
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {name for name in app.tasks if name.startswith("apps.cron_tasks.")} <= scheduled
