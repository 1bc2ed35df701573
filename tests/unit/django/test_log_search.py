"""Log search: who finds which lines, what is asked of Elasticsearch, and what is refused."""

import base64
import json
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.logs.serializers import cursor
from tests.unit.django.servers import serving

pytestmark = pytest.mark.django_db
HIT = {"_source": {"log_message": "Parcel PT-1 created"}, "sort": [1738499696123, "a1b2", 4096, 7]}


def answer(*hits: dict, total: int | None = None, **changes: object) -> dict:
    found = {"total": {"value": len(hits) if total is None else total, "relation": "eq"}, "hits": list(hits)}
    return {"timed_out": False, "_shards": {"failed": 0}, "hits": found, **changes}


@pytest.fixture
def store(settings):
    """A server in Elasticsearch's place, which keeps what it is asked."""
    with serving((200, answer(HIT))) as server:
        settings.ELASTICSEARCH_HOSTS = [server.url]
        settings.PT_READER_PASSWORD = "reads"
        yield server


def search(client: APIClient, tenant: str | None = "acme", **parameters: object):
    headers = {"X-Tenant": tenant} if tenant else {"X-Tenant": ""}
    return client.get("/api/logs/search/", parameters, headers=headers)


def query(store) -> dict:
    return store.received[-1].json["query"]["bool"]


# Who finds what


def test_a_member_finds_the_tenants_own_lines_alone(store, acme, globex):
    assert search(acme).json()["lines"] == [HIT["_source"]]
    assert {"term": {"tenant": "acme"}} in query(store)["filter"]
    assert {"term": {"stream": "app"}} in query(store)["filter"]
    search(globex, "globex", q="created", level="ERROR")
    assert {"term": {"tenant": "globex"}} in query(store)["filter"]
    asked = len(store.received)
    assert search(globex, "acme").status_code == 403
    assert search(globex, None).status_code == 400
    assert search(APIClient(), "acme").status_code == 401
    assert search(acme, tenant="acme").status_code == 200
    assert acme.get("/api/logs/search/?tenant=globex").status_code == 400  # no such parameter for them
    assert len(store.received) == asked + 1


def test_a_member_neither_sees_nor_searches_what_is_the_operators(store, acme):
    search(acme, q="boom")
    asked = store.received[-1].json
    assert not {"error", "context", "host.name", "source", "url", "message"} & set(asked["_source"])
    [text] = [f["multi_match"] for f in query(store)["filter"] if "multi_match" in f]
    assert text["fields"] == ["log_message"]
    for parameter in ("host", "error", "stream"):
        assert search(acme, **{parameter: "x"}).status_code == 400


def test_staff_find_all_lines(store, staff):
    assert search(staff, None, tenant_="x").status_code == 400
    assert staff.get("/api/logs/search/?q=boom&error=ZeroDivisionError").status_code == 200
    text = json.dumps(query(store))
    assert "tenant" not in text and '"error.type": ["ZeroDivisionError"]' in text and "error.stack_trace" in text
    staff.get("/api/logs/search/?tenant=globex")
    assert {"terms": {"tenant": ["globex"]}} in query(store)["filter"]


def test_the_store_is_asked_as_pt_reader_for_the_log_streams_alone(store, acme):
    search(acme)
    [asked] = store.received
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"pt_reader:reads").decode()
    assert asked.path.startswith("/logs-*-pt/_search?")


def test_a_fork_searches_the_streams_of_its_own_group(store, acme, settings):
    settings.LOG_GROUP = "acme"
    search(acme)
    assert store.received[-1].path.startswith("/logs-*-acme/_search?")


def test_a_search_is_audited_without_its_words(store, acme):
    search(acme, q="Ada", level="ERROR")
    [event] = acme.tenant.audit_events.filter(action="logs.searched")
    assert event.details == {"parameters": ["level", "q"]} and event.user == acme.user


# What is asked


def test_what_is_asked_for_stays_a_value(store, acme):
    forged = '"}}]}},"size":10000,"query":{"match_all":{}} OR tenant:globex /x/ ~ ^'
    words = '+ "a phrase" -not '
    assert search(acme, q=f"x:{forged[:60]}", request_id=forged, user_id="1").status_code == 200
    asked = store.received[-1].json
    assert asked["size"] == 50 and set(asked["query"]) == {"bool"}
    assert {"terms": {"request_id": [forged]}} in query(store)["filter"]
    assert {"term": {"tenant": "acme"}} in query(store)["filter"]
    assert not any(kind in json.dumps(asked) for kind in ("query_string", "regexp", "wildcard", "script"))
    assert search(acme, q=words).status_code == 400  # + alone
    assert search(acme, q='created "a phrase" -"not this" -that').status_code == 200
    wanted = [f["multi_match"]["query"] for f in query(store)["filter"] if "multi_match" in f]
    unwanted = [f["multi_match"]["query"] for f in query(store)["must_not"]]
    assert (wanted, unwanted) == (["created", "a phrase"], ["not this", "that"])


def test_filters(store, acme):
    parameters = {"level": ["ERROR", "CRITICAL"], "service": "celery", "logger": "apps.parcels", "order": "oldest"}
    assert search(acme, **parameters, size=200).status_code == 200
    asked = store.received[-1].json
    assert {"terms": {"log_level": ["ERROR", "CRITICAL"]}} in query(store)["filter"]
    below = [{"term": {"logger_name": "apps.parcels"}}, {"prefix": {"logger_name": "apps.parcels."}}]
    assert {"bool": {"should": below}} in query(store)["filter"]
    assert asked["size"] == 200 and asked["sort"][0] == {"@timestamp": "asc"}


def test_a_day_is_searched_unless_told_otherwise(store, acme):
    search(acme)
    period = query(store)["filter"][0]["range"]["@timestamp"]
    begin, end = (datetime.fromisoformat(period[edge]) for edge in ("gte", "lt"))
    assert end - begin == timedelta(days=1) and timezone.now() - end < timedelta(minutes=1)


def test_pages(store, acme):
    # A line that came by the network stands in no file.
    for sort in (HIT["sort"], [1738499696123, None, -(2**63), 7]):
        assert search(acme, after=cursor(sort)).status_code == 200
    store.answers[:] = [(200, answer(HIT, total=2)), (200, answer(total=2))]
    first = search(acme, size=1).json()
    assert (first["total"], first["total_is_exact"]) == (2, True)
    last = search(acme, size=1, after=first["next"]).json()
    assert store.received[-1].json["search_after"] == HIT["sort"]
    assert last["next"] is None


# What is refused, in words, before the store is asked


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"since": "2025-01-01T00:00:00Z", "until": "2025-03-01T00:00:00Z"}, "at most 31 days"),
        ({"since": "2025-01-02T00:00:00Z", "until": "2025-01-01T00:00:00Z"}, "not before"),
        ({"until": "0001-01-01T00:00:00Z"}, "no such day"),
        ({"q": "*created"}, "would have to read every line"),
        ({"q": "cre*"}, "would have to read every line"),
        ({"q": " ".join(["word"] * 13)}, "More than 12"),
        ({"q": "x" * 501}, "500"),
        ({"q": "!!!"}, "Signs alone"),
        ({"size": 201}, "200"),
        ({"level": "LOUD"}, "LOUD"),
        ({"request_id": ["x"] * 21}, "20"),
        ({"logger": "apps.*"}, "required pattern"),
        ({"index": ".security"}, "No such parameter"),
        ({"after": "x"}, "not the `next`"),
        ({"after": cursor([{"a": 1}, "b", 1, 1])}, "not the `next`"),
        ({"after": cursor([10**40, "b", 1, 1])}, "not the `next`"),
        ({"after": cursor([True, "b", 1, 1])}, "not the `next`"),
        ({"after": base64.urlsafe_b64encode(b"[" * 300).decode()}, "not the `next`"),
    ],
    ids=str,
)
def test_costly_or_odd_searches_are_refused(store, acme, parameters, words):
    answered = search(acme, **parameters)
    assert answered.status_code == 400
    assert words in answered.content.decode()
    assert store.received == []


def test_searches_are_throttled(store, acme, monkeypatch):
    monkeypatch.setattr("rest_framework.throttling.ScopedRateThrottle.THROTTLE_RATES", {"log-search": "2/min"})
    assert [search(acme).status_code for _ in range(3)] == [200, 200, 429]


# When there is no whole answer


def test_a_search_that_takes_too_long_is_stopped_and_says_so(store, acme, monkeypatch, caplog):
    search(acme)
    assert store.received[-1].json["timeout"] == "3s"
    for partial in ({"timed_out": True}, {"_shards": {"failed": 1}}):
        store.answers[:] = [(200, answer(HIT, **partial))]
        found = search(acme).json()
        assert found["complete"] is False and "Stopped after 3 seconds" in found["detail"] and found["lines"]
    assert caplog.text.count("Search of the logs stopped") == 2


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_store_that_refuses_is_a_503_without_its_words(store, acme, status):
    store.answers[:] = [(status, {"error": {"type": "security_exception", "reason": "inner words"}})]
    answered = search(acme)
    assert answered.status_code == 503
    assert "inner words" not in answered.content.decode() and "try again" in answered.json()["detail"]
    assert len(store.received) == 1


def test_a_store_that_is_silent_is_given_up(acme, settings, monkeypatch):
    import socket
    import time

    settings.PT_READER_PASSWORD = "reads"
    monkeypatch.setattr("apps.logs.store.WAIT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.ELASTICSEARCH_HOSTS = [f"http://127.0.0.1:{silent.getsockname()[1]}"]
        started = time.monotonic()
        assert search(acme).status_code == 503
        assert time.monotonic() - started < 3
    assert search(acme).status_code == 503  # nothing listens any more


def test_without_a_store_search_says_what_is_missing(acme, settings):
    settings.ELASTICSEARCH_HOSTS, settings.PT_READER_PASSWORD = [], ""
    answered = search(acme)
    assert answered.status_code == 503 and "ELASTICSEARCH_HOSTS" in answered.json()["detail"]
