"""One request id from a request to its tasks, their retries and the tasks that these send; one line for each state."""

import json
import logging.config
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery.contrib.testing.worker import start_worker

from apps.common.celery_request import Request
from apps.common.task_context import HEADER
from config.celery import app
from config.logging import build_logging, context
from tests.paths import DICTIONARIES
from tests.polling import poll_until

REQUEST = {"request_id": "0123456789abcdef0123456789abcdef", "user_id": 7, "tenant": "acme", "path": "/api/x/"}


@app.task
def child():
    return "done"


@app.task
def parent():
    child.delay()


@app.task(bind=True, max_retries=1)
def retried(self):
    if not self.request.retries:
        raise self.retry(countdown=0)


@app.task
def failing():
    raise RuntimeError("No such luck")


@pytest.fixture
def worker(settings, tmp_path) -> Iterator[Callable[[int, str], list[dict]]]:
    """A worker on a broker in memory; the function returns celery.log's records once `count` of them have `word`."""
    app.conf.task_always_eager, eager = False, app.conf.task_always_eager
    before = settings.LOGGING
    # Applied by the worker as it starts, as always.
    settings.LOGGING = build_logging(
        service="celery", catalogue_path=DICTIONARIES / "streams.yml", log_file_path=tmp_path, json=True
    )
    log: Path = tmp_path / "celery/celery.log"

    def records() -> list[dict]:
        return [json.loads(line) for line in log.read_text().splitlines()[1:]]

    def wait_for(count: int, word: str) -> list[dict]:
        poll_until(f"{count} of {word}", lambda: sum(word in record["message"] for record in records()) >= count)
        return records()

    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=20):
        yield wait_for
    app.conf.task_always_eager = eager
    logging.config.dictConfig(before)


def of_task(records: list[dict], task_id: str) -> list[dict]:
    return [record for record in records if record.get("task_id") == task_id and record["logger"] != "celery.task"]


def states(records: list[dict]) -> list[str]:
    words = ("received", "retry", "succeeded", "raised unexpected")
    return [word for record in records for word in words if word in record["message"]]


def test_each_state_is_one_line_with_the_requests_context(worker):
    context.bind(**REQUEST)
    sent = [task.delay() for task in (parent, retried, failing)]
    records = worker(3, "succeeded")  # parent, its child, and the retried one
    records = worker(1, "raised unexpected")
    for task in records:
        if "task_id" in task:
            assert {key: task.get(key) for key in REQUEST} == REQUEST, task
    of_parent, of_retried, of_failing = (of_task(records, result.id) for result in sent)
    assert states(of_parent) == ["received", "succeeded"]
    assert states(of_retried) == ["received", "retry", "received", "succeeded"]
    assert states(of_failing) == ["received", "raised unexpected"]
    assert of_parent[-1]["duration_ms"] >= 0
    assert of_failing[-1]["level"] == "ERROR"
    assert "RuntimeError: No such luck" in of_failing[-1]["exc_info"]
    assert {record["task_name"] for record in records if "task_id" in record} >= {child.name, parent.name}


def test_runs_of_beat_have_an_id_each(worker):
    for _ in range(2):  # as beat sends them: no request and no task around
        child.apply_async()
    records = worker(2, "succeeded")
    ids = {record["task_id"]: record["request_id"] for record in records if "task_id" in record}
    assert len(ids) == len(set(ids.values())) == 2
    assert all(len(request_id) == 32 for request_id in ids.values())


def test_an_eager_task_leaves_its_callers_context(configure_logging):
    configure_logging()
    context.bind(**REQUEST)
    assert child.apply().get() == "done"
    assert dict(context.current()) == REQUEST


def test_lines_of_the_workers_main_process(configure_logging):
    """A hard time limit kills the process that runs the task: the main one tells of it."""
    root = configure_logging(service="celery")
    headers = {"id": "some-id", "task": child.name, HEADER: REQUEST}

    class Message:
        def __init__(self) -> None:
            self.headers, self.body, self.payload = headers, b"", ((), {}, {})
            self.content_type, self.content_encoding = "application/json", "utf-8"
            self.delivery_info = self.properties = {}

    request = Request(Message(), app=app, task=child)
    assert context.current()["task_id"] == "some-id"  # for the line of the received task
    context.clear()
    request.on_timeout(soft=True, timeout=5)
    assert dict(context.current()) == {}
    line = next(line for line in (root / "celery/celery.log").read_text().splitlines() if "Soft time limit" in line)
    found = json.loads(line[line.index(" {") :])
    assert {key: found[key] for key in REQUEST} == REQUEST
