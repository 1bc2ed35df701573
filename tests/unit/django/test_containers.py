"""Consignments of parcels."""

import json

import pytest

from apps.container import tasks
from apps.container.models import Consignment
from apps.parcels.models import Parcel
from tests.unit.django.clients import PARCEL

pytestmark = pytest.mark.django_db
LEG = {"origin": "Leeds", "destination": "London"}
URL = "/api/containers/"


@pytest.fixture
def base(acme) -> str:
    return f"{URL}{acme.post(URL, LEG).json()['reference']}/"


def put_in(client, base: str, *references: str):
    return client.post(f"{base}parcels/", {"references": references})


def test_a_consignments_life(acme, base, parcel, configure_logging, monkeypatch, django_capture_on_commit_callbacks):
    root = configure_logging()
    monkeypatch.setattr(tasks, "BATCH", 1)
    second = Parcel.objects.create(tenant=acme.tenant, **PARCEL)
    assert put_in(acme, base, parcel.reference, second.reference).json()["parcel_count"] == 2
    for step, state, location in (("depart", "departed", "Leeds"), ("arrive", "arrived", "London")):
        with django_capture_on_commit_callbacks(execute=True):
            answer = acme.post(f"{base}{step}/")
        assert (answer.status_code, answer.json()["state"]) == (202, state)
        assert acme.post(f"{base}{step}/").status_code == 409
        for each in (parcel, second):
            each.refresh_from_db()
            assert (each.status, each.scans.last().location) == ("in_transit", location)
    lines = (root / "django/app.log").read_text().splitlines()
    audited = [
        json.loads(line[line.index(" {") :])["action"] for line in lines if "|apps.data_governance.audit|" in line
    ]
    assert audited == ["consignment.departed", "consignment.arrived"]
    assert sum("|apps.container.tasks|" in line and "1 parcels scanned" in line for line in lines) == 4


def test_parcels_are_put_in_all_or_none(acme, base, parcel, globex):
    foreign = Parcel.objects.create(tenant=globex.tenant, **PARCEL)
    delivered = Parcel.objects.create(tenant=acme.tenant, status="delivered", **PARCEL)
    for wrong in (foreign.reference, delivered.reference, "PT-NONE"):
        answer = put_in(acme, base, parcel.reference, wrong)
        assert answer.status_code == 400 and wrong in answer.content.decode()
    assert Consignment.objects.get().parcels.count() == 0


def test_a_parcel_travels_in_one_consignment_at_a_time(acme, base, parcel):
    assert put_in(acme, base, parcel.reference).status_code == 200
    assert put_in(acme, base, parcel.reference).status_code == 200  # again is no harm
    other = f"{URL}{acme.post(URL, LEG).json()['reference']}/"
    assert put_in(acme, other, parcel.reference).status_code == 400
    acme.post(f"{base}depart/")
    assert put_in(acme, base, parcel.reference).status_code == 409
    acme.post(f"{base}arrive/")
    assert put_in(acme, other, parcel.reference).status_code == 200


def test_another_tenants_consignment_is_not_there(acme, base, globex, parcel):
    put_in(acme, base, parcel.reference)
    assert globex.get(URL).json()["results"] == []
    for path in (base, f"{base}parcels/"):
        assert globex.get(path).status_code == 404
    for path in (f"{base}depart/", f"{base}arrive/"):
        assert globex.post(path).status_code == 404
    assert put_in(globex, base, parcel.reference).status_code == 404
    assert Consignment.objects.get().state == "open"


def test_lists_take_the_same_queries_however_long(acme, base, django_assert_num_queries):
    parcels = Parcel.objects.bulk_create(Parcel(tenant=acme.tenant, **PARCEL) for _ in range(40))
    put_in(acme, base, *(parcel.reference for parcel in parcels))
    Consignment.objects.bulk_create(Consignment(tenant=acme.tenant, **LEG) for _ in range(40))
    with django_assert_num_queries(4):  # token, tenant, count, page
        listed = acme.get(URL).json()["results"]
    assert len(listed) == 41 and sum(consignment["parcel_count"] for consignment in listed) == 40
    with django_assert_num_queries(5):  # and the consignment
        assert len(acme.get(f"{base}parcels/").json()["results"]) == 40
