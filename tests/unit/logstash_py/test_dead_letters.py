"""The dead letter queue on disk, and the command dlq."""

import asyncio
import json
import multiprocessing
import threading
from pathlib import Path

import pytest

from logstash_py import dead_letters
from logstash_py.cli import main
from logstash_py.dead_letters import DeadLetterQueue
from tests.polling import poll_until

from .test_service import events


def put(queue: DeadLetterQueue, *numbers: int, reason: str = "status 400") -> None:
    asyncio.run(queue.put([({"n": n}, reason) for n in numbers], "elasticsearch", "es"))


def numbers(queue: DeadLetterQueue) -> list[int]:
    return [entry["event"]["n"] for entry in queue.entries()]


def fill(folder: Path, start: int) -> None:
    queue = DeadLetterQueue(folder)
    for n in range(start, start + 50):
        asyncio.run(queue.put([({"n": n, "text": "x" * 5000}, "r")], "p", "i"))


def test_several_processes_add_whole_entries_while_entries_are_taken_out(tmp_path: Path, monkeypatch) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fill, args=(tmp_path, start)) for start in (0, 1000)]
    for process in processes:
        process.start()
    queue, taken = DeadLetterQueue(tmp_path), []
    while any(process.is_alive() for process in processes):
        with queue.taking() as segments:
            for segment in segments:
                odd = [entry["event"]["n"] for entry in queue.read(segment) if entry["event"]["n"] % 2]
                taken += odd
                assert queue.keep_only(segment, lambda entry: entry["event"]["n"] % 2 == 0) == len(odd)
    assert [process.exitcode for process in processes] == [0, 0]
    left = numbers(queue)
    assert sorted(taken + left) == [*range(50), *range(1000, 1050)]


def test_a_full_queue_waits_and_drops_nothing(tmp_path: Path, caplog) -> None:
    queue = DeadLetterQueue(tmp_path, max_bytes=600)

    async def fill_and_purge() -> None:
        await queue.put([({"n": 1}, "r" * 300)], "p", "i")
        second = asyncio.create_task(queue.put([({"n": 2}, "r" * 300)], "p", "i"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await asyncio.shield(second)
        with queue.taking() as segments:
            for segment in segments:
                queue.keep_only(segment, lambda entry: False)
        await second

    asyncio.run(fill_and_purge())
    assert numbers(queue) == [2]
    assert "is full" in caplog.text


def test_an_entry_that_a_kill_cut_short_harms_no_other(tmp_path: Path) -> None:
    queue = DeadLetterQueue(tmp_path)
    put(queue, 1)
    with queue.segments()[-1].open("ab") as file:
        file.write(b'{"id": "half')
    put(queue, 2)
    assert numbers(queue) == [1, 2]


def test_segments_are_bounded(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(dead_letters, "SEGMENT_BYTES", 100)
    queue = DeadLetterQueue(tmp_path)
    for n in range(5):
        put(queue, n)
    assert len(queue.segments()) == 5
    assert numbers(queue) == list(range(5))


def test_list_show_and_purge(tmp_path: Path, capsys) -> None:
    queue = DeadLetterQueue(tmp_path / "dead_letter_queue/main")
    put(queue, 1, 2, reason="Elasticsearch answered 400: failed to parse field [a] of type [long]: 'x'")
    put(queue, 3, reason="Elasticsearch answered 404: no such index [b]")
    data = ["--path.data", str(tmp_path)]
    assert main(["dlq", "list", *data, "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out).values()
    assert report["entries"] == 3
    assert sorted(report["reasons"].values()) == [1, 2]
    assert main(["dlq", "show", *data, "--reason", "404"]) == 0
    (entry,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert entry["event"] == {"n": 3}
    assert main(["dlq", "purge", *data]) == 1
    assert main(["dlq", "purge", *data, "--id", entry["id"]]) == 0
    assert numbers(queue) == [1, 2]
    assert main(["dlq", "purge", *data, "--all"]) == 0
    assert numbers(queue) == []
    with queue.taking():
        assert main(["dlq", "purge", *data, "--all"]) == 1
    assert "under way" in capsys.readouterr().err


def test_entries_are_replayed_while_the_service_runs(service, elasticsearch, capsys) -> None:
    elasticsearch.answer = lambda documents: [400] * len(documents)
    sender = service.sender()
    sender.send([*events(0, 5), {"message": "poison", "hay": ["a"]}])
    assert sender.wait_for_ack(6)
    assert len(service.dead_letters) == 6
    # Mended but for one.
    elasticsearch.answer = lambda documents: [400 if d["source"].get("n") == 3 else 201 for d in documents]
    replay = ["dlq", "replay", "-f", str(service.config), "--path.data", str(service.folder / "data")]
    stop = threading.Event()

    def go_on() -> None:
        n = 100
        while not stop.is_set():
            sender.send(events(n, 1))
            assert sender.wait_for_ack(1)
            n += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        assert main(replay) == 1
    finally:
        stop.set()
        thread.join(10)
    assert "4 entries stored, 2 refused again" in capsys.readouterr().out
    assert sorted(entry["event"]["message"] for entry in service.dead_letters) == ["line 3", "poison"]
    stored = {source["n"]: source for (_, _), source in elasticsearch.documents.items()}
    assert {0, 1, 2, 4} <= set(stored)
    assert stored[0]["@timestamp"] and "@metadata" not in stored[0]
    assert main([*replay, "--stdout"]) == 0
    printed = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]
    assert sorted(printed) == ["line 3", "poison"]
    elasticsearch.answer = lambda documents: None
    assert main([*replay, "--reason", "400"]) == 0
    assert [entry["event"]["message"] for entry in service.dead_letters] == ["poison"]


def test_a_full_queue_holds_up_its_senders(tmp_path: Path, service, elasticsearch) -> None:
    assert service.stop() == 0
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "logstash.yml").write_text("dead_letter_queue.max_bytes: 1kb\n")
    service.start("--path.settings", str(settings))
    elasticsearch.answer = lambda documents: [400] * len(documents)
    sender = service.sender()
    sender.send(events(0, 1, text="x" * 700))
    assert sender.ack() == 1
    sender.send(events(1, 1, text="x" * 700))
    poll_until("the log to tell", lambda: "is full" in service.log.read_text(), 5)
    assert len(service.dead_letters) == 1
    main(["dlq", "purge", "--path.data", str(service.folder / "data"), "--reason", "no such reason"])
    assert main(["dlq", "purge", "--path.data", str(service.folder / "data"), "--all"]) == 0
    assert sender.wait_for_ack(1)
    assert len(service.dead_letters) == 1
