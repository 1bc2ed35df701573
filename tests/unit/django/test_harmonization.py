"""Customs: HS codes looked up, and declared on parcels."""

import pytest
from rest_framework.test import APIClient

from apps.harmonization.codes import CODES
from apps.harmonization.models import DeclaredItem, HSCode

pytestmark = pytest.mark.django_db
SHIRTS = {
    "hs_code": "610910",
    "description": "Printed T-shirts",
    "quantity": 3,
    "weight_grams": 600,
    "value": "45.00",
    "currency": "EUR",
    "origin": "PT",
}
PHONE = {**SHIRTS, "hs_code": "851713", "description": "A phone", "quantity": 1, "value": "399.90", "weight_grams": 200}


def test_the_table_is_filled(acme):
    assert HSCode.objects.count() == len(CODES) >= 80
    for code in HSCode.objects.all():
        code.full_clean()
    assert acme.get("/api/harmonization/codes/851713/").json() == {"code": "851713", "description": "Smartphones"}
    assert acme.get("/api/harmonization/codes/000000/").status_code == 404
    assert APIClient().get("/api/harmonization/codes/").status_code == 401


@pytest.mark.parametrize(
    ("search", "codes"),
    [("8517", {"851713", "851762"}), ("shirts cotton", {"610910", "620520"}), ("TOILET 33", {"330300"}), ("%", set())],
)
def test_lookup(acme, search, codes):
    found = acme.get("/api/harmonization/codes/", {"search": search}).json()["results"]
    assert {code["code"] for code in found} == codes


def test_what_is_looked_for_in_vain_is_logged(acme, caplog):
    caplog.set_level("INFO")
    acme.get("/api/harmonization/codes/", {"search": "unobtainium\0"})
    [record] = [r for r in caplog.records if r.name == "apps.harmonization.views"]
    assert record.search == "unobtainium"


def test_a_declaration_replaces_the_one_before(acme, parcel):
    path = f"/api/harmonization/declarations/{parcel.reference}/"
    assert acme.get(path).json()["items"] == []
    assert acme.put(path, {"items": [SHIRTS]}).status_code == 200
    answer = acme.put(path, {"items": [SHIRTS, PHONE, {**PHONE, "currency": "USD"}]}).json()
    assert answer == acme.get(path).json()
    assert [item["hs_code"] for item in answer["items"]] == ["610910", "851713", "851713"]
    assert answer["total_value"] == {"EUR": "444.90", "USD": "399.90"}
    assert DeclaredItem.objects.count() == 3
    assert acme.tenant.audit_events.filter(action="parcel.declared").count() == 2


def test_a_declaration_that_weighs_more_than_its_parcel_is_a_warning(acme, parcel, caplog):
    acme.put(f"/api/harmonization/declarations/{parcel.reference}/", {"items": [{**SHIRTS, "weight_grams": 1001}]})
    assert "declared to weigh more" in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"hs_code": "999999"},
        {"hs_code": "6109.10"},
        {"quantity": 0},
        {"value": "-1"},
        {"value": "NaN"},
        {"currency": "euro"},
        {"origin": "Portugal"},
        {"weight_grams": 10**12},
    ],
)
def test_what_customs_would_refuse_is_refused(acme, parcel, wrong):
    path = f"/api/harmonization/declarations/{parcel.reference}/"
    for items in ([{**SHIRTS, **wrong}], [], [SHIRTS] * 51):
        assert acme.put(path, {"items": items}).status_code == 400
    assert not DeclaredItem.objects.exists()


def test_a_declaration_is_its_tenants(globex, parcel):
    path = f"/api/harmonization/declarations/{parcel.reference}/"
    assert globex.get(path).status_code == 404
    assert globex.put(path, {"items": [SHIRTS]}).status_code == 404


def test_as_many_queries_however_many_items(acme, parcel, django_assert_num_queries):
    path = f"/api/harmonization/declarations/{parcel.reference}/"
    acme.put(path, {"items": [SHIRTS] * 50})
    with django_assert_num_queries(4):  # token, tenant, parcel, items
        assert len(acme.get(path).json()["items"]) == 50
    with django_assert_num_queries(3):  # token, count, page
        assert len(acme.get("/api/harmonization/codes/").json()["results"]) == 50
