"""What the environment variables do."""

import json
import logging
import socket
import threading

import pytest
from logging_alone import build_logging, context, from_environment

from tests.paths import DICTIONARIES
from tests.polling import poll_until

CATALOGUE = DICTIONARIES / "streams.yml"


def handlers(service="django", **environ: str) -> list[str]:
    built = build_logging(service=service, catalogue_path=CATALOGUE, **from_environment(environ))
    return [name for name in built["handlers"] if not name.startswith("router")]


SPLIT = ["file_django", "file_server", "file_system", "file_aws", "file_network", "file_app", "file_react"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ["console_verbose"]),
        ({"ENVIRONMENT": "production"}, ["console_json"]),
        ({"USE_JSON_LOGGING": "true"}, ["console_json"]),
        ({"LOG_FILE_PATH": "x"}, ["console_verbose", *SPLIT]),
        ({"ENVIRONMENT": "production", "LOG_FILE_PATH": "x"}, ["console_json", *SPLIT]),
        ({"LOG_FILE_PATH": "x", "USE_FILE_LOGGING": "false"}, ["console_verbose", "file_error"]),
        (
            {"ENVIRONMENT": "production", "LOG_FILE_PATH": "x", "USE_FILE_LOGGING": "false"},
            ["console_json", "file_error"],
        ),
        ({"LOG_FILE_PATH": "x", "service": "flower"}, ["console_verbose", "file_flower"]),
        ({"LOGSTASH_TCP": "127.0.0.1:5045"}, ["console_verbose", "logstash"]),
    ],
)
def test_handlers_of_each_mode(environ, expected):
    assert handlers(**environ) == expected


def test_kubernetes_collects_all_of_the_console_as_json_and_errors_have_a_backup(configure, written, capsys):
    configure("django", production=True, files=False, console_level=None, level="INFO")
    log = logging.getLogger("apps.x")
    log.info("hello")
    log.error("bad")
    found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["level"], line["message"], line["service"]) for line in found] == [
        ("INFO", "hello", "django"),
        ("ERROR", "bad", "django"),
    ]
    assert written.files() == ["django/error.log"]
    assert written.messages("django/error.log") == ["bad"]


def test_beside_files_the_production_console_shows_errors_alone(configure, written, capsys):
    configure("django", production=True, console_level=None)
    logging.getLogger("apps.x").info("hello")
    assert capsys.readouterr().err == ""
    logging.getLogger("apps.x").error("bad")
    assert json.loads(capsys.readouterr().err)["message"] == "bad"
    assert written.messages("django/app.log") == ["hello", "bad"]


@pytest.mark.parametrize("background", [False, True])
def test_production_makes_no_debug_record(configure, written, background):
    configure(production=True, level="DEBUG", noisy_level="DEBUG", background=background)
    made = []
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(lambda *args, **kwargs: made.append(args) or before(*args, **kwargs))
    try:
        for name in ("apps.x", "urllib3.connectionpool", "django.db.backends"):
            logging.getLogger(name).debug("hidden")
        assert made == []
        code = logging.getLogger("apps.set_to_debug")
        code.setLevel(logging.DEBUG)
        code.debug("hidden")
        code.info("shown")
    finally:
        logging.setLogRecordFactory(before)
        code.setLevel(logging.NOTSET)
    for handler in logging.getLogger().handlers:
        handler.flush()
    assert written.messages("celery/celery.log") == ["shown"]


def test_libraries_whose_debug_lines_are_private_never_write_them(configure, written):
    configure(level="DEBUG")
    for name in ("oauthlib.oauth2", "requests_oauthlib", "websockets.server", "channels.layers", "redis", "daphne.ws"):
        logging.getLogger(name).debug("token and frames")
        logging.getLogger(name).info(name)
    assert len(written.messages("celery/celery.log")) == 6


def test_servers_that_bring_handlers_write_once(configure, written, capsys):
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "daphne", "daphne.server"):
        logging.getLogger(name).addHandler(logging.StreamHandler())
        logging.getLogger(name).propagate = False
    configure("django")
    access = logging.getLogger("uvicorn.access")
    for uri in ("/health", "/health?x=1", "/api/?token=abc"):
        access.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", uri, "1.1", 200)
    logging.getLogger("daphne.server").info("Listening")
    assert written.messages("django/server.log") == [
        '127.0.0.1:1 - "GET /api/?token=[redacted] HTTP/1.1" 200 {"status": 200}',
        "Listening",
    ]
    assert capsys.readouterr().err == ""


def test_chatty_loggers_are_sampled_request_by_request(configure, written):
    configure(sampling={"apps.chatty": 0.25, "apps.chatty.quiet": 0})
    for number in range(400):
        context.bind(request_id=f"request {number}")
        for name in ("apps.chatty.a", "apps.chatty.b", "apps.chatty.quiet", "apps.other"):
            logging.getLogger(name).info("%d", number)
        logging.getLogger("apps.chatty.quiet").warning("kept")
    kept: dict[str, list[str]] = {}
    for line in written.lines("celery/celery.log"):
        level, name, _, text = line.split("|")
        kept.setdefault(f"{level} {name}", []).append(text)
    assert 60 < len(kept["INFO apps.chatty.a"]) < 140
    assert kept["INFO apps.chatty.a"] == kept["INFO apps.chatty.b"]
    assert "INFO apps.chatty.quiet" not in kept
    assert len(kept["INFO apps.other"]) == len(kept["WARNING apps.chatty.quiet"]) == 400
    assert json.loads(kept["INFO apps.chatty.a"][0].partition(" ")[2])["sample_rate"] == 0.25


def test_personal_data_is_kept_where_the_policy_says_so(configure, written):
    configure(redact=from_environment({"LOG_REDACT": "phone"})["redact"])
    logging.getLogger("apps.x").info("ann@example.com +491711234567")
    assert written.messages("celery/celery.log") == ["ann@example.com [phone redacted]"]
    assert from_environment({"LOG_REDACT": "none"})["redact"] == ()
    assert from_environment({"LOG_REDACT": ""})["redact"] == ("email", "phone")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("USE_JSON_LOGGING", "yes"),
        ("LOG_ASYNC", "1"),
        ("LOG_SAMPLING", "django.db"),
        ("LOG_SAMPLING", "django.db=2"),
        ("LOG_SAMPLING", "=0.1"),
        ("LOG_SAMPLING", "x=nan"),
        ("LOG_REDACT", "names"),
        ("LOGSTASH_TCP", "5045"),
        ("LOG_FILE_MAX_BYTES", "10MB"),
        ("LOG_FILE_BACKUPS", "0"),
    ],
)
def test_a_value_that_cannot_be_meant_is_told(name, value):
    with pytest.raises(ValueError, match=name):
        from_environment({name: value})


def test_files_have_the_size_and_number_that_are_given():
    def of(**environ):
        environ = {"LOG_FILE_PATH": "x", **environ}
        built = build_logging(service="flower", catalogue_path=CATALOGUE, **from_environment(environ))
        return built["handlers"]["file_flower"]["max_bytes"], built["handlers"]["file_flower"]["backups"]

    assert of() == (10 * 2**20, 5)
    assert of(LOG_FILE_MAX_BYTES="4096", LOG_FILE_BACKUPS="12") == (4096, 12)


def test_logstash_gets_the_event_that_filebeat_would_send(configure):
    from logstash_async.handler import AsynchronousLogstashHandler

    lines: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as stream:
                lines.extend(stream)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        configure("django", log_file_path=None, logstash=server.getsockname())
        context.bind(request_id="9f0c")
        try:
            raise ValueError("password=hunter2")
        except ValueError:
            logging.getLogger("apps.x").exception("a\nb")
        logging.getLogger("react.errors").info("hello")
        AsynchronousLogstashHandler._worker_thread.force_flush_queued_events()
        poll_until("both events", lambda: len(lines) == 2)
    first, second = map(json.loads, lines)
    head, *stack = first.pop("message").split("\n")
    assert head.startswith("ERROR|apps.x|") and head.endswith('|a\\nb {"request_id": "9f0c"}')
    assert stack[0] == "\tTraceback (most recent call last):" and stack[-1] == "\tValueError: password=[redacted]"
    assert (first["group"], first["service"], first["stream"]) == ("pt", "django", "app")
    assert (second["service"], second["stream"]) == ("react", "app")
    assert first["log"]["file"] == second["log"]["file"] and first["log"]["offset"] != second["log"]["offset"]
