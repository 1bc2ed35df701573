"""Beat's schedule."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.cron_tasks.tasks import forget_sessions
from config.celery import app


def test_all_that_is_scheduled_is_a_task():
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert scheduled <= set(app.tasks)


def test_each_periodic_task_is_scheduled():
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {name for name in app.tasks if name.startswith("apps.cron_tasks.")} <= scheduled


@pytest.mark.django_db
def test_only_expired_sessions_are_forgotten():
    for key, days in (("old", -1), ("new", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() + timedelta(days=days))
    assert forget_sessions() == 1
    assert [session.session_key for session in Session.objects.all()] == ["new"]
