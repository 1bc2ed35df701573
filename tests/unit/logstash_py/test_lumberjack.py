"""The protocol, without a network."""

import struct

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


@pytest.mark.parametrize("compress", [True, False])
def test_a_large_window_comes_in_parts(compress: bool) -> None:
    """Each may be acknowledged by itself; what is held is one part and one event, not the window."""
    events = [{"n": n, "message": "x" * 1000 * n} for n in range(1, 101)]
    data = window_of(events, compress=compress) + window_of(EVENTS)
    connection, parts, held = Connection(part_bytes=200_000), [], 0
    for at in range(0, len(data), 16_384):
        connection.feed(data[at : at + 16_384])
        while part := connection.next_window():
            parts.append(part)
            held = max(held, connection.held)
    *parts, last = parts
    assert [event for part in parts for event in part.events] == events
    assert [part.sequence for part in parts] == [part.events[-1]["n"] for part in parts]
    assert 20 < len(parts) < 30
    assert held < 400_000
    assert last.events == EVENTS


def test_commas_and_brackets_in_a_text_are_no_values() -> None:
    event = {"message": '[{"a": 1, "b": ' * 200_000}
    (got,) = Connection().receive(window_of([event]))
    assert got.events == [event]


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


# Each is a lot of bytes in few: of spaces in one event, of events, and of nothing that is a frame.
SPACES = compressed(json_frame(1, {"a": " " * 900_000}) * 2)
EVENTS_BOMB = compressed(json_frame(1, {"a": 1}) * 60_000)
PACKED = compressed(json_frame(1, EVENTS[0]))[6:]
JUNK = compressed(b"2" * 50_000_000)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\n", "an HTTP request"),
        (b"\x16\x03\x01\x02\x00", "a TLS client"),
        (b"\0\0", "unknown protocol version"),
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
        (window(2) + SPACES, "a compressed frame holds more than"),
        (window(100_000) + EVENTS_BOMB, "a compressed frame holds more than"),
        (window(1) + JUNK, "unknown frame type"),
        (window(1) + json_frame(1, {"a": [{}] * 100_000}), "more than 100000 values"),
        (window(1) + compressed(json_frame(1, EVENTS[0]))[:-4] + b"!!!!", "can't be read"),
        (window(1) + b"2C" + struct.pack(">I", len(PACKED) + 1) + PACKED + b"!", "goes on after its end"),
        (b"1W" + struct.pack(">I", 1) + b"1D" + struct.pack(">II", 1, 5000), "5000 pairs"),
        (b"1W" + struct.pack(">I", 1) + b"1D" + struct.pack(">III", 1, 1, 0xFFFFFFF0), "over the limit"),
    ],
)
def test_what_is_no_lumberjack_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        Connection(max_decompressed=1_000_000).receive(data)


def test_a_frame_is_refused_by_what_it_claims_before_it_comes() -> None:
    connection = Connection()
    with pytest.raises(ProtocolError, match="4294967295 bytes is over the limit"):
        connection.receive(window(1) + b"2J" + struct.pack(">II", 1, 0xFFFFFFFF))
    assert connection.held < 100


def test_what_is_sent_ahead_stays_as_small_as_it_came() -> None:
    connection = Connection()
    one = window(1) + compressed(json_frame(1, {"message": "x" * 1_000_000}))
    connection.feed(one * 50)
    assert connection.held < 200_000
    assert connection.next_window().size > 1_000_000
    assert connection.held < 200_000


# Frames that are whole, cut, or wrong in some way: what a fuzzer has to begin with.
_EVENTS = st.dictionaries(st.text(max_size=5), st.one_of(st.text(max_size=20), st.integers()), max_size=3)
_FRAMES = st.recursive(
    st.one_of(
        st.integers(0, 5).map(window),
        st.tuples(st.integers(0, 9), _EVENTS).map(lambda pair: json_frame(*pair)),
        st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3).map(lambda event: data_frame(1, event)),
        st.binary(max_size=12),
        st.tuples(st.sampled_from([b"2J", b"2C", b"1D", b"2W"]), st.binary(max_size=12)).map(b"".join),
    ),
    lambda inner: st.lists(inner, max_size=4).map(b"".join).map(compressed),
    max_leaves=6,
)


def outcome(data: bytes, pieces: list[int]) -> tuple[list[tuple], str | None, int]:
    """(windows, error, bytes held at the end) when `data` comes in pieces of these lengths, and then in one."""
    connection, windows, at = Connection(max_payload=4096, max_compressed=4096, max_decompressed=8192), [], 0
    try:
        for length in [*pieces, len(data)]:
            connection.feed(data[at : at + length])
            at += length
            while got := connection.next_window():
                windows.append((got.version, got.sequence, got.events, got.size))
    except ProtocolError as error:
        return windows, str(error), 0
    return windows, None, connection.held


@given(st.lists(_FRAMES, max_size=6).map(b"".join), st.lists(st.integers(0, 30), max_size=40))
def test_any_bytes_either_parse_or_are_refused_however_they_are_cut(data: bytes, pieces: list[int]) -> None:
    windows, error, held = outcome(data, [])
    assert outcome(data, pieces) == (windows, error, held)
    # At most one compressed frame more than came.
    assert held <= len(data) + 8192


@given(st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    for whole in (data, window(2) + data, window(1) + compressed(data)):
        outcome(whole, [1] * 10)
