"""A pipeline that is exchanged while it runs."""

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.polling import poll_until

from .conftest import Running, free_port
from .fake_elasticsearch import FakeElasticsearch
from .test_service import events


@pytest.fixture(params=["1", "2"], ids=["one worker", "two workers"])
def running(request: pytest.FixtureRequest, tmp_path: Path, elasticsearch: FakeElasticsearch) -> Iterator[Running]:
    service = Running(tmp_path, elasticsearch).start("-w", request.param, "--log.format", "json")
    yield service
    if service.process.poll() is None:
        service.process.kill()
        service.process.wait(10)


def edit(service: Running, old: str, new: str) -> None:
    text = service.config.read_text()
    assert old in text
    service.config.write_text(text.replace(old, new))
    service.process.send_signal(signal.SIGHUP)


def reloads(service: Running) -> dict:
    return service.stats()["pipelines"]["main"]["reloads"]


def test_a_reload_under_load_keeps_connections_and_loses_and_doubles_nothing(running, elasticsearch) -> None:
    senders = [running.sender() for _ in range(3)]
    stop = threading.Event()
    sent = [0, 0, 0]

    def send(number: int) -> None:
        while not stop.is_set():
            first = number * 1_000_000 + sent[number] * 10
            senders[number].send(events(first, 10))
            senders[number].wait_for_ack(10)
            sent[number] += 1

    threads = [threading.Thread(target=send, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    poll_until("documents", lambda: len(elasticsearch.documents) > 100)
    edit(running, '"[data_stream][namespace]" => "pt"', '"[data_stream][namespace]" => "new"')
    poll_until("the new pipeline", lambda: any(index == "logs-django-new" for index, _ in elasticsearch.documents), 10)
    before = sum(sent)
    poll_until("more", lambda: sum(sent) > before + 10)
    stop.set()
    for thread in threads:
        thread.join(10)
    wanted = sorted(number * 1_000_000 + n for number in range(3) for n in range(sent[number] * 10))
    assert sorted(source["n"] for source in elasticsearch.documents.values()) == wanted
    assert reloads(running)["successes"] == 1
    main = running.stats()["pipelines"]["main"]
    assert main["events"]["in"] == main["events"]["out"] == len(wanted)
    es = poll_until(
        "the figures of both pipelines' output",
        lambda: next(
            (
                one
                for one in running.stats()["pipelines"]["main"]["plugins"]["outputs"]
                if one["id"] == "es" and one["events"]["out"] == len(wanted)
            ),
            None,
        ),
        5,
    )
    assert es["documents"]["successes"] == len(wanted)


def test_a_pipeline_that_does_not_compile_is_told_and_the_old_one_goes_on(running, elasticsearch) -> None:
    sender = running.sender()
    edit(running, "drop {", "dropp {")
    poll_until("the reload to fail", lambda: reloads(running)["failures"], 10)
    (line,) = [line for line in running.log.read_text().splitlines() if "can't be loaded" in line]
    entry = json.loads(line)
    assert entry["level"] == "ERROR"
    assert "pipeline.conf:4:31: Couldn't find any filter plugin named 'dropp'" in entry["logEvent"]["message"]
    assert entry["logEvent"]["message"].endswith("^")
    assert "dropp" in reloads(running)["last_error"]["message"]
    assert running.stats("/_health_report")["status"] == "yellow"
    sender.send(events(0, 3))
    assert sender.wait_for_ack(3)
    edit(running, "dropp {", "drop {")
    # The same text as at the start: nothing to do, and nothing broken.
    sender.send(events(3, 3))
    assert sender.wait_for_ack(3)


def test_another_port_and_a_taken_one(running, elasticsearch) -> None:
    old, new = running.port, free_port()
    edit(running, f"port => {old}", f"port => {new}")
    poll_until("the reload", lambda: reloads(running)["successes"], 10)
    running.port = new
    sender = running.sender()
    sender.send(events(0, 3))
    assert sender.wait_for_ack(3)
    edit(running, f"port => {new}", f"port => {elasticsearch.port}")
    poll_until("the reload to fail", lambda: reloads(running)["failures"], 10)
    again = running.sender()
    again.send(events(3, 3))
    assert again.wait_for_ack(3)
    assert len(elasticsearch.documents) == 6


def test_changed_files_and_pipelines_are_found(tmp_path: Path, elasticsearch) -> None:
    """config.reload.automatic, with a pipeline that comes and one that goes."""
    service = Running(tmp_path, elasticsearch)
    second = free_port()
    one = f"- {{pipeline.id: one, path.config: {service.config}}}\n"
    two = f"- pipeline.id: two\n  config.string: 'input {{ tcp {{ port => {second} }} }} output {{ null {{}} }}'\n"
    (tmp_path / "pipelines.yml").write_text(one)
    (tmp_path / "logstash.yml").write_text("config.reload.automatic: true\nconfig.reload.interval: 100ms\n")
    service.start("--path.settings", str(tmp_path), pipeline=False)
    try:
        names = lambda: set(service.stats("/_node/pipelines")["pipelines"])  # noqa: E731
        assert names() == {"one"}
        (tmp_path / "pipelines.yml").write_text(one + two)
        poll_until("the second pipeline", lambda: names() == {"one", "two"}, 5)
        (tmp_path / "pipelines.yml").write_text(two)
        poll_until("the first to go", lambda: names() == {"two"}, 5)
        (tmp_path / "pipelines.yml").write_text("- nonsense\n")
        poll_until("the mistake to be told", lambda: "pipelines.yml:1: a pipeline is" in service.log.read_text(), 5)
        assert service.stop() == 0
    finally:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait(10)
