"""Several worker processes behind one port."""

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.polling import poll_until

from .conftest import PIPELINE, Running
from .fake_elasticsearch import FakeElasticsearch
from .test_service import events

WITH_FILE = PIPELINE + 'output { file { path => "%(data)s/all.jsonl" codec => json_lines } }'


@pytest.fixture
def workers(tmp_path: Path, elasticsearch: FakeElasticsearch) -> Iterator[Running]:
    running = Running(tmp_path, elasticsearch, WITH_FILE).start("-w", "2")
    yield running
    if running.process.poll() is None:
        for process in [*psutil.Process(running.process.pid).children(), running.process]:
            process.kill()
        running.process.wait(10)


def pids(service: Running) -> list[int]:
    return [child.pid for child in psutil.Process(service.process.pid).children()]


def connections(service: Running) -> list[int]:
    """How many each worker has."""
    count = []
    for pid in pids(service):
        found = psutil.Process(pid).net_connections("tcp")
        count.append(sum(one.status == "ESTABLISHED" and one.laddr.port == service.port for one in found))
    return sorted(count)


def test_connections_are_spread_evenly_and_all_is_counted_once(workers, elasticsearch) -> None:
    senders = [workers.sender() for _ in range(6)]
    for number, sender in enumerate(senders):
        sender.send(events(number * 100, 100))
    for sender in senders:
        assert sender.wait_for_ack(100)
    assert connections(workers) == [3, 3]
    assert len(elasticsearch.documents) == 600
    stats = workers.stats()
    assert {key: stats["events"][key] for key in ("in", "filtered", "out")} == {"in": 600, "filtered": 600, "out": 600}
    plugins = stats["pipelines"]["main"]["plugins"]
    assert plugins["inputs"][0]["events"]["out"] == 600
    assert plugins["inputs"][0]["current_connections"] == 6
    es = next(one for one in plugins["outputs"] if one["id"] == "es")
    assert es["documents"] == {"successes": 600}
    assert sum(es["bulk_requests"]["responses"].values()) == es["bulk_requests"]["successes"]
    assert stats["process"]["worker_processes"] == 2
    # A connection that closes makes room for the next one there.
    senders[0].close()
    poll_until("the connection to end", lambda: connections(workers) == [2, 3], 5)
    again = workers.sender()
    again.send(events(0, 1))
    assert again.wait_for_ack(1)
    assert connections(workers) == [3, 3]


def test_lines_of_one_file_stay_whole(workers) -> None:
    senders = [workers.sender() for _ in range(4)]
    for round_ in range(10):
        for number, sender in enumerate(senders):
            sender.send(events(number * 1000 + round_ * 50, 50, text="x" * 3000))
    for sender in senders:
        for _ in range(10):
            assert sender.wait_for_ack(50)
    lines = [json.loads(line) for line in (workers.folder / "all.jsonl").read_text().splitlines()]
    assert len({line["n"] for line in lines}) == len(lines) == 2000


def test_a_worker_that_is_killed_is_started_again_and_nothing_is_lost(workers, elasticsearch) -> None:
    elasticsearch.answer = lambda documents: time.sleep(0.005)
    total, stop = 40, threading.Event()

    def send(number: int) -> None:
        """As Filebeat: what was not acknowledged is sent again on a new connection."""
        sender = workers.sender()
        for window in range(total):
            first = (number * total + window) * 10
            while not stop.is_set():
                try:
                    sender.send(events(first, 10))
                    sender.wait_for_ack(10)
                    break
                except (OSError, EOFError):
                    sender.close()
                    sender = workers.sender()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    old = pids(workers)
    for pid in old:
        known = len(elasticsearch.documents)
        poll_until("some documents", lambda known=known: len(elasticsearch.documents) > known, 5)
        os.kill(pid, signal.SIGKILL)
    for thread in threads:
        thread.join(30)
    stop.set()
    assert sorted(source["n"] for source in elasticsearch.documents.values()) == list(range(4 * total * 10))
    assert len(pids(workers)) == 2
    assert not set(pids(workers)) & set(old)
    assert workers.log.read_text().count("ended (signal 9)") == 2


def test_sigterm_drains_all_and_leaves_no_process(workers, elasticsearch) -> None:
    elasticsearch.answer = lambda documents: time.sleep(0.3)
    senders = [workers.sender() for _ in range(2)]
    for number, sender in enumerate(senders):
        sender.send(events(number * 10, 10))
    poll_until("a request", lambda: elasticsearch.requests)
    children = pids(workers)
    # The whole group gets it, as from a terminal or a container's runtime.
    for pid in children:
        os.kill(pid, signal.SIGTERM)
    assert workers.stop() == 0
    for sender in senders:
        assert sender.wait_for_ack(10)
    assert len(elasticsearch.documents) == 20
    assert not any(psutil.pid_exists(pid) for pid in children)


def test_a_killed_supervisor_takes_its_workers_along(workers) -> None:
    children = pids(workers)
    workers.process.kill()
    workers.process.wait(10)
    poll_until("the workers to end", lambda: not any(psutil.pid_exists(pid) for pid in children), 5)


def test_a_second_signal_ends_at_once(workers, elasticsearch) -> None:
    elasticsearch.answer = lambda documents: 503
    sender = workers.sender()
    sender.send(events(0, 1))
    poll_until("the first try", lambda: elasticsearch.requests)
    workers.process.send_signal(signal.SIGTERM)
    poll_until("the drain", lambda: "stopping" in workers.log.read_text(), 5)
    begun = time.monotonic()
    workers.process.send_signal(signal.SIGTERM)
    assert workers.process.wait(5) == 1
    assert time.monotonic() - begun < 2


def test_a_second_service_on_the_same_data_is_refused(workers, elasticsearch) -> None:
    with pytest.raises(AssertionError, match="another service uses this"):
        Running(workers.folder, elasticsearch).start()


def test_paths_of_the_monitoring_api(workers) -> None:
    workers.sender()
    assert workers.stats("/")["status"] == "green"
    assert workers.stats("/_node/pipelines/main")["pipelines"]["main"]["workers"] == 2
    assert set(workers.stats("/_node/stats/events,reloads")) >= {"events", "reloads", "host", "version", "http_address"}
    main = workers.stats("/_node/stats/pipelines/main")["pipelines"]["main"]
    assert {"events", "plugins", "reloads", "queue", "dead_letter_queue", "flow"} <= set(main)
    assert workers.stats("/_health_report")["status"] == "green"
    assert workers.stats("/_node?pretty")["os"]["available_processors"]
    for path in ("/_node/stats/jvm", "/_node/stats/pipelines/nope", "/nope"):
        with pytest.raises(urllib.error.HTTPError) as raised:
            workers.stats(path)
        assert json.load(raised.value)["status"] == 404
