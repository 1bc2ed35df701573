"""The service as its users see it: a process between Filebeat's protocol and Elasticsearch's."""

import json
import struct
import threading
import time

import pytest

from tests.polling import poll_until

from .lumberjack_client import window


def events(first: int, count: int, **fields: object) -> list[dict]:
    return [{"message": f"line {n}", "n": n, "service": "django", **fields} for n in range(first, first + count)]


def test_events_are_stored_before_they_are_acknowledged(service, elasticsearch) -> None:
    release = threading.Event()
    elasticsearch.answer = lambda documents: None if release.is_set() else 503
    sender = service.sender()
    sender.send(events(0, 300))
    poll_until("the first try", lambda: elasticsearch.requests)
    sender.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        sender.ack()
    sender.socket.settimeout(10)
    release.set()
    assert sender.wait_for_ack(300)[-1] == 300
    assert len(elasticsearch.documents) == 300
    document = elasticsearch.documents["logs-django-pt", "7"]
    assert document["message"] == "line 7"
    assert document["data_stream"] == {"type": "logs", "dataset": "django", "namespace": "pt"}
    assert "@metadata" not in document
    assert elasticsearch.authorizations == {"Basic d3JpdGVyOnNlY3JldA=="}


def test_windows_of_one_connection_are_acknowledged_in_order(service, elasticsearch) -> None:
    sender = service.sender()
    for start in range(0, 50, 10):
        sender.send(events(start, 10), compress=start % 20 == 0)
    assert [sender.ack() for _ in range(5)] == [10] * 5
    assert len(elasticsearch.documents) == 50


def test_dropped_and_unrouted_events_are_acknowledged_too(service, elasticsearch) -> None:
    sender = service.sender()
    sender.send([{"message": "drop me"}, {"message": "kept", "service": "unknown"}, *events(1, 1)])
    assert sender.ack() == 3
    assert [source["n"] for source in elasticsearch.documents.values()] == [1]
    (line,) = (service.folder / "unrouted.jsonl").read_text().splitlines()
    assert json.loads(line)["message"] == "kept"


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_refused_request_is_sent_again(service, elasticsearch, status: int) -> None:
    elasticsearch.answer = lambda documents: status if elasticsearch.requests <= 2 else None
    sender = service.sender()
    sender.send(events(0, 5))
    assert sender.wait_for_ack(5)
    assert len(elasticsearch.documents) == 5
    assert f"{status}" in service.log.read_text()


def test_documents_that_are_put_off_are_sent_again_alone(service, elasticsearch) -> None:
    sizes = []

    def answer(documents: list[dict]) -> list[int] | None:
        sizes.append(len(documents))
        return [201, 429, 503, 201] if len(documents) == 4 else None

    elasticsearch.answer = answer
    sender = service.sender()
    sender.send(events(0, 4))
    assert sender.wait_for_ack(4)
    assert sizes == [4, 2]
    assert len(elasticsearch.documents) == 4


def test_elasticsearch_may_go_away_and_come_back(service, elasticsearch) -> None:
    port = elasticsearch.port
    elasticsearch.pause()
    sender = service.sender()
    sender.send(events(0, 20))
    poll_until("the loss to be told", lambda: "can't be reached" in service.log.read_text())
    elasticsearch.start(port)
    assert sender.wait_for_ack(20)
    assert len(elasticsearch.documents) == 20


def test_a_document_that_is_there_already_counts_as_stored(service, elasticsearch) -> None:
    sender = service.sender()
    for _ in range(2):
        sender.send(events(0, 5))
        assert sender.wait_for_ack(5)
    assert len(elasticsearch.documents) == 5
    output = service.stats()["pipelines"]["main"]["plugins"]["outputs"][1]
    assert output["documents"] == {"successes": 5, "non_retryable_failures": 5}


def test_a_document_that_the_mapping_refuses_goes_to_the_dead_letter_queue(service, elasticsearch) -> None:
    elasticsearch.answer = lambda documents: [201, 400, 201]
    sender = service.sender()
    sender.send(events(0, 3))
    assert sender.wait_for_ack(3)
    (entry,) = service.dead_letters
    assert entry["event"]["message"] == "line 1"
    assert entry["event"]["@metadata"]["_ingest_document"]["id"] == 1
    assert (entry["plugin_id"], entry["reason"]) == ("es", "Elasticsearch answered 400: t400: by the test")
    assert "ERROR" in service.log.read_text()
    assert service.stats()["pipelines"]["main"]["dead_letter_queue"]["count"] == 1


def test_of_a_request_that_is_refused_as_a_whole_only_the_culprit_is_lost(service, elasticsearch) -> None:
    elasticsearch.answer = lambda documents: 400 if any(d["source"]["n"] == 3 for d in documents) else None
    sender = service.sender()
    sender.send(events(0, 8))
    assert sender.wait_for_ack(8)
    assert [entry["event"]["n"] for entry in service.dead_letters] == [3]
    assert len(elasticsearch.documents) == 7


def test_an_event_that_breaks_a_filter_is_kept_and_the_others_go_on(service, elasticsearch) -> None:
    sender = service.sender()
    # Logstash's pipeline dies when a missing field is looked for in an array.
    sender.send([*events(0, 2), {"message": "poison", "hay": ["a"]}, *events(2, 2)])
    assert sender.wait_for_ack(5)
    assert len(elasticsearch.documents) == 4
    (entry,) = service.dead_letters
    assert entry["event"]["message"] == "poison"
    assert entry["plugin_type"] == "filter"


def test_texts_that_are_no_unicode_and_huge_numbers_arrive(service, elasticsearch) -> None:
    sender = service.sender()
    sender.send([{"message": "half \ud83d", "n": 1, "service": "django"}, {"message": "\ud83d", "service": "unknown"}])
    sender.send([{"n": 12345678901234567890, "service": "django"}])
    assert (sender.ack(), sender.ack()) == (2, 1)
    assert elasticsearch.documents["logs-django-pt", "1"]["message"] == "half \ud83d"
    assert json.loads((service.folder / "unrouted.jsonl").read_text())["message"] == "\ud83d"


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", window(1) + b"2J" + struct.pack(">II", 1, 0xFFFFFFF0), b"2W"]
)
def test_garbage_closes_its_connection_and_no_other(service, elasticsearch, garbage: bytes) -> None:
    good, bad = service.sender(), service.sender()
    bad.socket.sendall(garbage)
    bad.socket.shutdown(1)
    assert bad.closed_by_peer()
    poll_until("the reason in the log", lambda: "closed: " in service.log.read_text(), 5)
    good.send(events(0, 3))
    assert good.wait_for_ack(3)


def test_sigterm_drains_and_exits_0(service, elasticsearch) -> None:
    slow = threading.Event()

    def answer(documents: list[dict]) -> None:
        slow.set()
        time.sleep(0.3)

    elasticsearch.answer = answer
    sender = service.sender()
    sender.send(events(0, 10))
    assert slow.wait(10)
    assert service.stop() == 0
    assert sender.wait_for_ack(10)
    assert len(elasticsearch.documents) == 10


def test_killed_and_started_again_nothing_is_lost_or_doubled(service, elasticsearch) -> None:
    sender = service.sender()
    sender.send(events(0, 10))
    assert sender.wait_for_ack(10)
    elasticsearch.answer = lambda documents: [201, *[503] * (len(documents) - 1)]
    sender.send(events(10, 10))
    poll_until("a part of the window to be stored", lambda: len(elasticsearch.documents) > 10)
    service.process.kill()
    service.process.wait(10)
    elasticsearch.answer = lambda documents: None
    service.start()
    # What was not acknowledged is sent again, as Filebeat does it.
    again = service.sender()
    again.send(events(10, 10))
    assert again.wait_for_ack(10)
    assert sorted(source["n"] for source in elasticsearch.documents.values()) == list(range(20))


def test_the_monitoring_api_counts_events_by_plugin(service, elasticsearch) -> None:
    sender = service.sender()
    sender.send([*events(0, 3), {"message": "drop me"}])
    assert sender.wait_for_ack(4)
    stats = poll_until("the counts", lambda: s if (s := service.stats())["events"]["out"] == 3 else None, 5)
    assert {key: stats["events"][key] for key in ("in", "filtered", "out")} == {"in": 4, "filtered": 4, "out": 3}
    plugins = stats["pipelines"]["main"]["plugins"]
    assert plugins["inputs"][0]["events"]["out"] == 4
    by_id = {
        one["id"]: {key: one["events"][key] for key in ("in", "out")} for one in plugins["filters"] + plugins["outputs"]
    }
    assert by_id["dropper"] == {"in": 1, "out": 0}
    assert by_id["route"] == {"in": 3, "out": 3}
    assert by_id["es"] == {"in": 3, "out": 3}


def test_the_monitoring_api_tells_where_time_goes(service, elasticsearch) -> None:
    def slow(documents: list) -> None:
        time.sleep(0.2)

    elasticsearch.answer = slow
    sender = service.sender()
    for start in range(0, 4000, 1000):
        sender.send(events(start, 1000))
    for _ in range(4):
        assert sender.wait_for_ack(1000)
    main = poll_until("all", lambda: s if (s := service.stats()["pipelines"]["main"])["events"]["out"] == 4000 else 0)
    millis = {
        one["id"]: one["events"]["duration_in_millis"]
        for kind in ("filters", "outputs")
        for one in main["plugins"][kind]
    }
    # The only plugin that has much to do; it can't take longer than all of it did.
    assert 0 < millis["route"] < main["events"]["duration_in_millis"]
    assert millis["dropper"] == 0
    # 32 batches of 125 events, three at a time.
    assert millis["es"] >= 32 * 200
    assert main["events"]["duration_in_millis"] >= millis["es"]
    # Windows of a sender wait in the input, which is told of the input and in all.
    [beats] = main["plugins"]["inputs"]
    assert beats["events"]["queue_push_duration_in_millis"] > 200
    assert main["events"]["queue_push_duration_in_millis"] >= beats["events"]["queue_push_duration_in_millis"]


def test_a_taken_port_is_told(service) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "logstash_py", "run", "-f", str(service.config), "--api.http.port", "0"]
    command += ["--path.data", str(service.folder / "other")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 1
    assert "address already in use" in result.stderr.lower()
