"""Celery's tasks and how they log, without a worker."""

import json
from datetime import timedelta

import pytest
from celery.signals import setup_logging
from django.utils import timezone

from apps.cron_tasks.tasks import report_stale_parcels
from apps.parcels.models import Parcel
from apps.tenant_manager.models import Tenant
from config.logging import context

pytestmark = pytest.mark.django_db


def test_stale_parcels_are_counted_by_tenant(configure_logging):
    for slug, days in (("acme", 8), ("acme", 9), ("globex", 8), ("globex", 6)):
        tenant, _ = Tenant.objects.get_or_create(slug=slug)
        parcel = Parcel.objects.create(tenant=tenant, recipient="Ann", destination="Here")
        Parcel.objects.filter(pk=parcel.pk).update(updated_at=timezone.now() - timedelta(days=days))
    Parcel.objects.filter(tenant__slug="globex").update(status="delivered")
    root = configure_logging(service="celery")
    assert report_stale_parcels() == 2
    warning, _ = (root / "celery/celery.log").read_text().splitlines()[1:]
    assert warning.endswith('|2 parcels not seen for a week {"tenant": "acme", "stale_parcels": 2}')


def test_a_task_binds_its_context_and_tells_memory(configure_logging):
    root = configure_logging(service="celery")
    result = report_stale_parcels.apply()
    lines = (root / "celery/celery.log").read_text().splitlines()[1:]
    memory = json.loads(lines[0][lines[0].index(" {") :])
    assert lines[0].startswith("INFO|celery.task|")
    assert memory["process_memory_mb"] > 1 and memory["available_ram_mb"] > 0 and memory["available_swap_mb"] >= 0
    for line in lines[:-1]:
        found = json.loads(line[line.index(" {") :])
        assert (found["task_id"], found["task_name"]) == (result.id, report_stale_parcels.name)
        assert len(found["request_id"]) == 32
    assert dict(context.current()) == {}


def test_celery_sets_up_no_logging_of_its_own():
    assert setup_logging.receivers
