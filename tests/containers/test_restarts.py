"""Any one container that is restarted comes back by itself, and no line is lost or doubled."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from containers import compose
from stack.counting import counter
from stack.journeys import Visitor
from stack.traffic import drive, settle
from stack.written import Mark
from tests.polling import poll_until

SERVERS = (
    *("redis", "postgres", "django", "celery", "celerybeat", "flower", "nginx", "label-store"),
    *("filebeat", "logstash", "elasticsearch"),
)


def visit(visitor: Visitor, until: float) -> int:
    """Journeys till then, whatever fails meanwhile. How many requests were answered."""
    answered = 0
    while time.monotonic() < until:
        try:
            for _ in visitor.journey():
                answered += 1
        except httpx.HTTPError:
            time.sleep(0.2)
    return answered


@pytest.mark.parametrize("seconds", [pytest.param(10, id="stopped"), pytest.param(0, id="killed")])
@pytest.mark.parametrize("service", SERVERS)
def test_a_restart_loses_no_line(stack, service, seconds):
    mark = Mark(counter(stack.settings))
    before = stack.container(service)["State"]["StartedAt"]
    visitor = Visitor(stack.settings)  # signed in before anything is away
    with ThreadPoolExecutor(1) as pool:
        visiting = pool.submit(visit, visitor, time.monotonic() + 8)
        time.sleep(2)  # in the middle of the traffic
        compose.docker("restart", "--time", str(seconds), stack.container(service)["Id"])
        assert visiting.result() > 0
    assert stack.container(service)["State"]["StartedAt"] != before
    stack.wait_until_healthy()
    drive(stack.settings, requests=30)  # all works again, without a hand
    files = poll_until("Elasticsearch's answer", lambda: settle(stack.settings, mark))
    assert sum(lines for _, lines, _ in files.values()) > 30
    assert {file: counts for file, counts in files.items() if counts[1] != counts[2]} == {}
