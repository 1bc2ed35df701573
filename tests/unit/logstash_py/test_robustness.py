"""What strangers send to the port of a service at work: their connection is closed, the reason is told, and nobody else
notices."""

from __future__ import annotations

import contextlib
import random
import re
import struct
import zlib

import psutil

from tests.polling import poll_until

from .conftest import Running
from .lumberjack_client import Sender, compressed, json_frame, window
from .test_service import events

MIB = 1 << 20
NOISE = random.Random(1).randbytes(100_000)  # noqa: S311 the same noise each time


def zip_bomb(frame: bytes, times: int) -> bytes:
    packer = zlib.compressobj()
    data = b"".join([packer.compress(frame) for _ in range(times)]) + packer.flush()
    return b"2C" + struct.pack(">I", len(data)) + data


# Half a megabyte that holds 600 MB: events of 10 MB each, all of spaces. 4 GiB that never come. What isn't Lumberjack.
SPACES = b'{"message": "drop me"' + b" " * 10_000_000 + b"}"
STRANGERS = {
    "zip bomb": (window(100) + zip_bomb(b"2J" + struct.pack(">II", 1, len(SPACES)) + SPACES, 60), "holds more than"),
    "zip bomb of one event": (window(1) + compressed(json_frame(1, {"a": " " * 30_000_000})), "over the limit of"),
    "zip bomb of nothing": (window(1) + zip_bomb(b"2J" + bytes(8), 1_000_000), "can't be read"),
    "values": (window(1) + json_frame(1, {"a": [{}] * 1_000_000}), "more than 100000 values"),
    "4 GiB": (window(1) + b"2J" + struct.pack(">II", 1, 0xFFFFFFFF), "4294967295 bytes is over the limit"),
    "4 GiB compressed": (window(1) + b"2C" + struct.pack(">I", 0xFFFFFFFF), "4294967295 bytes is over the limit"),
    "4 Gi events": (window(0xFFFFFFFF), "a window of 4294967295 events"),
    "bad JSON": (window(1) + b"2J" + struct.pack(">II", 1, 3) + b"{x}", "a JSON frame can't be read"),
    "no object": (window(1) + b"2J" + struct.pack(">II", 1, 4) + b"[{}]", "holds no object"),
    "deep JSON": (window(1) + b"2J" + struct.pack(">II", 1, 90_000) + b"[" * 90_000, "can't be read"),
    "HTTP": (b"POST /_bulk HTTP/1.1\r\nHost: x\r\n\r\n", "an HTTP request"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + NOISE[:500], "a TLS client, but TLS is not enabled"),
    "noise": (NOISE, "unknown protocol version"),
    "half a window": (window(2) + json_frame(1, {"a": 1}), "the connection ended in the middle of a window"),
    "an event too many": (window(1) + json_frame(1, {"n": 0}) * 2, "an event before its window"),
}


def resident(service: Running) -> int:
    """Of the service and its workers, in bytes."""
    process = psutil.Process(service.process.pid)
    return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])


def test_strangers_are_shown_out_and_told_of(service: Running, elasticsearch) -> None:
    good, sent = service.sender(), 0
    for name, (data, reason) in STRANGERS.items():
        stranger = service.sender()
        with contextlib.suppress(OSError):  # it may be closed by then
            stranger.socket.sendall(data)
            stranger.socket.shutdown(1)
        good.send(events(sent, 10))
        sent += 10
        assert stranger.closed_by_peer(), name
        pattern = f"{stranger.name} closed: .*({reason})"
        poll_until(f"the reason of {name}", lambda pattern=pattern: re.search(pattern, service.log.read_text()), 10)
        assert good.wait_for_ack(10), name
        assert resident(service) < 150 * MIB, name
    assert {source["n"] for source in elasticsearch.documents.values()} == set(range(sent))


def test_many_half_open_connections_disturb_nobody(service: Running, elasticsearch) -> None:
    before = resident(service)
    halves = [b"", b"2", window(1), window(1) + b"2J\0\0", window(1) + b"2J" + struct.pack(">II", 1, 100) + b"{"]
    open_: list[Sender] = []
    for number in range(300):
        one = service.sender()
        one.socket.sendall(halves[number % len(halves)])
        open_.append(one)
    good = service.sender()
    for start in range(0, 100, 10):
        good.send(events(start, 10))
        assert good.wait_for_ack(10)
    assert len(elasticsearch.documents) == 100
    assert resident(service) - before < 60 * MIB
    for one in open_:
        one.close()
    poll_until(
        "them to be forgotten",
        lambda: service.stats()["pipelines"]["main"]["plugins"]["inputs"][0]["current_connections"] == 1,
        10,
    )
