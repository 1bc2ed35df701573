"""Which record goes to which file, and to which only."""

import json
import logging
import re
import warnings

import pytest
import yaml

from config.logging import build_logging, context
from config.logging.catalogue import Catalogue
from tests.paths import DICTIONARIES

CATALOGUE = DICTIONARIES / "streams.yml"


def written(root) -> dict[str, list[str]]:
    """Lines of each file below `root`, headers left out."""
    return {
        str(path.relative_to(root)): [
            line for line in path.read_text().splitlines() if "config.logging" not in line.split("|")[1]
        ]
        for path in root.glob("*/*.log")
    }


@pytest.mark.parametrize(
    ("logger", "file"),
    [
        ("django.request", "django/django.log"),
        ("django.server", "django/django.log"),
        ("gunicorn.error", "django/server.log"),
        ("gunicorn.access", "django/server.log"),
        ("werkzeug", "django/server.log"),
        ("root", "django/system.log"),
        ("asyncio", "django/system.log"),
        ("py.warnings", "django/system.log"),
        ("botocore.endpoint", "django/aws.log"),
        ("s3transfer.tasks", "django/aws.log"),
        ("urllib3.connectionpool", "django/network.log"),
        ("kombu.connection", "django/network.log"),
        ("apps.parcels.views", "django/app.log"),
        ("celery.worker", "django/app.log"),
        ("somebody.else", "django/app.log"),
        ("reaction", "django/app.log"),
        ("react", "react/react.log"),
        ("react.boundary", "react/react.log"),
    ],
)
def test_each_record_goes_to_one_file(configure_logging, logger, file):
    root = configure_logging(noisy_level="DEBUG")
    logging.getLogger(logger).warning("hello")
    assert {name: len(lines) for name, lines in written(root).items()} == {file: 1}


def test_every_stream_of_the_catalogue_has_a_file(configure_logging):
    """A stream added to the catalogue must not vanish from the files."""
    root = configure_logging(noisy_level="DEBUG")
    loggers = [name for name in yaml.safe_load(CATALOGUE.read_text()) if name != "react"]
    for name in loggers:
        logging.getLogger(f"{name}.x").error("from %s", name)
    assert sum(len(lines) for lines in written(root).values()) == len(loggers)


@pytest.mark.parametrize("service", ["celery", "celerybeat", "flower"])
def test_other_services_have_one_file_with_everything(configure_logging, service):
    root = configure_logging(service=service)
    for name in ("apps.x", "django.db", "kombu", "react.x", "unknown"):
        logging.getLogger(name).info("hello")
    assert [(name, len(lines)) for name, lines in written(root).items()] == [(f"{service}/{service}.log", 5)]


def test_without_a_path_there_is_only_the_console(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    built = build_logging(service="django", catalogue_path=CATALOGUE, log_file_path="")
    assert list(built["handlers"]) == ["console_verbose", "router"]


def test_noisy_loggers_are_critical_unless_told_otherwise(configure_logging):
    root = configure_logging()
    logging.getLogger("botocore.x").error("hidden")
    logging.getLogger("urllib3.x").critical("shown")
    assert list(written(root)) == ["django/network.log"]
    configure_logging(noisy_level="INFO")
    logging.getLogger("botocore.x").info("shown")
    assert len(written(root)["django/aws.log"]) == 1


def test_records_of_those_that_bring_handlers_are_written_once(configure_logging, capsys):
    names = ("django", "django.server", "gunicorn.error", "gunicorn.access", "celery", "flower")
    for name in names:  # as Django's defaults and gunicorn do
        logging.getLogger(name).addHandler(logging.StreamHandler())
        logging.getLogger(name).propagate = False
    configure_logging(log_file_path=None)
    for name in names:
        logging.getLogger(name).error("to the console")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("|")[:2] for line in lines] == [["ERROR", name] for name in names]


def test_production_shows_errors_only_on_the_console(configure_logging, capsys):
    root = configure_logging(console_level="ERROR")
    logging.getLogger("apps.x").info("quiet")
    logging.getLogger("apps.x").error("loud")
    err = capsys.readouterr().err
    assert "loud" in err and "quiet" not in err
    assert len(written(root)["django/app.log"]) == 2


def test_celery_console_tells_memory(configure_logging, capsys):
    configure_logging(service="celery")
    logging.getLogger("apps.x").info("hello")
    assert "[INFO] [apps.x] [Process Memory: " in capsys.readouterr().err


def test_json_goes_to_console_and_files(configure_logging, capsys):
    root = configure_logging(json=True)
    context.bind(request_id="9f0c")
    logging.getLogger("apps.x").info("hello", extra={"parcel_id": 1})
    lines = [capsys.readouterr().err, (root / "django/app.log").read_text().splitlines()[1]]
    for found in map(json.loads, lines):
        assert (found["service"], found["request_id"], found["parcel_id"]) == ("django", "9f0c", 1)


@pytest.mark.parametrize("path", ["/health", "/auth-health"])
def test_health_checks_leave_no_access_record(configure_logging, path):
    root = configure_logging()
    access = logging.getLogger("gunicorn.access")
    atoms = {"r": f"GET {path}?probe=1 HTTP/1.1", "U": path, "s": "200", "M": 3, "{x-request-id}o": "9f0c"}
    access.info('"%(r)s" %(s)s', atoms)
    assert written(root) == {}
    access.info('"%(r)s" %(s)s', {**atoms, "U": path + "y"})
    (line,) = written(root)["django/server.log"]
    assert line.endswith('" 200 {"status": "200", "duration_ms": 3, "request_id": "9f0c"}')


def test_flower_health_checks_leave_no_access_record(configure_logging):
    root = configure_logging(service="flower")
    for uri in ("/flower/healthcheck", "/flower/healthcheck?x=1", "/flower/tasks"):
        logging.getLogger("tornado.access").info("%d %s %.2fms", 200, f"GET {uri} (127.0.0.1)", 0.5)
    (line,) = written(root)["flower/flower.log"]
    assert "/flower/tasks" in line


def test_celery_records_give_task_id_and_no_arguments(configure_logging):
    root = configure_logging(service="celery")
    data = {"id": "77-aa", "name": "apps.x.tasks.do", "args": "('private',)", "kwargs": "{}", "runtime": 0.0125}
    logging.getLogger("celery.app.trace").info("Task %(name)s succeeded", data, extra={"data": data})
    (line,) = written(root)["celery/celery.log"]
    assert line.endswith(
        '|Task apps.x.tasks.do succeeded {"task_id": "77-aa", "task_name": "apps.x.tasks.do", "duration_ms": 12.5}'
    )


def test_a_warning_is_one_line_of_system_log(configure_logging):
    root = configure_logging()
    with warnings.catch_warnings():
        logging.captureWarnings(False)  # pytest has put its own in place of what was captured before
        logging.captureWarnings(True)
        warnings.simplefilter("always")
        warnings.warn("old\nways", DeprecationWarning, stacklevel=1)
    (line,) = written(root)["django/system.log"]
    assert re.match(r"WARNING\|py\.warnings\|.*DeprecationWarning: old\\nways", line)


def test_a_missing_or_broken_catalogue_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"absent\.yml.*LOG_CATALOGUE"):
        Catalogue.load(tmp_path / "absent.yml")
    broken = tmp_path / "broken.yml"
    for text in ("- a list", "apps: [1", "apps: 1", ""):
        broken.write_text(text)
        with pytest.raises(ValueError, match=r"broken\.yml"):
            Catalogue.load(broken)
    assert Catalogue.load(CATALOGUE).stream("apps.parcels.views") == "app"
    assert Catalogue.load(CATALOGUE).stream("nobody.x") == "unknown"
