"""One request across the services, and what goes wrong in it."""

import subprocess
import sys
import uuid

import httpx
import pytest

from stack.journeys import Visitor
from tests.paths import ROOT
from tests.polling import poll_until


@pytest.fixture
def visitor(stack):
    visitor = Visitor(stack.settings)
    visitor.http.headers["X-Request-ID"] = visitor.request_id = uuid.uuid4().hex
    return visitor


def of_request(visitor, **more):
    terms = {"request_id": visitor.request_id, **more}
    return {"bool": {"filter": [{"term": {name: value}} for name, value in terms.items()]}}


def test_a_traceback_is_one_document(stack, visitor):
    assert visitor.http.get("/api/common/fault/").status_code == 500
    [document] = stack.wait_for_documents(of_request(visitor, service="django", stream="django"), 1, "the error")
    assert document["log_level"] == "ERROR"
    assert document["error"]["type"]
    assert document["error"]["stack_trace"].startswith("Traceback (most recent call last):\n")
    assert "\n  File " in document["error"]["stack_trace"]
    [access] = stack.wait_for_documents(of_request(visitor, service="nginx"), 1, "nginx's access line")
    assert access["log_level"] == "ERROR" and access["http"]["response"]["status_code"] == 500


def test_a_request_is_followed_from_nginx_to_its_task(stack, visitor):
    created = visitor.http.post("/api/parcels/", json={"recipient": "Ada", "destination": "London"}).json()
    assert visitor.http.post(f"/api/parcels/{created['reference']}/label/").is_success
    for service in ("nginx", "django"):
        poll_until(f"a line of {service}", lambda service=service: stack.count(of_request(visitor, service=service)))
    succeeded = of_request(visitor, service="celery", logger_name="celery.app.trace")
    stack.wait_for_documents(succeeded, 1, "the end of the task")
    of_task = stack.documents(of_request(visitor, service="celery"))
    assert {d["task_name"] for d in of_task} == {"apps.integrations.tasks.put_label"}
    # Received by the worker's main process, done in another.
    expected = {"celery.worker.strategy", "celery.task", "apps.integrations.tasks", "celery.app.trace"}
    assert expected <= {d["logger_name"] for d in of_task}
    of_view = stack.documents(of_request(visitor, logger_name="apps.parcels.views"))
    assert {d["tenant"] for d in (*of_view, *of_task)} == {"acme"}


def test_each_line_tells_how_long_its_request_or_task_has_taken(stack, visitor):
    visitor.http.get("/api/common/fault/")
    created = visitor.http.post("/api/parcels/", json={"recipient": "Ada", "destination": "London"}).json()
    visitor.http.post(f"/api/parcels/{created['reference']}/label/")
    stack.wait_for_documents(of_request(visitor, logger_name="celery.app.trace"), 1, "the end of the task")
    stack.wait_for_documents(of_request(visitor, logger_name="gunicorn.access"), 3, "the access lines")
    for document in stack.documents(of_request(visitor)):
        received = document["logger_name"] == "celery.worker.strategy"  # before it takes any
        assert received != ("duration_ms" in document), document
        assert received or document["duration_ms"] >= 0


def test_sign_ins_are_security_events(stack, visitor):
    refused = visitor.http.post("/api/auth/sign-in/", json={"username": "demo", "password": "wrong"})
    assert refused.status_code == 401
    security = of_request(visitor, logger_name="apps.custom_auth.security")
    [document] = stack.wait_for_documents(security, 1, "the refused sign-in")
    assert (document["log_level"], document["app_module"]) == ("WARNING", "auth")
    assert document["log_message"] == "Sign-in refused"
    assert document["context"]["event"] == "sign_in_failed"


def test_e_mail_addresses_are_taken_out_of_messages(stack, visitor):
    event = {"level": "info", "logger": "page", "message": "Sent to ada@example.org, who asked"}
    assert visitor.http.post("/api/logs/client/", json={"events": [event]}).is_success
    [document] = stack.wait_for_documents(of_request(visitor, service="react"), 1, "the browser's event")
    assert document["log_message"] == "Sent to [email redacted], who asked"


def test_a_browser_cannot_forge_a_record(stack, visitor):
    forged = "nice\nCRITICAL|apps.parcels.views|2025-02-02T12:34:56.123|forged\r\n\tTraceback"
    event = {"level": "warning", "logger": "a|b\nc", "message": forged, "context": {"service": "nginx", "n": 1}}
    assert visitor.http.post("/api/logs/client/", json={"events": [event]}).is_success
    [document] = stack.wait_for_documents(of_request(visitor, service="react"), 1, "the browser's event")
    assert document["log_level"] == "WARNING"
    assert document["logger_name"].startswith("react.")
    assert document["data_stream"]["dataset"] == "react"
    assert "forged" in document["log_message"]
    assert document["context"]["client"]["service"] == "nginx"


def test_a_forged_mebibyte_with_a_password_is_one_safe_document(stack):
    marker = uuid.uuid4().hex
    forged = "CRITICAL|apps.x|2025-01-01T00:00:00.000|forged"
    text = f"{marker} ok\n{forged}\r\n\tforged \x1b[31;1mred\x1b[0m password=hunter2 "
    script = (
        "import django, logging, sys; django.setup(); logging.getLogger('apps.parcels.views').error(sys.stdin.read())"
    )
    environ = {
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DJANGO_SECRET_KEY": "nothing is signed",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SERVICE_NAME": "django",
        "LOG_FILE_PATH": str(stack.settings.logs),
    }
    django = ROOT / "services/django"
    subprocess.run(
        [sys.executable, "-c", script], input=text + "x " * 2**19, text=True, check=True, cwd=django, env=environ
    )
    written = {"bool": {"filter": [{"term": {"service": "django"}}, {"match_phrase": {"log_message": marker}}]}}
    [document] = stack.wait_for_documents(written, 1, "the line")
    assert (document["log_level"], document["logger_name"]) == ("ERROR", "apps.parcels.views")
    assert document["log_message"].startswith(marker) and "characters cut] …" in document["log_message"]
    assert "hunter2" not in document["message"] and "\x1b" not in document["message"]
    assert "tags" not in document and "\n" not in document["message"]
    assert stack.count({"term": {"logger_name": "apps.x"}}) == 0


def test_health_checks_are_not_logged(stack):
    with httpx.Client(base_url=f"http://127.0.0.1:{stack.settings.django_port}") as http:
        for path in ("/health", "/auth-health", "/health?probe=1"):
            http.get(path)
        marker = f"/nowhere-{uuid.uuid4().hex}"
        http.get(marker)
    by_logger = {"term": {"logger_name": "gunicorn.access"}}
    stack.wait_for_documents(
        {"bool": {"filter": [by_logger, {"match_phrase": {"log_message": marker}}]}}, 1, "the request after them"
    )
    for probe in ("GET /health", "GET /auth-health"):
        assert stack.count({"bool": {"filter": [by_logger, {"match_phrase": {"log_message": probe}}]}}) == 0, probe
