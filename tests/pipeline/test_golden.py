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


def document_id(pipeline: ObservedPipeline, message: str = LINE, **fields) -> str:
    log = {"offset": 1, "file": {"fingerprint": "f1", "path": "/x/app.log"}}
    event = {"group": "pt", "service": "django", "message": message, "host": {"name": "a"}, "log": log}
    [(document, _)] = pipeline.run(event | fields).documents
    return document["@metadata"]["_ingest_document"]["id"]


def test_same_line_of_same_file_has_same_id(pipeline: ObservedPipeline) -> None:
    """A replayed line must meet its first copy; the same text elsewhere in the file, or in another file, must not."""

    def of_log(**log):
        return document_id(pipeline, log=log)

    first = of_log(offset=1, file={"fingerprint": "f1", "path": "/x/app.log"})
    assert of_log(offset=1, file={"fingerprint": "f1", "path": "/x/app.log.1"}) == first  # rotated
    assert of_log(offset=2, file={"fingerprint": "f1", "path": "/x/app.log"}) != first
    assert of_log(offset=1, file={"fingerprint": "f2", "path": "/x/app.log"}) != first


def test_ids_are_in_the_order_of_the_records_times(pipeline: ObservedPipeline) -> None:
    assert document_id(pipeline).startswith("1738499696-")  # 12:34:56
    assert document_id(pipeline, LINE.replace("12:34:56", "12:34:57")).startswith("1738499697-")


@pytest.mark.parametrize("message", ["of no format", LINE.replace("2025-02-02", "2025-02-31")])
def test_an_id_has_no_time_that_a_replay_would_change(pipeline: ObservedPipeline, message: str) -> None:
    """Of a line whose own time is not known, @timestamp is when Filebeat read it."""
    first = document_id(pipeline, message, **{"@timestamp": "2025-02-02T12:34:56.000Z"})
    assert document_id(pipeline, message, **{"@timestamp": "2025-02-02T12:34:57.000Z"}) == first
