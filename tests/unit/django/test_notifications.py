"""Notices: sent once, tried again, signed, and never to where a tenant must not reach."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.utils import timezone

from apps.cron_tasks.tasks import NOTICE_LOST_AFTER, recover_lost_work
from apps.integrations.signatures import verify
from apps.notification import delivery
from apps.notification.models import CLAIM_ENDS_AFTER, Channel, Notice, State, WebhookEndpoint
from apps.notification.tasks import send_notice
from tests.unit.django.servers import serving

pytestmark = pytest.mark.django_db
EMAIL = {"recipient": "ada@example.org", "subject": "Delivered", "body": "Your parcel is here."}


@pytest.fixture
def endpoint(acme):
    def make(url: str) -> WebhookEndpoint:
        answer = acme.post("/api/notifications/endpoints/", {"url": url})
        assert answer.status_code == 201
        return WebhookEndpoint.objects.get(pk=answer.json()["id"])

    return make


# By e-mail


def test_an_idempotency_key_sends_one_notice(acme, globex):
    def ask(client=acme, key="k1", **changes):
        return client.post("/api/notifications/", {**EMAIL, **changes}, headers={"Idempotency-Key": key})

    first, again = ask(), ask()
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json() and first.json()["state"] == "sent"
    assert ask(subject="Other").status_code == 400
    assert ask(globex).status_code == 202  # a key is its tenant's
    assert ask(key="k2").status_code == 202
    assert ask(key="k" * 101).status_code == 400
    assert len(mail.outbox) == 3
    assert mail.outbox[0].extra_headers["Message-ID"] == f"<notice-{first.json()['id']}@parcels.example>"


def failing(monkeypatch, *errors: Exception) -> list[int]:
    """Sending fails with each of the errors in turn; gives the list of attempts."""
    attempts, send, left = [], EmailMessage.send, list(errors)

    def flaky(self, *args, **kwargs):
        attempts.append(self)
        if left:
            raise left.pop(0)
        return send(self, *args, **kwargs)

    monkeypatch.setattr(EmailMessage, "send", flaky)
    return attempts


def test_a_mail_server_that_is_down_is_tried_again(acme, monkeypatch, caplog):
    failing(
        monkeypatch, ConnectionRefusedError(), smtplib.SMTPServerDisconnected(), smtplib.SMTPDataError(451, b"busy")
    )
    answer = acme.post("/api/notifications/", EMAIL).json()
    assert (answer["state"], answer["attempts"], answer["error"]) == ("sent", 4, "")
    assert len(mail.outbox) == 1
    assert caplog.text.count("not sent yet") == 3
    assert "ada@example.org" not in caplog.text


def test_a_recipient_that_does_not_exist_is_not_tried_again(acme, monkeypatch, caplog):
    refused = smtplib.SMTPRecipientsRefused({"ada@example.org": (550, b"no such user ada@example.org")})
    attempts = failing(monkeypatch, refused, refused)
    notice = Notice.objects.create(tenant=acme.tenant, **EMAIL)
    assert send_notice.apply((notice.pk,)).failed()
    notice.refresh_from_db()
    assert (notice.state, len(attempts), notice.error) == ("failed", 1, "The mail server refuses the recipient: 550")
    assert "ada@example.org" not in caplog.text


def test_a_notice_is_given_up_after_its_last_try(acme, monkeypatch):
    attempts = failing(monkeypatch, *[ConnectionRefusedError()] * 20)
    notice = Notice.objects.create(tenant=acme.tenant, **EMAIL)
    assert send_notice.apply((notice.pk,)).failed()
    notice.refresh_from_db()
    assert (notice.state, len(attempts)) == ("failed", send_notice.max_retries + 1)


def test_a_notice_that_a_worker_is_sending_is_left_to_it(acme):
    notice = Notice.objects.create(tenant=acme.tenant, claimed_at=timezone.now(), **EMAIL)
    send_notice(notice.pk)
    assert mail.outbox == []
    Notice.objects.update(claimed_at=timezone.now() - CLAIM_ENDS_AFTER - timedelta(seconds=1))  # it was killed
    send_notice(notice.pk)
    assert len(mail.outbox) == 1


def test_lost_notices_are_sent_anew(acme):
    for state in (State.QUEUED, State.FAILED, State.SENT):
        Notice.objects.create(tenant=acme.tenant, state=state, **EMAIL)
    assert recover_lost_work() == 0  # they are new
    Notice.objects.update(updated_at=timezone.now() - NOTICE_LOST_AFTER - timedelta(minutes=1))
    assert recover_lost_work() == 1
    assert len(mail.outbox) == 1
    assert recover_lost_work() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "Hi\nBcc: all@example.org"},
        {"recipient": ""},
        {"recipient": "ada"},
        {"channel": "webhook"},
        {"channel": "pigeon"},
        {"endpoint": 1},
    ],
)
def test_what_cannot_be_sent_is_refused(acme, wrong):
    assert acme.post("/api/notifications/", {**EMAIL, **wrong}).status_code == 400
    assert not Notice.objects.exists()


# By webhook


def test_a_scan_is_sent_to_the_tenants_endpoints_signed_and_once(
    acme, globex, parcel, endpoint, django_capture_on_commit_callbacks
):
    with serving((503, {}), (204, {})) as receiver, serving() as other:
        to = endpoint(receiver.url + "/hook?x=1")
        WebhookEndpoint.objects.create(tenant=globex.tenant, url=other.url)
        WebhookEndpoint.objects.create(tenant=acme.tenant, url=other.url, active=False)
        with django_capture_on_commit_callbacks(execute=True):
            parcel.record_scan("Hub", "in_transit")
        [notice] = Notice.objects.all()
        send_notice(notice.pk)
    assert other.received == []
    first, second = receiver.received
    assert first.body == second.body and first.path == "/hook?x=1"
    assert first.headers["host"] == receiver.url.removeprefix("http://")
    for delivered in (first, second):
        assert verify(delivered.headers, delivered.body, to.secret) == f"notice-{notice.pk}"
    assert second.json["type"] == "parcel.scanned" and second.json["tenant"] == "acme"
    assert second.json["data"]["reference"] == parcel.reference and second.json["data"]["location"] == "Hub"


def test_an_endpoint_that_refuses_is_not_tried_again(acme, endpoint):
    for status in (301, 404, 410):
        with serving((status, {})) as receiver:
            notice = Notice.objects.create(
                tenant=acme.tenant, channel=Channel.WEBHOOK, endpoint=endpoint(receiver.url), subject="x"
            )
            assert send_notice.apply((notice.pk,)).failed()
        assert len(receiver.received) == 1
        notice.refresh_from_db()
        assert (notice.state, notice.error) == ("failed", f"The endpoint answered {status}")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://0/",
        "https://2130706433/",
        "http://93.184.215.14/",
        "ftp://93.184.215.14/",
        "https:///",
    ],
)
def test_no_private_address_is_reached(url, settings):
    settings.NOTICE_PRIVATE_ADDRESSES = False
    with pytest.raises(delivery.Undeliverable):
        delivery._post(url, b"{}", {})


def test_an_endpoint_has_an_address_of_https(acme, settings):
    settings.NOTICE_PRIVATE_ADDRESSES = False
    answers = {
        url: acme.post("/api/notifications/endpoints/", {"url": url}).status_code
        for url in ("https://hooks.example/x", "http://hooks.example/x", "javascript:alert(1)", "hooks")
    }
    assert list(answers.values()) == [201, 400, 400, 400]


def test_an_endpoints_secret_is_shown_once(acme):
    made = acme.post("/api/notifications/endpoints/", {"url": "https://hooks.example/"}).json()
    assert made["secret"].startswith("whsec_")
    path = f"/api/notifications/endpoints/{made['id']}/"
    assert "secret" not in acme.get(path).json() and "secret" not in acme.patch(path, {"active": False}).json()
    assert "secret" not in acme.get("/api/notifications/endpoints/").json()["results"][0]
    assert acme.delete(path).status_code == 204
    actions = list(acme.tenant.audit_events.order_by("pk").values_list("action", flat=True))
    assert actions == ["webhook_endpoint.created", "webhook_endpoint.changed", "webhook_endpoint.deleted"]


# Isolation and lists


def test_notices_and_endpoints_are_their_tenants(acme, globex, endpoint):
    mine = endpoint("https://hooks.example/")
    notice = acme.post("/api/notifications/", EMAIL).json()
    for path in (f"/api/notifications/{notice['id']}/", f"/api/notifications/endpoints/{mine.pk}/"):
        assert acme.get(path).status_code == 200
        assert globex.get(path).status_code == 404
    assert globex.delete(f"/api/notifications/endpoints/{mine.pk}/").status_code == 404
    assert globex.get("/api/notifications/").json()["count"] == 0
    assert globex.get("/api/notifications/endpoints/").json()["count"] == 0
    foreign = {"channel": "webhook", "endpoint": mine.pk, "subject": "x"}
    assert globex.post("/api/notifications/", foreign).status_code == 400


def test_lists_take_the_same_queries_however_long(acme, endpoint, django_assert_num_queries):
    to = endpoint("https://hooks.example/")
    Notice.objects.bulk_create(
        Notice(tenant=acme.tenant, channel=Channel.WEBHOOK, endpoint=to, subject="x") for _ in range(60)
    )
    WebhookEndpoint.objects.bulk_create(
        WebhookEndpoint(tenant=acme.tenant, url="https://x.example/") for _ in range(60)
    )
    for path in ("/api/notifications/", "/api/notifications/endpoints/"):
        with django_assert_num_queries(4):  # token, tenant, count, page
            assert len(acme.get(path).json()["results"]) == 50
