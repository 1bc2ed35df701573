"""What many connections may take, together."""

import asyncio
import contextlib
import resource
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from logstash_py.intake import Account, Budget
from tests.polling import poll_until

from .conftest import Running
from .fake_elasticsearch import FakeElasticsearch
from .lumberjack_client import json_frame, window, window_of
from .test_service import events

MIB = 1 << 20


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4096:
        pytest.skip(f"only {hard} open files are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory(service: Running) -> int:
    return psutil.Process(service.process.pid).memory_info().rss


def test_a_thousand_connections_that_hold_half_windows_stay_bounded(service, elasticsearch, many_files) -> None:
    """Each sends 400 KiB of a window that it doesn't end: 400 MiB in all, of which a bounded part is read."""
    frames = b"".join(json_frame(n, {"message": "x" * 1000}) for n in range(1, 401))
    loose = []
    for number in range(1000):
        sender = service.sender()
        sender.socket.setblocking(False)
        # Half of them are in the middle of a window, half in the middle of a frame.
        start = b"" if number % 2 else b"2J" + struct.pack(">II", 1, 30 * MIB)
        with contextlib.suppress(BlockingIOError):
            sender.socket.send(window(1000) + start + frames)
        loose.append(sender)
    poll_until(
        "all connections",
        lambda: service.stats()["pipelines"]["main"]["plugins"]["inputs"][0]["current_connections"] == 1000,
        20,
    )
    assert memory(service) < 150 * MIB
    # They go, and a new one is served.
    for sender in loose:
        sender.close()
    good = service.sender()
    good.send(events(0, 10))
    assert good.wait_for_ack(10)
    assert len(elasticsearch.documents) == 10


def test_memory_while_the_store_is_away(service, elasticsearch) -> None:
    """Twenty senders with large windows wait; all is stored when it is back."""
    elasticsearch.pause()
    senders = [service.sender() for _ in range(20)]
    for number, sender in enumerate(senders):
        sender.socket.setblocking(True)
        data = window_of(events(number * 1000, 1000, text="x" * 1000), compress=True)
        sender.socket.sendall(data * 2)
    inputs = lambda: service.stats()["pipelines"]["main"]["plugins"]["inputs"]  # noqa: E731
    poll_until("the loss to be told", lambda: "can't be reached" in service.log.read_text())
    # What they send beyond the budget stays with them.
    senders_done = lambda: sum(one["events"]["out"] for one in inputs()) > 1000  # noqa: E731
    poll_until("some of it to be read", senders_done, 5)
    assert memory(service) < 150 * MIB
    elasticsearch.start(elasticsearch.port)
    for sender in senders:
        assert sender.wait_for_ack(1000, 20)
        assert sender.wait_for_ack(1000, 20)
    assert len(elasticsearch.documents) == 20_000


def test_few_file_descriptors_are_told(tmp_path: Path, elasticsearch: FakeElasticsearch) -> None:
    service = Running(tmp_path, elasticsearch)
    code = "import resource, sys; from logstash_py.cli import main; "
    code += "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)); sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "run", "-w", "1", "-f", str(service.config)]
    command += ["--path.data", str(tmp_path / "data"), "--api.http.port", str(service.api_port)]
    with service.log.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        poll_until("the warning", lambda: "ulimit -n" in service.log.read_text(), 10)
    finally:
        process.kill()
        process.wait(10)


def test_the_budget_is_fair_and_one_can_always_finish() -> None:
    async def run() -> None:
        budget = Budget(100)
        accounts = [Account(budget) for _ in range(4)]
        for account in accounts[:2]:
            await account.room()
            account.keep(60)
        # Full, and all in halves of windows: the first that asks has the turn, the others wait.
        turns = [asyncio.create_task(account.room()) for account in accounts]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [turn.done() for turn in turns] == [True, False, False, False]
        assert accounts[0].has_turn
        done = accounts[0].move(60)
        accounts[0].keep(0)
        await asyncio.sleep(0)
        # Its window is complete, but still takes its room.
        assert [turn.done() for turn in turns] == [True, False, False, False]
        done()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert all(turn.done() for turn in turns)
        for account in accounts:
            account.close()
        assert (budget.held, budget.moving) == (0, 0)

    asyncio.run(run())
