"""The golden cases through the whole chain: each line written to a file that Filebeat reads, its document read back."""

import uuid

import pytest

from stack.written import log_files
from tests.pipeline.golden import load_cases
from tests.polling import poll_until

# One file of each service.
FILES = {
    "django": "django/app.log",
    "celery": "celery/celery.log",
    "celerybeat": "celerybeat/celerybeat.log",
    "flower": "flower/flower.log",
    "nginx": "nginx/access.log",
    "react": "react/react.log",
}


def can_be_a_line(case) -> bool:
    """Not what no file can give: a foreign group, an array as stream, an empty line, a record starting with a tab."""
    [event] = case.events
    routed = case.shared.outputs == ("data_streams",)
    return routed and isinstance(event["stream"], str) and event["message"] and event["message"][0] != "\t"


CASES = [case for case in load_cases() if can_be_a_line(case)]


@pytest.fixture(scope="module")
def documents(stack):
    """{(service, line): document}. The names of the files match Filebeat's paths, as a rotated backup's does."""
    lines = {}
    for case in CASES:
        [event] = case.events
        lines.setdefault(FILES[event["service"]], {})[event["message"]] = None
    for file, of_file in lines.items():
        path = stack.settings.logs / f"{file}.golden"
        path.write_text("\n".join([f"golden {uuid.uuid4().hex} {file:64}", *of_file]) + "\n")
    fingerprints = [f.fingerprint for f in log_files(stack.settings.logs) if f.path.suffix == ".golden"]
    query = {"terms": {"log.file.fingerprint": fingerprints}}
    expected = sum(1 + len(of_file) for of_file in lines.values())
    poll_until(f"{expected} documents of golden cases", lambda: stack.count(query) >= expected)
    return {(d["service"], d["message"]): d for d in stack.documents(query)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_document(documents, case):
    [event], [expected] = case.events, case.expected
    actual, expected = case.actual(documents[event["service"], event["message"]]), dict(expected)
    if "@timestamp" in case.shared.given:  # no time in the line: Filebeat's own
        del actual["@timestamp"], expected["@timestamp"]
    assert actual == expected
