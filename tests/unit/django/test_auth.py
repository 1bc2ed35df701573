"""Signing in by token and by session, and what failures leave in the log."""

import json

import pytest
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from tests.unit.django.clients import PASSWORD

pytestmark = pytest.mark.django_db
SECURITY = "|apps.custom_auth.security|"


@pytest.fixture
def security_lines(configure_logging):
    log = configure_logging() / "django/app.log"

    def lines() -> list[tuple[str, dict]]:
        found = [line for line in log.read_text().splitlines() if SECURITY in line]
        return [(line.partition("|")[0], json.loads(line[line.index(" {") :])) for line in found]

    return lines


def sign_in(client: APIClient, username: str = "ann", password: str = PASSWORD, **extra: str) -> int:
    return client.post("/api/auth/sign-in/", {"username": username, "password": password}, **extra).status_code


def test_failed_sign_ins_are_security_events(acme, security_lines):
    browser = APIClient(headers={"X-Forwarded-For": "192.0.2.7"})
    sign_in(browser, password="wrong")
    sign_in(browser, username="my-password-by-mistake")
    browser.post("/admin/login/", {"username": "ann", "password": "wrong"}, format="multipart")
    events = security_lines()
    assert [(level, found["event"], found["account_id"]) for level, found in events] == [
        ("WARNING", "sign_in_failed", acme.user.pk),
        ("WARNING", "sign_in_failed", None),
        ("WARNING", "sign_in_failed", acme.user.pk),
    ]
    assert {found["client_address"] for _, found in events} == {"192.0.2.7"}
    assert "my-password-by-mistake" not in str(events)


def test_signing_in_and_out_are_events_of_the_user(acme, security_lines):
    assert sign_in(APIClient()) == 200
    assert acme.post("/api/auth/sign-out/").status_code == 204
    assert [(found["event"], found["user_id"]) for _, found in security_lines()] == [
        ("sign_in", acme.user.pk),
        ("sign_out", acme.user.pk),
    ]


def test_guessing_raises_an_alarm_and_is_stopped_whatever_the_way(acme, settings, security_lines):
    settings.SIGN_IN_FAILURES_ALARM, settings.SIGN_IN_FAILURES_LIMIT = 3, 5
    attacker, other = ({"headers": {"X-Forwarded-For": address}} for address in ("192.0.2.1", "192.0.2.2"))
    for number in range(5):
        assert sign_in(APIClient(), password=f"guess-{number}", **attacker) == 401
    errors = [found for level, found in security_lines() if level == "ERROR"]
    assert [(found["event"], found["failures"]) for found in errors] == [("brute_force_suspected", 3)]
    # The right password comes too late now, by API and by page; from elsewhere it is welcome.
    assert sign_in(APIClient(), **attacker) == 401
    page = APIClient().post(
        "/api/auth/session/", {"username": "ann", "password": PASSWORD}, format="multipart", **attacker
    )
    assert page.status_code == 200 and b"errorlist" in page.content
    assert sign_in(APIClient(), **other) == 200


def test_a_session_reaches_the_api_and_its_lines_tell_the_user(acme, configure_logging):
    root = configure_logging()
    browser = APIClient(enforce_csrf_checks=True)
    page = browser.get("/api/docs/", follow=True)
    assert page.status_code == 200 and page.redirect_chain[0][0].startswith("/api/auth/session/")
    token = browser.cookies["csrftoken"].value
    form = {"username": "ann", "password": PASSWORD, "csrfmiddlewaretoken": token, "next": "/api/docs/"}
    assert browser.post("/api/auth/session/", form, format="multipart")["Location"] == "/api/docs/"
    assert browser.get("/api/parcels/", headers={"X-Tenant": "acme"}).status_code == 200
    assert browser.get("/api/auth/me/").json()["username"] == "ann"
    # Another site can make the browser send its cookie, but not the CSRF token.
    assert browser.post("/api/parcels/", {}, headers={"X-Tenant": "acme"}).status_code == 403
    assert browser.get("/admin/").status_code == 302  # no member of staff
    assert browser.post(
        "/api/auth/session/", form | {"next": "https://elsewhere.test/"}, format="multipart"
    ).status_code in (302, 403)
    lines = (root / "django/app.log").read_text().splitlines()
    (listed,) = [line for line in lines if "GET /api/parcels/ 200" in line]
    assert json.loads(listed[listed.index(" {") :])["user_id"] == acme.user.pk


def test_a_session_ends(acme):
    browser = APIClient()
    browser.force_login(acme.user, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.post("/api/auth/sign-out/").status_code == 204
    assert browser.get("/api/auth/me/").status_code == 401
    assert Token.objects.filter(user=acme.user).exists()  # other devices stay signed in


def test_the_admin(acme, django_user_model):
    django_user_model.objects.create_superuser("root", password=PASSWORD)
    browser = APIClient()
    form = {"username": "root", "password": PASSWORD, "next": "/admin/"}
    assert browser.post("/admin/login/", form, format="multipart")["Location"] == "/admin/"
    index = browser.get("/admin/").content.decode()
    pages = ("custom_auth/user", "tenant_manager/tenant", "data_governance/auditevent", "branded/brand")
    for page in (*pages, "container/consignment"):
        assert f"/admin/{page}/" in index
        assert browser.get(f"/admin/{page}/").status_code == 200
