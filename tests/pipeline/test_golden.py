"""What no single case can show: the ids of two documents side by side."""

import pytest

from logstash_py import tester
from logstash_py.observed import ObservedPipeline
from logstash_py.tester.run import pipeline_of
from tests.pipeline.golden import CASES

LINE = "INFO|apps.parcels.views|2025-02-02T12:34:56.123|hello"


@pytest.fixture(scope="module")
def pipeline() -> ObservedPipeline:
    return pipeline_of(tester.load(CASES))


def test_same_line_of_same_file_has_same_id(pipeline: ObservedPipeline) -> None:
    """A replayed line must meet its first copy; the same text elsewhere in the file, or in another file, must not."""

    def document_id(**log):
        event = {"group": "pt", "service": "django", "message": LINE, "host": {"name": "a"}, "log": log}
        [(document, _)] = pipeline.run(event).documents
        return document["@metadata"]["_ingest_document"]["id"]

    first = document_id(offset=1, file={"fingerprint": "f1", "path": "/x/app.log"})
    assert document_id(offset=1, file={"fingerprint": "f1", "path": "/x/app.log.1"}) == first  # rotated
    assert document_id(offset=2, file={"fingerprint": "f1", "path": "/x/app.log"}) != first
    assert document_id(offset=1, file={"fingerprint": "f2", "path": "/x/app.log"}) != first
