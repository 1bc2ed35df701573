"""Branded tracking: a tenant's public page, for whoever knows a parcel's reference."""

import pytest
from rest_framework.test import APIClient

from apps.data_governance.models import AuditEvent

pytestmark = pytest.mark.django_db
BRAND = "/api/branded/brand/"


def test_tracking_tells_where_the_parcel_is_and_nothing_of_its_recipient(acme, parcel, django_assert_num_queries):
    for location in ("Leeds", "London"):
        parcel.record_scan(location, "in_transit")
    anyone = APIClient()
    with django_assert_num_queries(3):  # parcel with its tenant, scans, brand
        answer = anyone.get(f"/api/branded/track/acme/{parcel.reference}/")
    found = answer.json()["parcel"]
    assert (found["status"], [scan["location"] for scan in found["scans"]]) == ("in_transit", ["Leeds", "London"])
    page = anyone.get(f"/track/acme/{parcel.reference}/")
    assert page.status_code == 200 and page["Content-Type"].startswith("text/html")
    assert "London" in page.content.decode()
    for body in (answer.content.decode(), page.content.decode()):
        assert parcel.recipient not in body and parcel.destination not in body


def test_a_parcel_is_found_under_its_own_tenant_alone(parcel, globex):
    for path in ("globex/" + parcel.reference, "acme/PT-0000000000", "nobody/" + parcel.reference):
        assert APIClient().get(f"/api/branded/track/{path}/").status_code == 404
        assert APIClient().get(f"/track/{path}/").status_code == 404


def test_the_page_wears_the_owners_brand(acme, owner, globex, parcel):
    brand = {"colour": "#c0ffee", "greeting": "Hi <b>there</b>", "support_email": "help@acme.example"}
    assert acme.patch(BRAND, brand).status_code == 403
    assert owner.patch(BRAND, brand).json() == brand
    assert acme.get(BRAND).json() == brand != globex.get(BRAND).json()
    page = APIClient().get(f"/track/acme/{parcel.reference}/").content.decode()
    assert "#c0ffee" in page and "help@acme.example" in page and "<b>" not in page
    assert AuditEvent.objects.get(action="brand.changed").details == {"fields": sorted(brand)}


@pytest.mark.parametrize("colour", ["red", "#12345", "#123456;} body {display: none"])
def test_a_colour_can_be_nothing_but_a_colour(owner, colour):
    assert owner.patch(BRAND, {"colour": colour}).status_code == 400


def test_lookups_are_throttled(parcel):
    anyone = APIClient()
    answers = {anyone.get("/api/branded/track/acme/PT-0000000000/").status_code for _ in range(601)}
    assert answers == {404, 429}
    assert anyone.get(f"/track/acme/{parcel.reference}/").status_code == 429
