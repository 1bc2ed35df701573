"""The log explorer's API through nginx and Django, on lines that real traffic made."""

import csv
import io
import json
import time
import uuid
from datetime import datetime, timedelta

import httpx
import pytest

from stack.traffic import drive
from tests.polling import poll_until

ALL = {"range": {"@timestamp": {"gte": "now-1d"}}}


@pytest.fixture(scope="module")
def staff(stack, visited) -> httpx.Client:
    client = httpx.Client(base_url=stack.settings.nginx_url, timeout=30)
    user = {"username": "admin", "password": stack.settings.secrets["DEMO_PASSWORD"]}
    token = client.post("/api/auth/sign-in/", json=user).json()["token"]
    client.headers["Authorization"] = f"Token {token}"
    return client


def get(client: httpx.Client, path: str, **parameters: object) -> dict:
    answer = client.get(f"/api/logs/explorer/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(lines: list[dict]) -> list[str]:
    return [line["id"] for line in lines]


@pytest.mark.parametrize(
    ("q", "query"),
    [
        (
            "group:pt AND service:django AND log_level:ERROR",
            {"bool": {"filter": [{"term": {"service": "django"}}, {"term": {"log_level": "ERROR"}}]}},
        ),
        ('"parcel created" OR service:flower', None),
        ("_exists_:error.type", {"exists": {"field": "error.type"}}),
        ("context.status:404", {"term": {"context.status": "404"}}),
        ("logger_name:apps.parcels*", {"prefix": {"logger_name": "apps.parcels"}}),
        ("duration_ms:[5 TO 50]", {"range": {"duration_ms": {"gte": 5, "lte": 50}}}),
    ],
    ids=str,
)
def test_a_query_finds_what_elasticsearch_holds(stack, staff, q, query):
    # What is still being written, by this very request, is left out.
    since, until = "2000-01-01T00:00:00Z", get(staff, "lines/", size=1)["lines"][0]["fields"]["@timestamp"]
    since = until[:8] + "01T00:00:00Z" if until[8:10] != "01" else until[:10] + "T00:00:00Z"
    period = {"since": since, "until": until}
    overview = get(staff, "overview/", q=q, **period)
    assert overview["complete"] and overview["total"] > 0
    if query:
        times = {"range": {"@timestamp": {"gte": since, "lt": until}}}
        assert overview["total"] == stack.count({"bool": {"filter": [query, times]}})
    page = get(staff, "lines/", q=q, size=1000, **period)
    assert len(page["lines"]) == min(overview["total"], 1000)
    assert page["total_is_exact"] == (overview["total"] <= 10_000)
    assert sum(count["count"] for count in overview["facets"]["service"]) == overview["total"]


@pytest.mark.parametrize(
    ("q", "words"),
    [
        ("(service:django", "character"),
        ("service:django AND", "character"),
        ("duration_ms:abc", "not a number"),
        ("levle:ERROR", "There is no field levle"),
        ("*created", "wildcard"),
        ("context.status:/4.*/", "regular expression"),
    ],
)
def test_what_cannot_be_read_is_said_in_words(staff, q, words):
    refused = staff.get("/api/logs/explorer/lines/", params={"q": q})
    assert refused.status_code == 400 and words in str(refused.json()["q"])


def test_values_and_fields_are_completed(staff):
    fields = {field["name"]: field["kind"] for field in get(staff, "")["fields"]}
    assert fields["service"] == "keyword" and fields["context"] == "flattened"
    values = [count["value"] for count in get(staff, "values/", field="logger_name", prefix="apps.par")]
    assert "apps.parcels.views" in values and all(value.startswith("apps.par") for value in values)
    assert get(staff, "values/", field="context.status", prefix="4")


def created(staff) -> httpx.Response:
    parcel = {"recipient": "Ada Lovelace", "destination": "London"}
    return staff.post("/api/parcels/", json=parcel, headers={"X-Tenant": "acme"}).raise_for_status()


def test_a_line_stands_between_its_neighbours(stack, staff):
    q = f"logger_name:apps.parcels.views AND request_id:{created(staff).headers['X-Request-ID']}"
    [line] = poll_until("the parcel's line", lambda: get(staff, "lines/", q=q)["lines"])
    around = get(staff, f"lines/{line['id']}/surrounding/", size=3)
    assert around["line"]["id"] == line["id"] and ids(around["before"]) and len(ids(around["before"])) <= 3
    messages = [one["fields"]["log_message"] for one in (*around["before"], around["line"])]
    written = [text for text in stack.read("django/app.log").splitlines() if not text.startswith("\t")]
    at = [number for number, text in enumerate(written) if messages[-1] in text]
    assert any(all(m in text for m, text in zip(messages, written[n - 3 : n + 1], strict=False)) for n in at)
    assert "message" in get(staff, f"lines/{line['id']}/")["fields"]


def test_a_request_is_followed_through_the_services(staff):
    path = f"/api/parcels/{created(staff).json()['reference']}/label/"
    queued = staff.post(path, headers={"X-Tenant": "acme"}).raise_for_status()
    q = f"request_id:{queued.headers['X-Request-ID']}"

    def services() -> set[str]:
        return {line["fields"]["service"] for line in get(staff, "lines/", q=q, order="oldest", size=1000)["lines"]}

    poll_until("lines of three services", lambda: services() >= {"nginx", "django", "celery"})


def test_the_tail_shows_each_line_once_and_none_of_its_own(stack, staff):
    begin = position = get(staff, "tail/")["next"]
    marker = uuid.uuid4().hex
    started = time.monotonic()
    assert staff.get(f"/nowhere-{marker}").status_code == 404
    drive(stack.settings, requests=40)
    seen: list[str] = []

    def follow() -> bool:
        nonlocal position
        answer = get(staff, "tail/", after=position)
        position = answer["next"]
        seen.extend(ids(answer["lines"]))
        return any(marker in json.dumps(line["fields"]) for line in answer["lines"])

    poll_until("the line in the tail", follow, 30)
    assert time.monotonic() - started < 30
    poll_until("no more lines", lambda: not get(staff, "tail/", after=position)["lines"] or follow(), 30)
    assert len(seen) == len(set(seen))
    again, whole = [], begin
    while lines := (answer := get(staff, "tail/", after=whole))["lines"]:
        again += ids(lines)
        whole = answer["next"]
    assert set(seen) <= set(again)
    own = get(staff, "lines/", q='"/api/logs/explorer/tail/"')["lines"]
    assert own == []


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_an_export_has_each_line(staff, kind):
    asked = {"q": "service:(celery OR django)", "until": "2100-01-01T00:00:00Z", "since": "2099-12-31T00:00:00Z"}
    assert staff.get("/api/logs/explorer/export/", params={**asked, "kind": kind}).headers["X-Lines"] == "0"
    del asked["since"]
    newest = datetime.fromisoformat(get(staff, "lines/", size=1)["lines"][0]["fields"]["@timestamp"])
    asked["until"] = (newest - timedelta(seconds=10)).isoformat()  # older ones have all arrived
    total = get(staff, "overview/", **asked)["total"]
    exported = staff.get("/api/logs/explorer/export/", params={**asked, "kind": kind})
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(exported.text)))
        assert all(row["service"] in ("celery", "django") for row in rows)
    else:
        rows = [json.loads(line) for line in exported.text.splitlines()]
    assert len(rows) == total == int(exported.headers["X-Lines"])


def test_health_tells_of_each_stream_and_file(stack, staff):
    health = get(staff, "health/")
    streams = {stream["service"]: stream for stream in health["streams"]}
    assert set(streams) == {"django", "celery", "celerybeat", "flower", "nginx", "react"}
    assert all(stream["newest"] for stream in streams.values())
    files = {file["path"]: file for file in health["files"]}
    assert files["celery/celery.log"]["size"] > 0
    # What nobody writes to any more has arrived whole.
    poll_until(
        "django/aws.log to have arrived",
        lambda: all(
            file["waiting"] == 0 for file in get(staff, "health/")["files"] if file["path"] == "django/aws.log"
        ),
        30,
    )
