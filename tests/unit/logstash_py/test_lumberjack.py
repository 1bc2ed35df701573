"""The protocol, without a network."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstash_py.lumberjack import Connection, ProtocolError, ack

from .lumberjack_client import compressed, data_frame, json_frame, window, window_of

EVENTS = [{"message": "grün", "n": 1}, {"message": "two"}, {"message": "three", "o": {"k": [1, 2]}}]


@pytest.mark.parametrize("compress", [True, False])
def test_a_window_is_given_when_its_last_event_is_there(compress: bool) -> None:
    (got,) = Connection().receive(window_of(EVENTS, compress=compress))
    assert (got.version, got.sequence, got.events) == (2, 3, EVENTS)


@given(st.integers(1, 40))
def test_bytes_may_come_in_any_pieces(size: int) -> None:
    data = window_of(EVENTS, compress=False) + window_of(EVENTS[:1]) + window_of(EVENTS)
    connection = Connection()
    windows = [w for at in range(0, len(data), size) for w in connection.receive(data[at : at + size])]
    assert [w.events for w in windows] == [EVENTS, EVENTS[:1], EVENTS]
    assert not connection.mid_frame


def test_a_compressed_frame_may_hold_part_of_a_window() -> None:
    connection = Connection()
    assert connection.receive(window(3) + compressed(json_frame(1, EVENTS[0]))) == []
    assert connection.mid_frame
    (got,) = connection.receive(compressed(json_frame(2, EVENTS[1]) + json_frame(3, EVENTS[2])))
    assert got.events == EVENTS


def test_version_1_sends_pairs_of_texts() -> None:
    data = b"1W" + struct.pack(">I", 1) + data_frame(1, {"line": "grün", "host": "h"})
    (got,) = Connection().receive(data)
    assert (got.version, got.events) == (1, [{"line": "grün", "host": "h"}])
    assert ack(1, 1) == b"1A\0\0\0\1"


def test_half_a_surrogate_pair_is_read_as_well_as_it_can_be() -> None:
    payload = rb'{"message":"a\ud83d"}'
    (got,) = Connection().receive(window(1) + b"2J" + struct.pack(">II", 1, len(payload)) + payload)
    assert got.events == [{"message": "a\ud83d"}]


def test_an_acknowledgement_is_six_bytes() -> None:
    assert ack(2, 258) == b"2A\0\0\1\2"


BOMB = zlib.compress(b"2" * 50_000_000, 9)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\n", "protocol version"),
        (b"\x16\x03\x01\x02\x00", "protocol version"),
        (b"2Zxxxx", "frame type"),
        (window(1) + b"2J" + struct.pack(">II", 1, 0xFFFFFFFF), "over the limit"),
        (window(1) + b"2C" + struct.pack(">I", 0xFFFFFFFF), "over the limit"),
        (window(0xFFFFFFFF), "window"),
        (window(0), "window"),
        (json_frame(1, {"a": 1}), "before its window"),
        (window(1) + b"2J" + struct.pack(">II", 1, 3) + b"{x}", "can't be read"),
        (window(1) + b"2J" + struct.pack(">II", 1, 2) + b"[]", "no object"),
        (
            window(1) + b"2J" + struct.pack(">II", 1, 60_006) + b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
            "can't be read",
        ),
        (window(1) + b"2J" + struct.pack(">II", 1, 606) + b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "deeper than"),
        (window(1) + b"2C" + struct.pack(">I", 4) + b"junk", "can't be read"),
        (window(1) + compressed(json_frame(1, {"a": 1})[:-1]), "middle of a frame"),
        (window(1) + compressed(compressed(json_frame(1, {"a": 1}))), "compressed frame in"),
        (window(1) + b"2C" + struct.pack(">I", len(BOMB)) + BOMB, "more than"),
    ],
)
def test_what_is_no_lumberjack_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        Connection(max_decompressed=1_000_000).receive(data)


@given(st.binary(max_size=200))
def test_any_bytes_either_parse_or_are_refused(data: bytes) -> None:
    try:
        Connection().receive(data)
        Connection().receive(window(2) + data)
        Connection().receive(window(1) + compressed(data))
    except ProtocolError:
        pass
