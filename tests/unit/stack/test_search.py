"""How a document stands on the console."""

from stack.search import as_text


def test_a_line_and_the_fields_by_which_it_can_be_found():
    document = {
        "@timestamp": "2025-02-02T12:34:56.123Z",
        "service": "django",
        "log_level": "ERROR",
        "logger_name": "apps.parcels.views",
        "log_message": "No quote",
        "message": "ERROR|…",
        "error": {"type": "CarrierError", "stack_trace": "Traceback"},
        "context": {"client": {"page": "/"}, "parcel_id": 7},
        "request_id": "9f0c",
    }
    assert as_text(document).splitlines() == [
        "2025-02-02T12:34:56.123Z django ERROR apps.parcels.views No quote",
        "    error.type=CarrierError request_id=9f0c context.client.page=/ context.parcel_id=7",
    ]


def test_a_line_that_no_pattern_fitted():
    document = {"@timestamp": "2025-02-02T12:34:56.123Z", "service": "celery", "message": "garbage"}
    assert as_text(document) == "2025-02-02T12:34:56.123Z celery - - garbage"
