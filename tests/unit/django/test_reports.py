"""Figures and reports: right, of one tenant, and counted in few queries."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.cron_tasks.tasks import make_daily_reports
from apps.harmonization.models import DeclaredItem
from apps.manage_reports.models import Report
from apps.manage_reports.tasks import make_report
from apps.parcels.models import Parcel, Scan
from tests.unit.django.clients import PARCEL

pytestmark = pytest.mark.django_db


def made(tenant, days_ago: float, hours_to_delivery: float | None = None, **values) -> Parcel:
    """A parcel made so many days ago, and delivered so many hours later."""
    status = "delivered" if hours_to_delivery is not None else "in_transit"
    parcel = Parcel.objects.create(tenant=tenant, **{**PARCEL, "status": status, **values})
    created = timezone.now() - timedelta(days=days_ago)
    delivered = None
    if hours_to_delivery is not None:
        delivered = created + timedelta(hours=hours_to_delivery)
        for at in (delivered, delivered + timedelta(minutes=5)):  # the carrier and the driver report it
            Scan.objects.create(parcel=parcel, location="Door", status="delivered", scanned_at=at)
    Parcel.objects.filter(pk=parcel.pk).update(created_at=created, updated_at=delivered or created)
    return parcel


# Dashboard


def test_figures(acme, globex):
    made(acme.tenant, 3, 24)
    made(acme.tenant, 3, 48, carrier="contoso")
    made(acme.tenant, 8)  # stale
    made(acme.tenant, 40, 1)  # before these days
    made(acme.tenant, 0, status="exception")
    made(globex.tenant, 1, 1)
    figures = acme.get("/api/dashboard/").json()
    assert (figures["parcels"], figures["stale"], figures["hours_to_delivery"]) == (5, 1, 36.0)
    assert figures["by_status"] == {
        **dict.fromkeys(figures["by_status"], 0),
        "delivered": 3,
        "in_transit": 1,
        "exception": 1,
    }
    assert figures["by_carrier"][0] == {"carrier": "northwind", "parcels": 4, "delivered": 2, "exceptions": 1}
    day = (timezone.now() - timedelta(days=3)).date().isoformat()
    assert figures["created_by_day"][day] == 2 and sum(figures["created_by_day"].values()) == 4
    assert sum(figures["delivered_by_day"].values()) == 2 and len(figures["delivered_by_day"]) == 14


def test_figures_of_no_parcels(acme):
    assert acme.get("/api/dashboard/").json()["hours_to_delivery"] is None


def test_figures_take_the_same_queries_however_many_parcels(acme, django_assert_num_queries):
    for number in range(30):
        made(acme.tenant, number % 7, 1, carrier=f"c{number}")
    with django_assert_num_queries(6):  # token, tenant; counts, carriers, created, delivered
        assert acme.get("/api/dashboard/").json()["parcels"] == 30


# Reports


def ask(client, kind: str, days: int = 30):
    today = timezone.now().date()
    period = {"first_day": str(today - timedelta(days=days)), "last_day": str(today)}
    return client.post("/api/reports/", {"kind": kind, **period})


def rows(client, kind: str) -> list[dict]:
    asked = ask(client, kind)
    assert asked.status_code == 202
    report = client.get(f"/api/reports/{asked.json()['id']}/").json()
    assert (report["state"], report["progress"]) == ("done", 100)
    return [dict(zip(report["columns"], row, strict=True)) for row in report["rows"]]


def test_deliveries_day_by_day(acme, globex):
    made(acme.tenant, 3, 24)
    made(acme.tenant, 3, 24.5)
    made(globex.tenant, 3, 1)
    found = rows(acme, "deliveries")
    assert len(found) == 31
    assert sum(row["created"] for row in found) == sum(row["delivered"] for row in found) == 2
    hours = [row["hours_to_delivery"] for row in found if row["delivered"]]
    assert hours in ([24.2], [24.3], [24.0, 24.5])


def test_carriers(acme, globex):
    made(acme.tenant, 3, 24)
    made(acme.tenant, 3, status="exception")
    made(acme.tenant, 3, 12, carrier="contoso", weight_grams=2500)
    made(globex.tenant, 3, carrier="fabrikam")
    contoso, northwind = rows(acme, "carriers")
    assert contoso == {
        "carrier": "contoso",
        "created": 1,
        "delivered": 1,
        "exceptions": 0,
        "weight_kg": 2.5,
        "hours_to_delivery": 12.0,
    }
    assert (northwind["created"], northwind["delivered"], northwind["exceptions"]) == (2, 1, 1)


def test_customs(acme, globex):
    item = {"quantity": 2, "weight_grams": 500, "value": "10.50", "currency": "EUR", "origin": "PT", "description": "x"}
    for tenant in (acme.tenant, acme.tenant, globex.tenant):
        DeclaredItem.objects.create(parcel=made(tenant, 1), hs_code_id="610910", **item)
    [row] = rows(acme, "customs")
    assert (row["hs_code"], row["parcels"], row["pieces"], row["weight_kg"], float(row["value"])) == (
        "610910",
        2,
        4,
        1.0,
        21.0,
    )


def test_a_report_as_csv(acme):
    made(acme.tenant, 1, 2)
    report = ask(acme, "carriers").json()
    file = acme.get(f"/api/reports/{report['id']}/download/")
    assert file["Content-Disposition"].startswith('attachment; filename="carriers-')
    [row] = csv.DictReader(io.StringIO(file.content.decode()))
    assert (row["carrier"], row["delivered"]) == ("northwind", "1")
    waiting = Report.objects.create(tenant=acme.tenant, kind="carriers", first_day="2025-01-01", last_day="2025-01-02")
    assert acme.get(f"/api/reports/{waiting.pk}/download/").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "gossip"},
        {"first_day": "2025-02-02", "last_day": "2025-02-01"},
        {"first_day": "2024-01-01", "last_day": "2025-02-01"},
        {"first_day": "9999-12-31", "last_day": "9999-12-31"},
        {"first_day": "soon"},
    ],
)
def test_what_is_no_report_is_refused(acme, wrong):
    good = {"kind": "carriers", "first_day": "2025-01-01", "last_day": "2025-01-31"}
    assert acme.post("/api/reports/", {**good, **wrong}).status_code == 400


def test_reports_are_their_tenants(acme, globex):
    report = ask(acme, "carriers").json()
    for path in ("", "download/"):
        assert globex.get(f"/api/reports/{report['id']}/{path}").status_code == 404
    assert globex.get("/api/reports/").json()["count"] == 0


def test_a_report_that_fails_says_so(acme, monkeypatch):
    def broken(report):
        raise ZeroDivisionError

    monkeypatch.setattr("apps.manage_reports.tasks.TABLES", {"carriers": type("T", (), {"rows": broken})})
    report = ask(acme, "carriers").json()
    assert (report["state"], report["progress"]) == ("failed", 0) and report["error"]


def test_reports_are_listed_by_the_same_queries_and_without_their_tables(acme, django_assert_num_queries):
    period = {"first_day": "2025-01-01", "last_day": "2025-01-31"}
    Report.objects.bulk_create(
        Report(tenant=acme.tenant, requested_by=acme.user, kind="carriers", **period) for _ in range(60)
    )
    with django_assert_num_queries(4):  # token, tenant, count, page
        page = acme.get("/api/reports/").json()
    assert len(page["results"]) == 50 and "rows" not in page["results"][0]


def test_beat_makes_yesterdays_report_of_each_tenant_once(acme, globex):
    assert make_daily_reports() == 2
    assert make_daily_reports() == 0
    for client in (acme, globex):
        [report] = client.get("/api/reports/").json()["results"]
        assert (report["kind"], report["state"]) == ("deliveries", "done")
        assert report["first_day"] == report["last_day"] == str(timezone.now().date() - timedelta(days=1))


def test_a_report_is_made_once_however_often_its_task_comes(acme, django_assert_num_queries):
    report, _ = Report.scheduled(acme.tenant, "carriers", timezone.now().date())
    make_report(report.pk)
    with django_assert_num_queries(2):  # the report, the claim
        make_report(report.pk)
