"""Service by file: each line that real traffic made is in its data stream once, with what the line says."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from stack.counting import counter
from tests.paths import DICTIONARIES
from tests.polling import poll_until

STREAMS = yaml.safe_load((DICTIONARIES / "streams.yml").read_text())
MODULES = yaml.safe_load((DICTIONARIES / "app_modules.yml").read_text())

# file → a logger that real traffic must have made it take lines of
MATRIX = {
    "django/django.log": "django.request",
    "django/server.log": "gunicorn.access",
    "django/system.log": "root",
    "django/aws.log": "botocore.credentials",
    "django/network.log": "urllib3.connectionpool",
    "django/app.log": "apps.parcels.views",
    "celery/celery.log": "celery.app.trace",
    "celerybeat/celerybeat.log": "celery.beat",
    "flower/flower.log": "flower.command",
    "nginx/access.log": "nginx.access",
    "nginx/error.log": "nginx.error",
    "react/react.log": "react.errors",
}
PIPE = re.compile(r"([A-Z]+)\|([^|]+)\|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\|")


def records(stack, file):
    """The records of a log file: lines with their continuation lines, as Filebeat joins them."""
    found = []
    for line in stack.read(file).splitlines():
        if line.startswith("\t"):
            found[-1] += "\n" + line
        else:
            found.append(line)
    return found


def of_files(stack, *files):
    """The query for what stands in these log files, and in no others of their services."""
    found = [f.fingerprint for f in counter(stack.settings)({}) if f"{f.service}/{f.path.name}" in files]
    assert len(found) == len(files)
    return {"terms": {"log.file.fingerprint": found}}


def documents_of(stack, file):
    return stack.documents(of_files(stack, file))


@pytest.mark.parametrize("file", MATRIX)
def test_each_record_is_one_document_of_its_service(stack, visited, file):
    documents = []

    def as_many():
        documents[:] = documents_of(stack, file)
        return Counter(d["message"] for d in documents) == Counter(records(stack, file))

    poll_until(f"a document for each record of {file}", as_many)
    service = file.partition("/")[0]
    assert {(d["service"], d["data_stream"]["dataset"], d["group"]) for d in documents} == {(service, service, "pt")}
    assert not [d for d in documents if "tags" in d]  # nothing failed to parse


@pytest.mark.parametrize("file", [file for file in MATRIX if not file.startswith("nginx/")])
def test_fields_say_what_the_line_says(stack, visited, file):
    for document in documents_of(stack, file):
        level, logger, time = PIPE.match(document["message"]).groups()
        assert document["log_level"] == level
        assert document["logger_name"] == logger
        assert document["@timestamp"] == f"{time}Z"
        root, *rest = logger.split(".")
        stream = STREAMS.get(root, "unknown")
        assert document["stream"] == stream
        if stream not in ("app", "unknown"):
            assert "app_module" not in document
        elif logger.endswith(".tasks"):
            assert document["app_module"] == "tasks"
        else:
            app = ".".join([root, *rest[:1]]) if root == "apps" else root
            assert document["app_module"] == MODULES.get(app, "unknown")


@pytest.mark.parametrize("app", [name for name in MODULES if name.startswith("apps.") or name == "config"])
def test_each_app_has_lines_of_its_own_in_its_module(stack, visited, app):
    wanted = [
        of_files(stack, *MATRIX),
        {"prefix": {"logger_name": f"{app}."}},
        {"term": {"app_module": MODULES[app]}},
        {"terms": {"log_level": ["INFO", "WARNING"]}},  # not what it says when it can't do its work
    ]
    # Beat's first task comes 30 s after its start.
    stack.wait_for_documents({"bool": {"filter": wanted}}, 1, f"lines of {app}", seconds=60)


@pytest.mark.parametrize("file, logger", MATRIX.items())
def test_each_file_is_fed_by_what_it_is_for(stack, visited, file, logger):
    loggers = Counter(d["logger_name"] for d in documents_of(stack, file))
    assert logger in loggers


def test_nginx_access_lines(stack, visited):
    documents = [d for d in documents_of(stack, "nginx/access.log")]
    assert {d["stream"] for d in documents} == {"server"}
    levels = {d["http"]["response"]["status_code"] // 100: d["log_level"] for d in documents}
    assert levels[2] == "INFO" and levels[4] == "WARNING" and levels[5] == "ERROR"
    for d in documents:
        seconds, milliseconds = re.search(r'"time":"(\d+)\.(\d{3})"', d["message"]).groups()
        at = datetime.fromtimestamp(int(seconds), UTC) + timedelta(milliseconds=int(milliseconds))
        assert datetime.fromisoformat(d["@timestamp"]) == at
        assert d["http"]["request"]["method"] in d["log_message"]
        assert isinstance(d["duration_ms"], int)


def test_no_e_mail_address_is_written(stack, visited):
    # As the recipients of traffic's notices and its new users have.
    assert [file for file in MATRIX if "@example.org" in stack.read(file)] == []


def test_as_many_documents_as_lines(visited):
    assert {file: (lines, documents) for file, (_, lines, documents) in visited.items() if lines != documents} == {}
    assert sum(lines for _, lines, _ in visited.values()) > 150
