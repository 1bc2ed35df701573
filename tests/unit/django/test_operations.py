"""What operators and other programs rely on: health, metrics, static files, settings that pass Django's checks."""

import asyncio
import os
import subprocess
import sys

import pytest
from celery import Celery
from rest_framework.test import APIClient

from apps.common import health
from tests.paths import ROOT
from tests.unit.django.clients import PASSWORD

MANAGE = ROOT / "services/django/manage.py"
CLOSED = "redis://127.0.0.1:9/0"


# Health


@pytest.mark.django_db
def test_auth_health_tells_of_each_dependency(client):
    answer = client.get("/auth-health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "dependencies": dict.fromkeys(health.DEPENDENCIES, "ok")}


@pytest.mark.django_db
def test_dependencies_that_are_down_are_named(client, settings, monkeypatch, configure_logging):
    root = configure_logging()
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CLOSED}}
    monkeypatch.setattr(health, "celery_app", Celery(broker=CLOSED, set_as_current=False))
    monkeypatch.setattr(health, "TIMEOUT", 0.2)
    answer = client.get("/auth-health")
    assert answer.status_code == 503
    state = {"database": "ok", "users": "ok", "cache": "unreachable", "broker": "unreachable"}
    assert answer.json() == {"status": "error", "dependencies": state}
    log = (root / "django/app.log").read_text()
    assert log.count("ERROR|apps.common.health|") == 2 and "Connection refused" in log
    assert client.get("/health").status_code == 200  # this process can serve


# Slow queries


@pytest.mark.django_db
def test_slow_queries_are_warned_of_without_their_parameters(acme, settings, configure_logging):
    root = configure_logging()
    acme.get("/api/parcels/", {"search": "Zoë"})
    log = root / "django/app.log"
    assert "slow_queries" not in log.read_text()
    settings.SLOW_QUERY_SECONDS = 0
    acme.get("/api/parcels/", {"search": "Zoë"})
    warnings = [line for line in log.read_text().splitlines() if "|apps.common.slow_queries|" in line]
    assert any('FROM \\"parcels_parcel\\"' in line and '"request_id"' in line for line in warnings)
    assert all(line.startswith("WARNING|") and "Zo" not in line for line in warnings)


# Metrics


@pytest.mark.django_db
def test_metrics_count_requests_by_view(acme):
    acme.get("/api/tenants/")
    answer = APIClient(REMOTE_ADDR="127.0.0.1").get("/metrics")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/plain")
    assert 'method="GET",view="tenants"' in answer.content.decode()


@pytest.mark.django_db
def test_metrics_are_for_staff_or_this_host(acme, django_user_model):
    def asked_from(address: str, forwarded_for: str | None = None, client: APIClient | None = None) -> int:
        headers = {"X-Forwarded-For": forwarded_for} if forwarded_for else {}
        return (client or APIClient()).get("/metrics", REMOTE_ADDR=address, headers=headers).status_code

    assert asked_from("127.0.0.1") == asked_from("::1") == asked_from("127.0.0.1", "127.0.0.1") == 200
    assert asked_from("192.0.2.1") == asked_from("") == 401
    assert asked_from("127.0.0.1", "192.0.2.1") == 401  # through nginx on this host
    assert asked_from("192.0.2.1", "127.0.0.1") == 401  # anyone can write a header
    assert asked_from("192.0.2.1", client=acme) == 403
    acme.user.is_staff = True
    acme.user.save()
    assert asked_from("192.0.2.1", client=acme) == 200


# Pages


def test_static_files_of_admin_and_swagger_ui_come_from_here():
    from config.asgi import application

    async def get(path: str) -> int:
        sent = []

        async def receive() -> dict:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
        await application(scope, receive, send)
        return sent[0]["status"]

    for path in ("admin/css/base.css", "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"):
        assert asyncio.run(get(f"/static/{path}")) == 200


@pytest.mark.django_db
def test_swagger_ui_needs_no_other_host(acme):
    browser = APIClient()
    browser.login(username="ann", password=PASSWORD)
    page = browser.get("/api/docs/").content.decode()
    assert "/static/drf_spectacular_sidecar/" in page
    assert "https://" not in page and 'src="//' not in page


# Settings


def test_production_settings_pass_djangos_deployment_checks(tmp_path):
    env = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "DJANGO_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "DATABASE_PATH": str(tmp_path / "db.sqlite3"),
    }
    command = [sys.executable, MANAGE, "check", "--deploy", "--fail-level", "WARNING"]
    check = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert check.returncode == 0, check.stderr
    assert "no issues" in check.stdout + check.stderr
