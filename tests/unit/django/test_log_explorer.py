"""The log explorer's API: for whom it is, what is asked of Elasticsearch, and what is refused in words."""

import csv
import hashlib
import io
import json
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.logs.explorer import query, searches
from apps.logs.explorer.files import log_files
from apps.logs.explorer.serializers import Position
from apps.logs.serializers import cursor
from tests.unit.django.servers import serving

pytestmark = pytest.mark.django_db

FIELDS = {
    name: {kind: {"searchable": True}}
    for name, kind in {
        "group": "keyword",
        "service": "keyword",
        "log_level": "keyword",
        "log_message": "text",
        "duration_ms": "float",
        "context": "flattened",
        "url.original": "keyword",
    }.items()
}
SOURCE = {
    "@timestamp": "2025-02-02T12:34:56.123Z",
    "service": "django",
    "log_message": "Parcel created",
    "log": {"offset": 4096, "file": {"path": "/x/app.log", "fingerprint": "f1"}},
}
HIT = {"_id": "id1", "_index": "logs-1", "_source": SOURCE, "sort": [1738499696123, "f1", 4096, 7]}


def answer(*hits: dict, total: int | None = None, **changes: object) -> dict:
    found = {"total": {"value": len(hits) if total is None else total, "relation": "eq"}, "hits": list(hits)}
    return {"took": 3, "timed_out": False, "_shards": {"failed": 0}, "hits": found, **changes}


@pytest.fixture
def store(settings):
    """A server in Elasticsearch's place, which keeps what it is asked; the fields are known."""
    from django.core.cache import cache

    cache.set(f"logs-fields:{settings.LOG_GROUP}", {name: next(iter(kind)) for name, kind in FIELDS.items()})
    with serving((200, answer(HIT))) as server:
        settings.ELASTICSEARCH_HOSTS = [server.url]
        settings.PT_READER_PASSWORD = "reads"
        yield server


def get(client: APIClient, path: str, **parameters: object):
    return client.get(f"/api/logs/explorer/{path}", parameters)


def asked(store) -> dict:
    return store.received[-1].json


PATHS = ("", "lines/", "lines/id1/", "lines/id1/surrounding/", "overview/", "values/", "tail/", "export/", "health/")


@pytest.mark.parametrize("path", PATHS)
def test_it_is_for_staff_alone(store, acme, owner, path):
    assert get(APIClient(), path).status_code == 401
    for client in (acme, owner):
        assert get(client, path).status_code == 403
    assert store.received == []


def test_what_there_is_to_look_at(store, staff, settings):
    from django.core.cache import cache

    cache.clear()
    store.answers[:] = [(200, {"fields": FIELDS | {"message": {"text": {"searchable": False}}}})]
    about = get(staff, "").json()
    assert {field["name"] for field in about["fields"]} == FIELDS.keys()
    assert about["group"] == "pt" and about["kibana_url"] is None
    assert {"name": "context", "kind": "flattened"} in about["fields"]
    settings.KIBANA_PUBLIC_URL = "https://kibana.example"
    assert get(staff, "").json()["kibana_url"] == "https://kibana.example"
    assert len(store.received) == 1  # remembered


# Lines


def test_lines_of_a_query_and_facets(store, staff):
    q = 'group:pt AND service:django AND log_level:ERROR "no answer"'
    found = get(staff, "lines/", q=q, service=["django", "celery"], order="oldest", size=10).json()
    assert found["lines"] == [{"id": "id1", "fields": SOURCE}] and found["complete"] and found["next"] is None
    body = asked(store)
    period, text, facet = body["query"]["bool"]["filter"]
    assert text["query_string"]["query"] == q and text["query_string"]["allow_leading_wildcard"] is False
    assert facet == {"terms": {"service": ["django", "celery"]}}
    assert body["sort"][0] == {"@timestamp": "asc"} and body["size"] == 10 and body["timeout"] == "3s"
    begin, end = (datetime.fromisoformat(period["range"]["@timestamp"][edge]) for edge in ("gte", "lt"))
    assert end - begin == timedelta(days=1)


def test_a_query_stays_a_value(store, staff):
    forged = r'"\"}}],\"size\":9999,\"x\":\"" x'
    assert get(staff, "lines/", q=forged).status_code == 200
    body = asked(store)
    assert body["size"] == 200 and set(body["query"]) == {"bool"}
    assert body["query"]["bool"]["filter"][1]["query_string"]["query"] == forged


def test_pages(store, staff):
    store.answers[:] = [(200, answer(HIT, total=2)), (200, answer(total=2))]
    first = get(staff, "lines/", size=1).json()
    assert first["next"] == cursor(HIT["sort"])
    get(staff, "lines/", size=1, after=first["next"])
    assert asked(store)["search_after"] == HIT["sort"]
    assert staff.tenant.audit_events.count() == 0  # it is no tenant's
    from apps.data_governance.models import AuditEvent

    assert AuditEvent.objects.filter(action="logs.explored").count() == 1  # of the first page alone


def test_a_line_and_those_around_it(store, staff):
    def neighbour(offset: int) -> dict:
        return {**HIT, "_id": f"at{offset}", "_source": {**SOURCE, "log": {"offset": offset}}}

    store.answers[:] = [(200, answer(HIT)), (200, answer(neighbour(40), neighbour(30))), (200, answer(neighbour(50)))]
    found = get(staff, "lines/id1/surrounding/", size=2).json()
    ids = [line["id"] for line in (*found["before"], found["line"], *found["after"])]
    assert ids == ["at30", "at40", "id1", "at50"]
    one, before, after = (received.json for received in store.received)
    assert one["query"] == {"ids": {"values": ["id1"]}}
    for body, order, beyond in ((before, "desc", {"lt": 4096}), (after, "asc", {"gt": 4096})):
        assert {"term": {"log.file.fingerprint": "f1"}} in body["query"]["bool"]["filter"]
        assert {"range": {"log.offset": beyond}} in body["query"]["bool"]["filter"]
        assert body["sort"] == [{"log.offset": order}]
    store.answers[:] = [(200, answer())]
    assert get(staff, "lines/gone/").status_code == 404


# Counts


def at_once(*answers: dict) -> tuple[int, dict]:
    return 200, {"responses": [{"status": 200, **one} for one in answers]}


def test_the_overview_counts_a_facet_without_its_own_choice(store, staff):
    values = {"buckets": [{"key": "django", "doc_count": 5}]}
    at = 1738499690000
    rare = {"key": at, "doc_count": 2, "levels": {"buckets": [{"key": "ERROR", "doc_count": 2}]}}
    store.answers[:] = [
        at_once(
            answer(aggregations={"bars": {"buckets": [{"key": at, "doc_count": 5}, {"key": at + 1, "doc_count": 1}]}}),
            answer(aggregations={"bars": {"buckets": [rare]}}),
            answer(aggregations={"service": values, "app_module": {"narrowed": values}}, took=9),
            answer(aggregations={"stream": {"narrowed": values}, "log_level": {"narrowed": values}}),
        )
    ]
    overview = get(staff, "overview/", service="django").json()
    assert overview["total"] == 6 and overview["took_ms"] == 9 and overview["complete"]
    assert overview["bars"] == [
        {"at": at, "total": 5, "levels": {"INFO": 3, "ERROR": 2}},
        {"at": at + 1, "total": 1, "levels": {"INFO": 1}},
    ]
    assert overview["facets"]["service"] == overview["facets"]["stream"] == [{"value": "django", "count": 5}]
    by_time, by_level, *by_value = list(map(json.loads, store.received[-1].body.splitlines()))[1::2]
    assert by_time["aggs"]["bars"]["date_histogram"]["fixed_interval"] == "1800s"
    assert {"terms": {"service": ["django"]}} in by_time["query"]["bool"]["filter"]
    assert by_time["query"] in by_level["query"]["bool"]["filter"]
    facets = by_value[0]["aggs"] | by_value[1]["aggs"]
    assert set(facets) == set(searches.FACETS)
    assert "terms" in facets["service"]  # not narrowed by itself
    assert facets["log_level"]["filter"] == {"bool": {"filter": [{"terms": {"service": ["django"]}}]}}
    assert not any("terms" in clause for clause in by_value[0]["query"]["bool"]["filter"])


def test_an_overview_of_which_a_part_is_refused_is_none(store, staff):
    refused = {"status": 400, "error": {"type": "x", "reason": 'For input string: "abc"'}}
    store.answers[:] = [(200, {"responses": [{"status": 200, **answer()}, refused]})]
    assert "not a number" in str(get(staff, "overview/", q="duration_ms:abc").json()["q"])


@pytest.mark.parametrize(
    ("period", "seconds"), [(timedelta(seconds=30), 1), (timedelta(minutes=15), 30), (timedelta(days=31), 43_200)]
)
def test_a_histogram_has_as_many_bars_as_can_be_seen(period, seconds):
    now = timezone.now()
    view = searches.View(since=now - period, until=now)
    assert view.interval() == seconds and period.total_seconds() / seconds <= searches.BARS


def test_values_complete_what_is_typed(store, staff):
    buckets = [{"key": "GET /api", "doc_count": 2}]
    store.answers[:] = [(200, answer(aggregations={"values": {"buckets": buckets}}))]
    assert get(staff, "values/", field="url.original", prefix="/a.*").json() == [{"value": "GET /api", "count": 2}]
    assert asked(store)["aggs"]["values"]["terms"]["include"] == "\\/a\\.\\*.*"
    assert get(staff, "values/", field="context.carrier").status_code == 200
    for name in ("log_message", "nothing", "duration_ms"):
        assert get(staff, "values/", field=name).status_code == 400


# The live tail


def test_a_tail_follows_the_order_in_which_lines_are_stored(store, staff):
    buckets = [{"key": "logs-1", "last": {"value": 6.0}}, {"key": "logs-2", "last": {"value": 9.0}}]
    later = {**HIT, "sort": [7]}
    store.answers[:] = [
        (200, answer(aggregations={"indices": {"buckets": buckets}})),
        (200, answer(later)),
        (200, answer()),
    ]
    begin = get(staff, "tail/", q="service:django").json()
    assert begin["lines"] == []
    found = get(staff, "tail/", q="service:django", after=begin["next"]).json()
    assert [line["id"] for line in found["lines"]] == ["id1"] and found["more"] is False
    get(staff, "tail/", after=found["next"])
    *known, other = asked(store)["query"]["bool"]["should"]
    assert [clause["bool"]["filter"] for clause in known] == [
        [{"term": {"_index": "logs-1"}}, {"range": {"_seq_no": {"gt": 7}}}],
        [{"term": {"_index": "logs-2"}}, {"range": {"_seq_no": {"gt": 9}}}],
    ]
    assert other == {"bool": {"must_not": [{"terms": {"_index": ["logs-1", "logs-2"]}}]}}
    for after in ("x", Position.text({"a": -1}), Position.text({"a": "b"}), Position.text([1])):
        assert get(staff, "tail/", after=after).status_code == 400
    assert get(staff, "tail/", since="2025-02-02T00:00:00Z").status_code == 400


def test_a_tail_leaves_no_line_itself(store, staff, caplog):
    caplog.set_level("INFO")
    store.answers[:] = [(200, answer(aggregations={"indices": {"buckets": []}}))]
    get(staff, "tail/")
    assert caplog.text == ""
    get(staff, "lines/")
    assert "/api/logs/explorer/lines/ 200" in caplog.text


# Export


def test_an_export_is_every_page_of_the_view(store, staff, monkeypatch):
    monkeypatch.setattr("apps.logs.explorer.export.PAGE", 2)
    trace = {"type": "KeyError", "stack_trace": "Traceback\n  boom"}
    odd = {**HIT, "_source": {**SOURCE, "log_message": '=1+1;"x"', "error": trace, "context": {"a": 1}}}
    pages = [(200, answer(total=3)), (200, answer(HIT, HIT)), (200, answer(odd))]
    store.answers[:] = list(pages)
    exported = get(staff, "export/", q="service:django")
    assert exported["X-Lines"] == "3" and exported["Content-Disposition"].endswith('.csv"')
    first, second, third = csv.DictReader(io.StringIO(b"".join(exported).decode()))
    assert first == second and first["log_message"] == "Parcel created" and first["service"] == "django"
    assert third["log_message"] == '\'=1+1;"x"' and third["error.stack_trace"] == "Traceback\\n  boom"
    assert third["context"] == '{"a": 1}'
    assert asked(store)["search_after"] == HIT["sort"] and asked(store)["sort"][0] == {"@timestamp": "asc"}

    store.answers[:] = list(pages)
    exported = b"".join(get(staff, "export/", kind="ndjson")).decode()
    assert [json.loads(line) for line in exported.splitlines()] == [SOURCE, SOURCE, odd["_source"]]


def test_an_export_that_breaks_off_does_not_look_whole(store, staff, monkeypatch):
    from apps.logs.store import Unavailable

    monkeypatch.setattr("apps.logs.explorer.export.PAGE", 1)
    for trouble in ((503, {}), (200, answer(HIT, timed_out=True))):
        store.answers[:] = [(200, answer(total=2)), (200, answer(HIT)), trouble]
        exported = get(staff, "export/")
        with pytest.raises(Unavailable):
            b"".join(exported)


def test_an_export_that_is_too_large_is_refused(store, staff):
    store.answers[:] = [(200, answer(total=100_001))]
    refused = get(staff, "export/")
    assert refused.status_code == 400 and "100,001 lines" in refused.content.decode()


# Health


def test_health_tells_what_arrives_and_what_waits(store, staff, settings, tmp_path):
    (tmp_path / "celery").mkdir()
    log = tmp_path / "celery/celery.log"
    first, second = b"INFO|celery|" + b"x" * 80 + b"\n\ttrace\n", b"INFO|celery|two\n"
    log.write_bytes(first + second)
    print_ = hashlib.sha256(first[:64]).hexdigest()
    settings.LOGGING_OPTIONS = {**settings.LOGGING_OPTIONS, "log_file_path": tmp_path}
    services = {
        "key": "celery",
        "doc_count": 9,
        "newest": {"value": 1738499696123.0},
        "minute": {"doc_count": 4},
        "failures": {"buckets": [{"key": "_grokparsefailure_pt", "doc_count": 1}]},
    }
    arrived = {"key": print_, "offset": {"value": 0.0}, "newest": {"value": 1738499696123.0}}
    store.answers[:] = [
        (200, answer(aggregations={"services": {"buckets": [services]}})),
        (200, answer(aggregations={"files": {"buckets": [arrived]}})),
    ]
    health = get(staff, "health/").json()
    by_service = {stream["service"]: stream for stream in health["streams"]}
    assert set(by_service) == set(settings.LOG_SERVICES) and by_service["nginx"]["newest"] is None
    assert by_service["celery"] == {
        "service": "celery",
        "newest": "2025-02-02T12:34:56.123000Z",
        "last_minute": 4,
        "last_day": 9,
        "failures": [{"value": "_grokparsefailure_pt", "count": 1}],
    }
    [file] = health["files"]
    assert file["path"] == "celery/celery.log" and file["waiting"] == len(second)
    [there] = log_files(tmp_path, {"celery": {"celery.log": "app"}})
    assert [there.waiting(offset) for offset in (None, 0, len(first))] == [len(first + second), len(second), 0]


def test_without_files_health_does_not_speak_of_them(store, staff, settings):
    settings.LOGGING_OPTIONS = {**settings.LOGGING_OPTIONS, "log_file_path": None}
    store.answers[:] = [(200, answer(aggregations={"services": {"buckets": []}}))]
    assert get(staff, "health/").json()["files"] is None


# What is refused


@pytest.mark.parametrize(
    ("q", "words"),
    [
        ("*created", "begins with a wildcard"),
        ("service:*go", "begins with a wildcard"),
        ("(?x OR y)", "begins with a wildcard"),
        ("url.original:/api/parcels/", "Put a path into quotes"),
        ('"open', "quotation mark is not closed"),
        ("levle:ERROR", "There is no field levle"),
        ("log_levle:ERROR", "Did you mean log_level?"),
        ("message:hello", "Ask for log_message"),
        ("NOT log_timestamp:2025*", "Ask for @timestamp"),
        ("at 12:34:56", "stands in quotes"),
        (" ".join(["word"] * 51), "More than 50"),
        ("x" * 1001, "1000"),
    ],
    ids=str,
)
def test_queries_that_cost_too_much_or_mean_something_else_are_refused(store, staff, q, words):
    for path in ("lines/", "overview/", "tail/", "export/"):
        refused = get(staff, path, q=q)
        assert refused.status_code == 400 and words in refused.json()["q"][0]
    assert store.received == []


@pytest.mark.parametrize(
    "q",
    [
        "service:*",
        "_exists_:context",
        'url.original:"/api/parcels/" AND NOT context.order_id:5',
        "duration_ms:[* TO 5] duration_ms:>1000 parc*",
        "log_timestamp\\:x",
        'log_message:"at 12:34 levle:ERROR *x"',
        "duration_ms:[2025-02-02T12:34:56 TO now]",
    ],
)
def test_queries_that_are_taken(q):
    query.check(q, FIELDS)


def test_leading_wildcards_when_asked_for(store, staff):
    assert get(staff, "lines/", q="*created", leading_wildcard="true").status_code == 200
    assert asked(store)["query"]["bool"]["filter"][1]["query_string"]["allow_leading_wildcard"] is True


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Cannot parse '(a': Encountered \"<EOF>\" at line 1, column 2.\nWas expecting …", "from character 3 on"),
        ("Cannot parse 'x'", "can't be read"),
        ('For input string: "abc"', "'abc' is not a number"),
        ("failed to parse date field [abc] with format [strict_date_optional_time]", "'abc' is not a time"),
        ("", "can't be answered"),
    ],
)
def test_what_elasticsearch_refuses_is_said_in_words(store, staff, reason, words):
    cause = {"type": "parse_exception", "reason": "outer", "caused_by": {"type": "x", "reason": reason}}
    store.answers[:] = [(400, {"error": {"type": "search_phase_exception", "failed_shards": [{"reason": cause}]}})]
    refused = get(staff, "lines/", q="(a")
    assert refused.status_code == 400 and words in str(refused.json()["q"])


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"since": "2025-01-01T00:00:00Z", "until": "2025-03-01T00:00:00Z"}, "at most 31 days"),
        ({"size": 1001}, "1000"),
        ({"after": "x"}, "not the `next`"),
        ({"index": ".security"}, "No such parameter"),
    ],
    ids=str,
)
def test_odd_views_are_refused(store, staff, parameters, words):
    refused = get(staff, "lines/", **parameters)
    assert refused.status_code == 400 and words in refused.content.decode()
    assert store.received == []


@pytest.mark.parametrize("path", ["lines/", "overview/", "tail/", "health/", "export/"])
def test_a_store_that_is_down_is_a_503_in_words(store, staff, path):
    store.answers[:] = [(503, {})]
    answered = get(staff, path)
    assert answered.status_code == 503 and "try again" in answered.json()["detail"]


@pytest.mark.parametrize("path", ["lines/", "tail/", "health/"])
def test_while_an_index_starts_its_lines_are_not_said_to_be_none(store, staff, path):
    store.answers[:] = [(200, answer(_shards={"failed": 1}))]
    answered = get(staff, path)
    assert answered.status_code == 503 and "try again" in answered.json()["detail"]
