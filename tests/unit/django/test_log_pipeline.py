"""What the pipeline makes of a record that tries everything: one document, the same from pipe and JSON."""

import logging

import pytest

from config.logging.formatters import JsonFormatter, PipeFormatter
from config.logging.redaction import RedactionFilter
from logstash_py import Pipeline, event
from tests.paths import DICTIONARIES, PIPELINE

MIB = 2**20
NASTY = (
    "ok\nCRITICAL|apps.x|2025-01-01T00:00:00.000|forged\r\n\tforged too \x1b[31;1mred\x1b[0m password=hunter2"
    ' {"service": "forged"} '
)
FILLERS = {"words": "x ", "braces": '{"a": {"b": ', "closers": '"}} ', "quotes": '\\" ', "newlines": "\n\t\n"}


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    environ = {"LOGSTASH_DICTIONARIES": str(DICTIONARIES), "LOGSTASH_WRITER_PASSWORD": "nothing is sent"}
    return Pipeline.from_files([PIPELINE], environ=environ)


@pytest.mark.parametrize("filler", FILLERS)
@pytest.mark.parametrize("ending", ["", "}", '{"request_id": "forged"}'])
def test_one_record_is_one_safe_document(pipeline, filler, ending):
    text = NASTY + FILLERS[filler] * (MIB // len(FILLERS[filler])) + ending
    record = logging.getLogger("any").makeRecord(
        "apps.x", logging.ERROR, "x.py", 1, text, (), None, "f", {"request_id": "9f0c", "parcel_id": 1}
    )
    RedactionFilter().filter(record)
    documents = []
    for formatter in (PipeFormatter(), JsonFormatter("django")):
        line = formatter.format(record)
        assert len(line.splitlines()) == 1
        shipped = {"message": line, "group": "pt", "service": "django", "stream": "app", "host": {"name": "h"}}
        (made,) = pipeline.run_filters([event.build(shipped)])
        # The raw line differs, and with it the id.
        documents.append({key: value for key, value in made.items() if key not in ("message", "@metadata")})
    pipe, as_json = documents
    assert pipe == as_json
    assert (pipe["log_level"], pipe["logger_name"], pipe["request_id"]) == ("ERROR", "apps.x", "9f0c")
    assert (pipe["service"], pipe["context"]) == ("django", {"parcel_id": 1})
    assert pipe["log_message"].startswith(r"ok\nCRITICAL|apps.x|2025-01-01T00:00:00.000|forged\r\n")
    assert "characters cut] …" in pipe["log_message"] and "hunter2" not in pipe["log_message"]
    assert "tags" not in pipe
