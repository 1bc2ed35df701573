"""Carriers and the document store: asked again when it helps, believed when signed."""

import json
import logging
import time

import pytest
from django.conf import settings as project
from rest_framework.test import APIClient

from apps.cron_tasks.tasks import forget_webhook_deliveries
from apps.integrations.carriers import CarrierClient, CarrierError
from apps.integrations.models import WebhookDelivery
from apps.integrations.signatures import TOLERANCE, WrongSignature, sign, verify
from apps.integrations.tasks import book
from tests.unit.django.servers import serving

pytestmark = pytest.mark.django_db


# Carriers


def test_a_quote_is_asked_again_while_the_carrier_is_busy():
    with serving((503, {}), (429, {}), (200, {"price": "12.50"})) as carrier:
        assert CarrierClient(carrier.url).quote("northwind", "Leeds", 1000) == {"price": "12.50"}
    assert len(carrier.received) == 3


@pytest.mark.parametrize(
    ("answer", "asked"), [((503, {}), 3), ((404, {}), 1), ((302, {}), 1), ((200, []), 1), ((200, "x" * 70_000), 1)]
)
def test_any_other_answer_is_an_error(answer, asked):
    with serving(answer) as carrier, pytest.raises(CarrierError):
        CarrierClient(carrier.url).quote("northwind", "Leeds", 1000)
    assert len(carrier.received) == asked


def test_a_booking_is_made_by_a_task_that_tries_again_with_one_idempotency_key(acme, parcel, settings):
    down = [(500, {})] * 2
    with serving(*down, (201, {"carrier_reference": "NW-1"})) as carrier:
        settings.CARRIER_URL = carrier.url
        assert acme.post(f"/api/parcels/{parcel.reference}/booking/").status_code == 202
        assert acme.post(f"/api/parcels/{parcel.reference}/booking/").status_code == 202  # booked: not asked again
    assert [(r.path, r.headers["idempotency-key"]) for r in carrier.received] == [
        ("/northwind/bookings", parcel.reference)
    ] * 3
    assert acme.get(f"/api/parcels/{parcel.reference}/").json()["carrier_reference"] == "NW-1"
    assert acme.tenant.audit_events.filter(action="parcel.booked").count() == 1


def test_a_booking_is_given_up_after_its_last_try(parcel, settings, caplog):
    with serving((500, {})) as carrier:
        settings.CARRIER_URL = carrier.url
        result = book.apply((parcel.pk,))
    assert result.failed() and len(carrier.received) == book.max_retries + 1
    levels = [r.levelno for r in caplog.records if r.name == "apps.integrations.tasks"]
    assert levels == [logging.WARNING] * book.max_retries + [logging.ERROR]


def test_a_booking_is_its_tenants(globex, parcel):
    assert globex.post(f"/api/parcels/{parcel.reference}/booking/").status_code == 404


# Webhooks


def webhook(body: bytes, headers: dict[str, str], carrier: str = "northwind"):
    path = f"/api/integrations/carriers/{carrier}/webhook/"
    return APIClient().post(path, body, content_type="application/json", headers=headers)


def report(parcel, status: str = "delivered") -> bytes:
    return json.dumps({"reference": parcel.reference, "location": "Door", "status": status}).encode()


def signed(body: bytes, delivery: str = "d1", at: float | None = None, secret: str | None = None) -> dict[str, str]:
    return sign(delivery, int(at or time.time()), body, secret or project.CARRIER_WEBHOOK_SECRET)


def test_a_delivery_takes_effect_once(parcel):
    body = report(parcel)
    headers = signed(body)
    answers = [webhook(body, headers).json() for _ in range(2)]
    answers.append(webhook(body, signed(body, at=time.time() + 1)).json())  # the carrier tries again
    assert [answer["duplicate"] for answer in answers] == [False, True, True]
    assert parcel.scans.count() == 1
    assert webhook(body, signed(body, "d2")).json()["duplicate"] is False
    assert parcel.scans.count() == 2


def test_a_delivery_that_had_no_effect_may_come_again(parcel):
    body = report(parcel)
    assert webhook(body, signed(body), carrier="contoso").status_code == 404  # not that carrier's parcel
    assert webhook(report(parcel, "eaten"), signed(report(parcel, "eaten"))).status_code == 400
    assert not WebhookDelivery.objects.exists()
    assert webhook(body, signed(body)).status_code == 200


@pytest.mark.parametrize("secret", ["only-for-tests", ""])
def test_any_other_delivery_is_refused(parcel, settings, secret):
    settings.CARRIER_WEBHOOK_SECRET = secret
    body = report(parcel)
    good = signed(body, secret="only-for-tests")
    wrong = [
        {},
        signed(body, secret="other"),
        signed(body + b" ", secret="only-for-tests"),
        signed(body, at=time.time() - TOLERANCE - 5, secret="only-for-tests"),
        signed(body, at=time.time() + TOLERANCE + 5, secret="only-for-tests"),
        {**good, "webhook-id": "d2"},
        {**good, "webhook-timestamp": str(int(time.time()) + 1)},
        {**good, "webhook-timestamp": "٣"},
        {**good, "webhook-signature": "sÿgnature"},
        {**good, "webhook-signature": ""},
        {**good, "webhook-id": "d" * 101},
    ]
    for headers in wrong:
        assert webhook(body, headers).status_code == 403
    assert not parcel.scans.exists()


def test_a_secret_can_be_changed_while_two_signatures_are_sent():
    old, new = (sign("d1", int(time.time()), b"x", secret) for secret in ("old", "new"))
    both = {**old, "webhook-signature": f"{old['webhook-signature']} {new['webhook-signature']}"}
    assert verify(both, b"x", "old") == verify(both, b"x", "new") == "d1"
    with pytest.raises(WrongSignature):
        verify(both, b"x", "other")


def test_signatures_are_those_of_standard_webhooks():
    # The example that the reference libraries are tested with.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', secret)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_can_take_no_effect_any_more_is_forgotten(parcel):
    body = report(parcel)
    webhook(body, signed(body))
    assert forget_webhook_deliveries() == 0
    WebhookDelivery.objects.update(received_at="2020-01-01T00:00:00Z")
    assert forget_webhook_deliveries() == 1
