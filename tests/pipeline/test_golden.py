"""The golden cases through logstash_py: elk/logstash/pipeline/logstash.conf without inputs and outputs."""

import pytest

from logstash_py import Pipeline
from tests.paths import DICTIONARIES, PIPELINE
from tests.pipeline.golden import load_cases


@pytest.fixture(scope="session")
def pipeline():
    environ = {"LOGSTASH_DICTIONARIES": str(DICTIONARIES), "LOGSTASH_WRITER_PASSWORD": "not used here"}
    return Pipeline.from_files([PIPELINE], environ=environ)


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
def test_document(pipeline, case):
    [document] = pipeline.filter([case.event])
    assert case.actual(document) == case.expected
    assert document["message"] == case.line


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
def test_route(pipeline, case):
    [document] = pipeline.filter([case.event])
    metadata = document.get("@metadata", {})
    assert ("routed" in metadata) is not case.unrouted
    assert ("_ingest_document" in metadata) is not case.unrouted


def test_same_line_of_same_file_has_same_id(pipeline):
    """A replayed line must meet its first copy; the same text elsewhere in the file, or in another file, must not."""
    line = "INFO|apps.parcels.views|2025-02-02T12:34:56.123|hello"

    def document_id(**log):
        event = {"group": "pt", "service": "django", "message": line, "host": {"name": "a"}, "log": log}
        return pipeline.filter([event])[0]["@metadata"]["_ingest_document"]["id"]

    first = document_id(offset=1, file={"fingerprint": "f1", "path": "/x/app.log"})
    assert document_id(offset=1, file={"fingerprint": "f1", "path": "/x/app.log.1"}) == first  # rotated
    assert document_id(offset=2, file={"fingerprint": "f1", "path": "/x/app.log"}) != first
    assert document_id(offset=1, file={"fingerprint": "f2", "path": "/x/app.log"}) != first
