"""What many connections may take, together."""

import asyncio
import contextlib
import re
import resource
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from logstash_py.intake import Account, Budget
from logstash_py.lumberjack import MAX_PAYLOAD
from tests.polling import poll_until

from .certificates import Certificates
from .conftest import PIPELINE, Running
from .fake_elasticsearch import FakeElasticsearch
from .lumberjack_client import Sender, json_frame, window, window_of
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


def peak(service: Running) -> int:
    """The most that it ever had, in bytes."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024


def halves_of_windows() -> Iterator[bytes]:
    """400 KiB each; the first in the middle of a window, the next in the middle of a frame."""
    frames = b"".join(json_frame(n, {"message": "x" * 1000}) for n in range(1, 401))
    while True:
        yield window(1000) + frames
        yield window(1000) + b"2J" + struct.pack(">II", 1, 10 * MIB) + frames


def connections(service: Running) -> int:
    return service.stats()["pipelines"]["main"]["plugins"]["inputs"][0]["current_connections"]


def test_a_thousand_connections_that_hold_half_windows_stay_bounded(service, elasticsearch, many_files) -> None:
    """Each sends 400 KiB of a window that it doesn't end: 400 MiB in all, of which a bounded part is read."""
    loose = []
    for _, data in zip(range(1000), halves_of_windows(), strict=False):
        sender = service.sender()
        sender.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sender.socket.send(data)
        loose.append(sender)
    poll_until("all connections", lambda: connections(service) == 1000, 20)
    assert memory(service) < 150 * MIB
    # They go, and a new one is served.
    for sender in loose:
        sender.close()
    # What lies in the system's buffers of those before is read first: 400,000 events.
    good = Sender(service.port, timeout=60)
    good.send(events(0, 10))
    assert good.wait_for_ack(10, 60)
    assert len(elasticsearch.documents) == 10


def test_a_thousand_tls_connections_that_hold_half_windows_stay_bounded(tmp_path, elasticsearch, many_files) -> None:
    """TLS takes some 40 KiB of each."""
    certificates = Certificates(tmp_path)
    service = Running(tmp_path, elasticsearch, PIPELINE.replace("beats {", "beats { " + certificates.options)).start()
    context, loose = certificates.context(), []
    try:
        for _ in range(1000):
            plain = socket.create_connection(("127.0.0.1", service.port), 10)
            loose.append(context.wrap_socket(plain, server_hostname="127.0.0.1"))
        poll_until("all connections", lambda: connections(service) == 1000, 20)
        assert memory(service) < 120 * MIB
        for one, data in zip(loose, halves_of_windows(), strict=False):
            one.setblocking(False)
            with contextlib.suppress(ssl.SSLWantWriteError):
                for start in range(0, len(data), 16_384):
                    one.send(data[start : start + 16_384])
        poll_until("the answer of a busy service", lambda: connections(service) == 1000, 20)
        assert peak(service) < 150 * MIB, peak(service) / MIB
    finally:
        for one in loose:
            one.close()
        service.process.kill()
        service.process.wait(10)


LINES = {
    "2,048 lines, one of them of 1 MiB": [500] * 1000 + [MIB] + [500] * 1047,
    "2,048 lines of 50 kB": [50_000] * 2048,
    "a line of 10 MiB, Filebeat's largest": [10 * MIB],
}


@pytest.mark.parametrize("lengths", LINES.values(), ids=LINES)
def test_large_windows_of_filebeat_are_taken(service, elasticsearch, lengths: list[int]) -> None:
    """Beyond half a megabyte in parts, so that memory is bounded whatever their size."""
    sender = service.sender()
    sender.send([{"message": "x" * length, "n": n, "service": "django"} for n, length in enumerate(lengths)])
    assert sender.wait_for_ack(len(lengths), 30)
    stored = {source["n"]: len(source["message"]) for source in elasticsearch.documents.values()}
    assert stored == dict(enumerate(lengths))
    assert peak(service) < 150 * MIB, peak(service) / MIB


HOSTILE = {
    # Decoded, each takes twenty times its bytes.
    "small objects": [{"a": [{"a": 1}] * 45_000}] * 30,
    "many of small objects": [{"a": [{"a": 1}] * 200}] * 5000,
    # Python keeps four bytes for each character of such a text.
    "a text with an emoji": [{"message": "x" * (MAX_PAYLOAD - 100) + "\U0001f600"}],
}


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_memory_is_bounded_whatever_one_connection_sends(service, sent: list[dict]) -> None:
    sender = service.sender()
    sender.send([event | {"service": "django"} for event in sent])
    assert sender.wait_for_ack(len(sent), 60)
    assert peak(service) < 160 * MIB, peak(service) / MIB


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
