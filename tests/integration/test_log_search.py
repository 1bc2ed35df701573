"""The search of logs through nginx and Django, of lines that real traffic made."""

import httpx
import pytest

from stack.journeys import TENANT, Visitor


@pytest.fixture(scope="module")
def client(stack, visited) -> httpx.Client:
    return Visitor(stack.settings).http


def pages(client: httpx.Client, **parameters: object) -> list[dict]:
    """All lines that are found, page by page."""
    found, after = [], {}
    while True:
        answer = client.get("/api/logs/search/", params={**parameters, **after})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["complete"]
        found += page["lines"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def test_members_find_each_line_of_their_tenant_once(stack, client):
    until = client.get("/api/logs/search/", params={"size": 1}).json()["lines"][0]["@timestamp"]
    # A day, as is searched where no more is asked for.
    period = {"range": {"@timestamp": {"gte": f"{until}||-1d", "lt": until}}}
    tenants = {"bool": {"filter": [period, {"term": {"tenant": TENANT}}, {"term": {"stream": "app"}}]}}
    stored = [document["log_message"] for document in stack.documents(tenants)]
    found = pages(client, until=until, size=200)
    assert sorted(line["log_message"] for line in found) == sorted(stored)
    assert {line["tenant"] for line in found} == {TENANT}


def test_words_and_filters(client):
    found = pages(client, q='parcel created -"not seen"', app_module="parcels", level="INFO", logger="apps.parcels")
    assert found
    for line in found:
        assert "created" in line["log_message"].lower() and line["logger_name"].startswith("apps.parcels")


def test_a_request_is_followed_into_its_task(client):
    [task, *_] = pages(client, logger="apps.integrations.tasks")
    assert {line["service"] for line in pages(client, request_id=task["request_id"])} == {"django", "celery"}
