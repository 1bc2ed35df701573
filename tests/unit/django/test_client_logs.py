"""What browsers report: taken in within bounds, and unable to pass for anything else."""

import json
import logging
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from apps.logs.client_events import logger_name

pytestmark = pytest.mark.django_db
EVENT = {"level": "error", "logger": "app", "message": "boom"}


def post(*events: object):
    return APIClient().post("/api/logs/client/", {"events": list(events)})


@pytest.fixture
def react_log(configure_logging):
    path = configure_logging(level="INFO") / "react/react.log"

    def lines() -> list[str]:
        return path.read_text().split("\n")[1:-1] if path.exists() else []

    return lines


def test_an_event_is_a_record_of_its_own_level(react_log):
    stack = "TypeError: x is undefined\n    at f (app.js:1:2)"
    extra = {"timestamp": "2025-02-02T12:34:56.123Z", "context": {"page": {"tags": ["x"]}}, "stack": stack}
    assert post({**EVENT, **extra}, {**EVENT, "level": "info", "stack": None}).json() == {"accepted": 2}
    first, *stack_lines, second = react_log()
    assert first.startswith("ERROR|react.app|")
    text, _, suffix = first.split("|", 3)[3].partition(" ")
    assert text == "boom"
    assert json.loads(suffix)["client"] == {"page": {"tags": ["x"]}, "timestamp": "2025-02-02T12:34:56.123000+00:00"}
    assert stack_lines == ["\tTypeError: x is undefined", "\t    at f (app.js:1:2)"]
    assert second.startswith("INFO|react.app|")


def test_a_forged_record_stays_inside_its_own(react_log):
    forged = "x\r\nERROR|apps.x|2025-01-01T00:00:00.000|forged\u2028\x1b[31m"
    event = {
        **EVENT,
        "message": forged,
        "stack": forged,
        "context": {forged: forged, "request_id": "forged", "user_id": 1},
    }
    assert post({**event, "logger": forged[:100]}).status_code == 202
    first, *rest = react_log()
    assert first.startswith("ERROR|react.x_ERROR_apps.x_")
    assert len(first.split("|")[1]) < 120
    assert all(line.startswith("\t") and "\x1b" not in line for line in rest)
    context = json.loads(first[first.index(' {"client"') :])
    assert context["request_id"] != "forged" and "user_id" not in context
    assert context["client"]["request_id"] == "forged"


@pytest.mark.parametrize(
    ("name", "logger"),
    [
        ("app.Boundary", "react.app.Boundary"),
        ("react.app", "react.app"),
        ("react", "react.react"),
        ("...", "react"),
        ("a..b|c\n", "react.a.b_c_"),
        ("é", "react._"),
    ],
)
def test_logger_names(name, logger):
    assert logger_name(name) == logger


def test_names_that_clients_think_of_make_no_loggers(react_log):
    post({**EVENT, "logger": "never.seen.before"})
    assert "react.never.seen.before" not in logging.root.manager.loggerDict
    assert "|react.never.seen.before|" in react_log()[0]


def test_events_below_the_level_are_left_out(react_log):
    assert post({**EVENT, "level": "debug"}).json() == {"accepted": 1}
    assert react_log() == []


@pytest.mark.parametrize(
    "events",
    [
        [],
        [{**EVENT, "level": "ERROR|x"}],
        [{**EVENT, "level": "notset"}],
        [{"level": "info", "logger": "app"}],
        [{**EVENT, "message": "x" * 4001}],
        [{**EVENT, "stack": "x" * 16_001}],
        [{**EVENT, "context": {"x": "x" * 5000}}],
        [{**EVENT, "context": ["x"]}],
        [{**EVENT, "context": {"a": [{"b": {}}]}}],
        [{**EVENT, "logger": "x" * 101}],
        [{**EVENT, "timestamp": "soon"}],
        [{**EVENT, "id": "1"}],
        ["event"],
        [EVENT] * 101,
    ],
    ids=lambda events: json.dumps(events)[:40],
)
def test_what_does_not_fit_is_refused_whole(react_log, events):
    assert post(EVENT, *events).status_code == 400 if events else post().status_code == 400
    assert react_log() == []


def test_intake_is_throttled_by_events_however_they_are_batched(settings, monkeypatch, react_log, caplog):
    settings.CLIENT_LOGS_RATE, throttling_window = 1, 10
    monkeypatch.setattr("apps.logs.throttling.time.time", lambda: 1_000_000.0)
    assert [post(*[EVENT] * size).status_code for size in (6, 4, 1, 1)] == [202, 202, 429, 429]
    assert len(react_log()) == 10
    assert caplog.text.count("Client events throttled") == 1  # the flood is not ours too
    monkeypatch.setattr("apps.logs.throttling.time.time", lambda: 1_000_000.0 + throttling_window)
    assert post(*[EVENT] * 11).status_code == 429  # none of a batch that is too large
    assert len(react_log()) == 10


def test_the_body_of_a_throttled_request_is_not_read(settings):
    settings.CLIENT_LOGS_RATE = 0
    answer = APIClient().post("/api/logs/client/", b"[" * 100_000, content_type="application/json")
    assert answer.status_code == 429


def test_an_event_that_comes_again_is_written_once(react_log):
    """The answer to its batch was lost; what else is in the next batch is new, and what has no id too."""
    first, second = ({**EVENT, "id": str(uuid4()), "message": message} for message in ("first", "second"))
    assert post(first, first).json() == {"accepted": 2}
    assert post(first, second, EVENT, EVENT).json() == {"accepted": 4}
    assert post(first, second).status_code == 202
    assert [line.split("|")[3].split(" ")[0] for line in react_log()] == ["first", "second", "boom", "boom"]


def test_no_line_of_a_browser_is_a_tenants(react_log):
    """Who is not signed in must not write into what a tenant's members find."""
    answer = APIClient().post("/api/logs/client/", {"events": [EVENT]}, headers={"X-Tenant": "acme"})
    assert answer.status_code == 202
    assert "acme" not in "".join(react_log())
