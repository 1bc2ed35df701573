"""The HTTP API: what it answers, to whom, and what it logs."""

import io
import json
import logging
import re
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.urls import URLPattern, get_resolver
from rest_framework.test import APIClient

from apps.common import faults
from apps.notification.models import Notice
from apps.parcels.models import Parcel
from apps.tenant_manager.models import Tenant
from config.logging import context
from tests.unit.django.clients import PARCEL, PASSWORD

pytestmark = pytest.mark.django_db


# Signing in


def test_sign_in_and_out(acme):
    anyone = APIClient()
    answer = anyone.post("/api/auth/sign-in/", {"username": "ann", "password": PASSWORD})
    assert answer.status_code == 200
    signed_in = {"headers": {"Authorization": f"Token {answer.json()['token']}", "X-Tenant": "acme"}}
    assert anyone.get("/api/tenants/current/", **signed_in).json() == {"slug": "acme", "name": "acme"}
    assert anyone.post("/api/auth/sign-out/", **signed_in).status_code == 204
    assert anyone.get("/api/tenants/current/", **signed_in).status_code == 401


@pytest.mark.parametrize("credentials", [("ann", "wrong-secret"), ("nobody", PASSWORD)])
def test_wrong_credentials(acme, credentials):
    username, password = credentials
    assert APIClient().post("/api/auth/sign-in/", {"username": username, "password": password}).status_code == 401


def test_neither_password_nor_token_is_logged(acme, configure_logging, capsys):
    root = configure_logging()
    answer = APIClient().post("/api/auth/sign-in/", {"username": "ann", "password": PASSWORD})
    APIClient().post("/api/auth/sign-in/", {"username": "ann", "password": "wrong-secret"})
    acme.post("/api/parcels/", PARCEL)
    lines = "".join(path.read_text() for path in root.glob("*/*.log")) + capsys.readouterr().err
    assert "Signed in" in lines and "Sign-in refused" in lines
    for secret in (PASSWORD, "wrong-secret", answer.json()["token"]):
        assert secret not in lines


def test_sign_in_is_throttled(acme):
    answers = {APIClient().post("/api/auth/sign-in/", {}).status_code for _ in range(61)}
    assert answers == {400, 429}


OPEN = {
    "health",
    "auth-health",
    "api/auth/sign-in/",
    "api/auth/session/",
    "api/onboarding/sign-up/",
    "api/branded/track/<slug:tenant>/<slug:reference>/",
    "track/<slug:tenant>/<slug:reference>/",
    "api/logs/client/",
    "api/common/fault/",
    "api/common/fault/bad-release/",
    "api/common/fault/held-lock/",
    "admin/login/",
    "admin/logout/",
}


def routes(patterns=None, prefix="") -> list[str]:
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        found += [route] if isinstance(pattern, URLPattern) else routes(pattern.url_patterns, route)
    return found


def test_every_other_route_needs_authentication(parcel):
    closed = [route for route in routes() if route not in OPEN]
    assert len(closed) >= 9
    for route in closed:
        path = "/" + re.sub(r"<(int:)?[^>]+>", lambda match: "1" if match[1] else parcel.reference, route)
        from_afar = APIClient(REMOTE_ADDR="192.0.2.1")  # an address of this host may read /metrics
        for answer in (from_afar.get(path), from_afar.post(path, {})):
            # Pages send whoever isn't signed in to a sign-in page.
            to_sign_in = answer.status_code == 302 and re.match("/admin/login/|/api/auth/session/", answer["Location"])
            assert answer.status_code in (401, 403) or to_sign_in, path


# Tenants


@pytest.mark.parametrize(("header", "status"), [("globex", 403), ("absent", 403), ("", 400), ("acme' OR 1=1", 403)])
def test_the_tenant_must_be_the_users(acme, globex, header, status):
    for path in ("/api/tenants/current/", "/api/parcels/"):
        assert acme.get(path, headers={"X-Tenant": header}).status_code == status


def test_no_view_leaks_another_tenants_parcel(parcel, globex):
    base = f"/api/parcels/{parcel.reference}/"
    assert globex.get("/api/parcels/").json()["results"] == []
    assert globex.get(base).status_code == 404
    assert globex.get(base + "track/").status_code == 404
    assert globex.get(base + "label/").status_code == 404
    scan = {"location": "Hub", "status": "delivered"}
    for action in ("scans/", "label/", "quote/"):
        answer = globex.post(base + action, scan)
        assert answer.status_code == 404
        assert parcel.recipient not in answer.content.decode()
    parcel.refresh_from_db()
    assert parcel.status == "created"


def test_a_user_of_two_tenants_sees_the_asked_one(acme, globex, parcel):
    Tenant.objects.get(slug="globex").members.add(acme.user)
    assert acme.get("/api/parcels/").json()["count"] == 1
    assert acme.get("/api/parcels/", headers={"X-Tenant": "globex"}).json()["count"] == 0


# Parcels


def test_a_parcels_life(acme, parcel):
    base = f"/api/parcels/{parcel.reference}/"
    for location, status in (("Hub", "in_transit"), ("Door", "delivered")):
        assert acme.post(base + "scans/", {"location": location, "status": status}).status_code == 201
    assert acme.get(base).json()["status"] == "delivered"
    track = acme.get(base + "track/").json()
    assert [(scan["location"], scan["status"]) for scan in track["scans"]] == [
        ("Hub", "in_transit"),
        ("Door", "delivered"),
    ]
    assert acme.post(base + "scans/", {"location": "Door", "status": "eaten"}).status_code == 400


def test_neither_tenant_nor_reference_is_the_clients_choice(acme, globex):
    tenant = Tenant.objects.get(slug="globex")
    answer = acme.post("/api/parcels/", {**PARCEL, "tenant": tenant.pk, "reference": "PT-1", "label_key": "x"}).json()
    made = Parcel.objects.get()
    assert (made.tenant.slug, made.label_key) == ("acme", "")
    assert answer["reference"] != "PT-1"


def test_a_list_takes_the_same_queries_however_long(acme, django_assert_num_queries):
    tenant = Tenant.objects.get(slug="acme")
    Parcel.objects.bulk_create(Parcel(tenant=tenant, **PARCEL) for _ in range(60))
    with django_assert_num_queries(4):  # token, tenant, count, page
        assert len(acme.get("/api/parcels/").json()["results"]) == 50


# Labels


def test_a_label_that_is_not_stored_is_a_404(acme, parcel):
    assert acme.get(f"/api/parcels/{parcel.reference}/label/").status_code == 404


def test_a_label_store_that_is_down_is_a_502(acme, parcel, settings, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    settings.LABEL_STORE_URL = "http://127.0.0.1:9"
    Parcel.objects.filter(pk=parcel.pk).update(label_key="acme/x.zpl")
    assert acme.get(f"/api/parcels/{parcel.reference}/label/").status_code == 502


# Carriers


class Carrier(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"price": "12.50", "asked": {"path": self.path, **body}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


def test_quote(acme, parcel, settings):
    server = HTTPServer(("127.0.0.1", 0), Carrier)
    Thread(target=server.serve_forever, daemon=True).start()
    settings.CARRIER_URL = f"http://127.0.0.1:{server.server_port}"
    answer = acme.post(f"/api/parcels/{parcel.reference}/quote/")
    server.shutdown()
    server.server_close()
    assert answer.status_code == 200
    asked = {"path": "/northwind/quotes", "destination": "Main Street 1", "weight_grams": 1000}
    assert answer.json() == {"price": "12.50", "asked": asked}


def test_a_carrier_that_is_down_is_a_502_with_its_traceback_and_retries_in_the_logs(acme, parcel, configure_logging):
    root = configure_logging(noisy_level="WARNING")
    assert acme.post(f"/api/parcels/{parcel.reference}/quote/").status_code == 502
    app = (root / "django/app.log").read_text()
    assert "ERROR|apps.parcels.views|" in app
    assert "\tapps.integrations.carriers.CarrierError: northwind could not be asked\n" in app
    assert (root / "django/network.log").read_text().count("WARNING|urllib3.connectionpool|") == 2


# Notices


def test_a_notice_is_sent_once(acme):
    answer = acme.post("/api/notifications/", {"recipient": "a@b.example", "subject": "Hi", "body": "there"})
    assert answer.status_code == 202
    assert [message.to for message in mail.outbox] == [["a@b.example"]]
    from apps.notification.tasks import send_notice

    send_notice(answer.json()["id"])
    assert len(mail.outbox) == 1
    assert Notice.objects.get().tenant.slug == "acme"


# Health, faults and bodies


def test_health(client):
    assert client.get("/health").json() == {"status": "ok"}


def test_a_fault_is_a_500_with_its_traceback(client, configure_logging):
    root = configure_logging()
    client.raise_request_exception = False
    assert client.get("/api/common/fault/").status_code == 500
    lines = (root / "django/django.log").read_text().splitlines()
    assert lines[1].startswith("ERROR|django.request|")
    assert lines[2] == "\tTraceback (most recent call last):"
    assert lines[-1] == "\tRuntimeError: A fault was asked for"


@pytest.mark.parametrize(("fault", "status"), [("", 500), ("bad-release/", 500), ("held-lock/", 200)])
def test_faults_are_routed_where_fault_views_is_true(client, monkeypatch, fault, status):
    monkeypatch.setattr(faults, "HELD_SECONDS", 0)
    client.raise_request_exception = False
    assert client.get(f"/api/common/fault/{fault}").status_code == status


def test_bodies_are_bounded(client):
    def post(body: bytes) -> int:
        return client.post("/api/logs/client/", body, content_type="application/json").status_code

    assert post(b"[" * 100_000) == 400
    assert post(b" " * (2**20 + 1)) == 413


# The log context


def test_every_line_of_a_request_carries_its_context(acme, configure_logging):
    root = configure_logging()
    request_id = "0123456789abcdef0123456789abcdef"
    answer = acme.post("/api/parcels/", PARCEL, headers={"X-Request-ID": request_id})
    assert answer["X-Request-ID"] == request_id
    acme.get("/api/parcels/NONE/")
    created, done, *_ = (root / "django/app.log").read_text().splitlines()[1:]
    for line in (created, done):
        found = json.loads(line[line.index(" {") :])
        assert found["request_id"] == request_id
        assert (found["user_id"], found["tenant"], found["path"]) == (acme.user.pk, "acme", "/api/parcels/")
        assert found["duration_ms"] > 0
    assert re.search(r'\|POST /api/parcels/ 201 \{"status": 201, "duration_ms": [\d.]+, ', done)
    # Django's own line comes after the last middleware, and carries the context of its request still.
    (missing,) = (root / "django/django.log").read_text().splitlines()[1:]
    found = json.loads(missing[missing.index(" {") :])
    assert (found["tenant"], found["path"]) == ("acme", "/api/parcels/NONE/")
    assert found["request_id"] != request_id


def test_a_made_up_request_id_is_replaced(client):
    answer = client.get("/health", headers={"X-Request-ID": "x" * 500})
    assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-ID"])


def test_the_context_ends_with_its_request(acme, configure_logging):
    root = configure_logging()
    acme.get("/api/parcels/")
    APIClient().get("/api/parcels/")
    logging.getLogger("apps.x").info("outside")
    refused, outside = (root / "django/app.log").read_text().splitlines()[-2:]
    assert "tenant" not in refused and "user_id" not in refused
    assert outside.endswith("|outside")


def test_a_request_starts_with_an_empty_context(acme, configure_logging):
    root = configure_logging()
    context.bind(left="over")  # by a request that was cut off before its end
    acme.get("/api/parcels/")
    assert "left" not in (root / "django/app.log").read_text()


# Set-up


def test_seed_demo_is_idempotent(monkeypatch, django_user_model):
    monkeypatch.setenv("DEMO_PASSWORD", PASSWORD)
    for _ in range(2):
        call_command("seed_demo", stdout=io.StringIO())
    for username, slug in (("demo", "acme"), ("globex", "globex")):
        user = django_user_model.objects.get(username=username)
        assert user.check_password(PASSWORD)
        assert [tenant.slug for tenant in user.tenants.all()] == [slug]
    monkeypatch.delenv("DEMO_PASSWORD")
    with pytest.raises(CommandError, match="DEMO_PASSWORD"):
        call_command("seed_demo")


def test_migrations_are_complete():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
