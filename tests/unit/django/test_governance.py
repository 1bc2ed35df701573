"""The audit log, retention and erasure."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from apps.data_governance.audit import audit
from apps.data_governance.models import AuditEvent
from apps.data_governance.tasks import apply_retention
from apps.parcels.models import Parcel
from apps.tenant_manager.models import Tenant
from config.logging import context
from tests.unit.django.clients import PARCEL

pytestmark = pytest.mark.django_db


@pytest.fixture
def audit_lines(configure_logging):
    log = configure_logging() / "django/app.log"

    def lines() -> list[dict]:
        found = [line for line in log.read_text().splitlines() if line.startswith("INFO|apps.data_governance.audit|")]
        return [json.loads(line[line.index(" {") :]) for line in found]

    return lines


def test_an_audit_event_is_a_row_and_a_line(parcel, acme, audit_lines, django_capture_on_commit_callbacks):
    context.bind(user_id=acme.user.pk, request_id="r1", path="/x/")
    with django_capture_on_commit_callbacks(execute=True):
        audit("parcel.inspected", parcel, weight=7)
        context.clear()  # the line still tells of its own time
    event = AuditEvent.objects.get(action="parcel.inspected")
    assert (event.user, event.tenant, event.request_id) == (acme.user, acme.tenant, "r1")
    assert (event.object_type, event.object_id, event.details) == ("parcels.parcel", str(parcel.pk), {"weight": 7})
    (line,) = audit_lines()
    expected = {"audit_id": event.pk, "action": "parcel.inspected", "tenant": "acme", "user_id": acme.user.pk}
    expected |= {"object_type": "parcels.parcel", "object_id": str(parcel.pk), "request_id": "r1", "path": "/x/"}
    assert line == {**expected, "details": {"weight": 7}}


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_was_not_done(parcel, audit_lines):
    with pytest.raises(RuntimeError), transaction.atomic():
        audit("parcel.lost", parcel)
        raise RuntimeError
    audit("parcel.found", parcel)
    assert [line["action"] for line in audit_lines()] == ["parcel.found"]
    assert not AuditEvent.objects.filter(action="parcel.lost").exists()


def test_owners_read_their_tenants_audit_log(acme, owner, globex, django_assert_num_queries):
    url = "/api/data-governance/audit-events/"
    for _ in range(30):
        audit("tenant.greeted", acme.tenant)
    audit("tenant.greeted", globex.tenant)
    assert acme.get(url).status_code == 403
    context.bind(user_id=owner.user.pk)
    audit("tenant.greeted", acme.tenant)
    with django_assert_num_queries(4):  # token, tenant, count, page with its users
        answer = owner.get(url).json()
    assert answer["count"] == 31
    assert [event["user"] for event in answer["results"][:2]] == ["olga", None]


def test_the_admins_changes_are_audited(acme, client, django_user_model):
    root = django_user_model.objects.create_superuser("root", password="x")
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    form = {"slug": "hooli", "name": "Hooli", "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    assert client.post("/admin/tenant_manager/tenant/add/", form).status_code == 302
    event = AuditEvent.objects.get(action="admin.added")
    hooli = Tenant.objects.get(slug="hooli")
    assert (event.user, event.object_type, event.object_id) == (root, "tenant_manager.tenant", str(hooli.pk))
    assert client.get("/admin/data_governance/auditevent/").status_code == 200
    for page in ("add/", f"{event.pk}/delete/"):
        assert client.get(f"/admin/data_governance/auditevent/{page}").status_code == 403


# Retention


def old_parcel(tenant: Tenant, days: int, **values: str) -> Parcel:
    parcel = Parcel.objects.create(tenant=tenant, **{**PARCEL, "status": "delivered", **values})
    Parcel.objects.filter(pk=parcel.pk).update(updated_at=timezone.now() - timedelta(days=days))
    return parcel


def test_retention(acme, globex, settings):
    settings.PARCEL_RETENTION_DAYS, settings.AUDIT_RETENTION_DAYS = 30, 60
    old = old_parcel(acme.tenant, 31)
    kept = [old_parcel(acme.tenant, 29), old_parcel(globex.tenant, 31, status="in_transit")]
    for days in (61, 59):
        event = audit("tenant.greeted", acme.tenant)
        AuditEvent.objects.filter(pk=event.pk).update(created_at=timezone.now() - timedelta(days=days))
    assert apply_retention() == {"parcels": 1, "audit_events": 1}
    old.refresh_from_db()
    assert old.recipient == old.destination == "[anonymised]"
    assert all(Parcel.objects.get(pk=parcel.pk).recipient == "Ann" for parcel in kept)
    assert AuditEvent.objects.get(action="parcels.anonymised").details == {"count": 1, "reason": "retention"}
    assert apply_retention() == {"parcels": 0, "audit_events": 0}  # once is enough


def test_erasure(acme, owner, globex, configure_logging):
    root = configure_logging()
    mine, other = (Parcel.objects.create(tenant=acme.tenant, **{**PARCEL, "recipient": name}) for name in ("Zoë", "Bo"))
    foreign = Parcel.objects.create(tenant=globex.tenant, **{**PARCEL, "recipient": "Zoë"})
    url = "/api/data-governance/erasures/"
    assert acme.post(url, {"recipient": "Zoë"}).status_code == 403
    assert owner.post(url, {"recipient": "Zoë"}).json() == {"parcels": 1}
    names = [Parcel.objects.get(pk=parcel.pk).recipient for parcel in (mine, other, foreign)]
    assert names == ["[anonymised]", "Bo", "Zoë"]
    assert AuditEvent.objects.get(action="parcels.anonymised").user == owner.user
    assert "Zoë" not in (root / "django/app.log").read_text()
