"""The Lumberjack protocol, versions 1 and 2 (the Beats protocol), without any input or output: bytes in, windows out.

However large a window is, no more than one part of it is held: its events are given out in parts, each of which may be
acknowledged by itself, and compressed frames are unpacked as they come.

The frames: a version byte, a type byte, then
  W  window size, 4 bytes: so many events follow before an acknowledgement is due
  J  sequence number, 4 bytes; length, 4 bytes; a JSON object (version 2)
  D  sequence number, 4 bytes; number of pairs, 4 bytes; key and value texts, each after its length (version 1)
  C  length, 4 bytes; zlib-compressed frames
  A  sequence number, 4 bytes: the acknowledgement, sent by us
All numbers are unsigned and big-endian. Source: the protocol notes of logstash-input-beats (PROTOCOL.md) and go-lumber.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from .text import check_depth

_UINT32 = struct.Struct(">I")
_PAIR = struct.Struct(">II")
_JSON_HEADER = struct.Struct(">2sII")

MAX_WINDOW = 1 << 17
# Of one event. Filebeat's largest is 10 MiB of text by default (message_max_bytes), and JSON adds to that.
MAX_PAYLOAD = 11 * 1024 * 1024
# Of one compressed frame, as it comes and unpacked: Filebeat's windows are of 2,048 events by default.
MAX_COMPRESSED = 64 * 1024 * 1024
MAX_DECOMPRESSED = 512 * 1024 * 1024
MAX_PAIRS = 4096
# Of one event. Decoded, `{"a":1}` takes twenty times its bytes, an ordinary event six times. What is longer than an
# ordinary one is weighed by its values, too.
MAX_VALUES = 100_000
_VALUE_BYTES = 16
_ORDINARY = 2048
# A part of a window is given out when its events took so many bytes.
PART_BYTES = 64 * 1024
# Compressed frames are unpacked in steps of so many bytes: what one claims to hold is not taken on trust.
_STEP = 256 * 1024
_LARGE = 1024 * 1024
_CUT_SHORT = "a compressed frame ends in the middle of a frame"
_JSON_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


class ProtocolError(Exception):
    """The peer doesn't speak Lumberjack, or claims sizes beyond the limits. The connection is to be closed."""


@dataclass(slots=True)
class Window:
    """The events of a window, or of a part of one, decoded; the number of the last of them, which acknowledges them;
    and how many bytes they took before they were decoded, with something for each value of large ones."""

    version: int
    sequence: int
    events: list[dict]
    size: int


@dataclass(slots=True)
class _Pending:
    """A window that isn't complete: how many events it still owes, and what of it is not given out yet."""

    owed: int = 0
    taken: int = 0
    events: list[dict] = field(default_factory=list)


def ack(version: int, sequence: int) -> bytes:
    """An acknowledgement. Sequence 0 says that the window is still under way."""
    return b"%dA" % version + _UINT32.pack(sequence)


class _Frames:
    """Bytes in, whole frames out. What is kept is at most one incomplete frame, once all frames have been taken."""

    __slots__ = ("_at", "_awaited", "_data", "_max_compressed", "_max_payload")

    def __init__(self, max_payload: int, max_compressed: int) -> None:
        self._data = bytearray()
        self._at = 0
        # How many bytes the incomplete frame takes: until then there is nothing to look at.
        self._awaited = 2
        self._max_payload = max_payload
        self._max_compressed = max_compressed

    @property
    def held(self) -> int:
        return len(self._data) - self._at

    def feed(self, data: bytes) -> None:
        self._data += data

    def take(self, size: int) -> bytes:
        """At most so many bytes, of what is no frame of its own."""
        taken = bytes(memoryview(self._data)[self._at : self._at + size])
        self._at += len(taken)
        if self._at == len(self._data):
            self._await(2)
        return taken

    def take_json(self, pending: _Pending, room: int) -> int | None:
        """Takes the plain JSON frames that stand next, nearly all that is ever sent, into a window, until that is
        complete or holds `room` bytes; returns the number of the last, None when there were none. What is in any
        way unusual is left to `next`."""
        data, at, end = self._data, self._at, len(self._data)
        events, owed, taken, sequence = pending.events, pending.owed, pending.taken, None
        while owed and taken < room and end - at >= 10:
            kind, number, length = _JSON_HEADER.unpack_from(data, at)
            if kind != b"2J" or length > _ORDINARY or length > end - at - 10:
                break
            payload = data[at + 10 : at + 10 + length]
            try:
                event = orjson.loads(payload)
                check_depth(event, payload)
            except ValueError:
                break
            if type(event) is not dict:
                break
            events.append(event)
            at += 10 + length
            owed -= 1
            taken += length
            sequence = number
        if sequence is not None:
            self._at, self._awaited = at, 2
            pending.owed, pending.taken = owed, taken
        return sequence

    def next(self) -> tuple[int, int, int, Any] | None:
        """(version, type, number, content) of the next frame; None when it isn't all there. The content of a compressed
        frame is not waited for: its number is its length, and the content is to be taken."""
        data, at = self._data, self._at
        left = len(data) - at
        if left < self._awaited:
            if at:
                del data[:at]
                self._at = 0
            return None
        version, kind = data[at] - 0x30, data[at + 1]
        if version not in (1, 2):
            raise ProtocolError(_what_it_may_be(bytes(data[at : at + 5])))
        if kind == _JSON:
            if left < 10:
                return self._await(10)
            number, length = _PAIR.unpack_from(data, at + 2)
            if length > self._max_payload:
                raise ProtocolError(f"a JSON frame of {length} bytes is over the limit of {self._max_payload}")
            end = 10 + length
            if left < end:
                return self._await(end)
            content = data[at + 10 : at + end]
            self._at, self._awaited = at + end, 2
            if end > _LARGE:
                # Not kept until the event is under way.
                self._await(2)
            return version, kind, number, content
        if kind == _COMPRESSED:
            if left < 6:
                return self._await(6)
            (length,) = _UINT32.unpack_from(data, at + 2)
            if length > self._max_compressed:
                raise ProtocolError(f"a compressed frame of {length} bytes is over the limit of {self._max_compressed}")
            self._at, self._awaited = at + 6, 2
            return version, kind, length, None
        if kind == _WINDOW:
            if left < 6:
                return self._await(6)
            (number,) = _UINT32.unpack_from(data, at + 2)
            self._at, self._awaited = at + 6, 2
            return version, kind, number, None
        if kind == _DATA:
            return self._pairs(version)
        raise ProtocolError(f"unknown frame type {bytes(data[at + 1 : at + 2])!r}")

    def _await(self, size: int) -> None:
        self._awaited = size
        if self._at:
            del self._data[: self._at]
            self._at = 0

    def _pairs(self, version: int) -> tuple[int, int, int, dict[str, str]] | None:
        """A frame of texts, version 1."""
        data, at = self._data, self._at
        if len(data) - at < 10:
            return self._await(10)
        number, pairs = _PAIR.unpack_from(data, at + 2)
        if pairs > MAX_PAIRS:
            raise ProtocolError(f"a data frame of {pairs} pairs")
        cursor = at + 10
        texts: list[str] = []
        for _ in range(2 * pairs):
            if len(data) < cursor + 4:
                return self._await(cursor + 4 - at)
            (length,) = _UINT32.unpack_from(data, cursor)
            cursor += 4
            if length > self._max_payload or cursor + length - at > self._max_payload:
                raise ProtocolError(f"a data frame over the limit of {self._max_payload} bytes")
            if len(data) < cursor + length:
                return self._await(cursor + length - at)
            texts.append(data[cursor : cursor + length].decode("utf-8", "replace"))
            cursor += length
        self._at, self._awaited = cursor, 2
        return version, _DATA, number, dict(zip(texts[::2], texts[1::2], strict=True))


_WINDOW, _JSON, _COMPRESSED, _DATA = b"WJCD"


def _what_it_may_be(data: bytes) -> str:
    text = f"unknown protocol version {data[:1]!r}"
    if data[:2] == b"\x16\x03":
        return f"{text}: a TLS client, but TLS is not enabled here"
    if data[:4] in (b"GET ", b"POST", b"PUT ", b"HEAD", b"OPTI", b"DELE", b"CONN"):
        return f"{text}: an HTTP request"
    return text


class Connection:
    """The receiving side of one connection.

    `feed(data)` takes bytes as they come; `next_window()` gives the next window that they complete, or a part of a
    large one, or None, and decodes no further: what a peer sends ahead stays as small as it came. It raises
    ProtocolError, after which the connection can't go on. How the bytes are cut into pieces makes no difference.
    """

    def __init__(
        self,
        max_payload: int = MAX_PAYLOAD,
        max_compressed: int = MAX_COMPRESSED,
        max_decompressed: int = MAX_DECOMPRESSED,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._max_decompressed = max_decompressed
        self._part_bytes = part_bytes
        self._wire = _Frames(max_payload, max_compressed)
        # The frames within the compressed frame that is being unpacked, what unpacks it, how many bytes of it are still
        # to come, what of those that came is not unpacked yet, and whether the unpacker itself may have more.
        self._inner = _Frames(max_payload, max_compressed)
        self._unpacker: Any = None
        self._packed_left = 0
        self._packed = b""
        self._more = False
        self._unpacked = 0
        self._pending = _Pending()

    @property
    def held(self) -> int:
        """How many bytes of incomplete frames and windows, or of what wasn't asked for yet, are kept."""
        return self._wire.held + self._inner.held + len(self._packed) + self._pending.taken

    @property
    def mid_frame(self) -> bool:
        """Whether the peer owes the rest of a frame or of a window."""
        return bool(self._wire.held or self._unpacker or self._pending.owed)

    def feed(self, data: bytes) -> None:
        self._wire.feed(data)

    def receive(self, data: bytes) -> list[Window]:
        """`feed`, and all windows at once."""
        self.feed(data)
        return list(iter(self.next_window, None))

    def next_window(self) -> Window | None:
        while True:
            frames = self._inner if self._unpacker else self._wire
            sequence = frames.take_json(self._pending, self._part_bytes)
            if sequence is not None and (window := self._full_window(2, sequence)):
                return window
            frame = frames.next()
            if frame is None:
                if self._unpacker and self._unpack():
                    continue
                return None
            version, kind, number, content = frame
            if kind == _JSON:
                size = len(content) if len(content) <= _ORDINARY else _weight(content)
                window = self._event(version, number, _json_object(content), size)
            elif kind == _DATA:
                window = self._event(version, number, content, sum(map(len, content)) + sum(map(len, content.values())))
            elif kind == _WINDOW:
                if not 0 < number <= MAX_WINDOW:
                    raise ProtocolError(f"a window of {number} events (1 to {MAX_WINDOW} are allowed)")
                # A peer that never fills its window begins anew, as the Beats input does it.
                self._pending = _Pending(number)
                continue
            elif self._unpacker:
                raise ProtocolError("a compressed frame in a compressed frame")
            else:
                self._unpacker, self._packed_left, self._unpacked, self._more = zlib.decompressobj(), number, 0, False
                continue
            if window:
                return window

    def _unpack(self) -> bool:
        """One step of the compressed frame, or its end. False when more of it has to come first."""
        unpacker = self._unpacker
        if unpacker.eof:
            if self._inner.held:
                raise ProtocolError(_CUT_SHORT)
            if unpacker.unused_data or self._packed_left:
                raise ProtocolError("a compressed frame goes on after its end")
            self._unpacker = None
            return True
        if not self._packed and not self._more:
            self._packed = self._wire.take(min(self._packed_left, _STEP))
            self._packed_left -= len(self._packed)
            if not self._packed:
                if not self._packed_left:
                    raise ProtocolError(_CUT_SHORT)
                return False
        try:
            data = unpacker.decompress(self._packed, _STEP)
        except zlib.error as error:
            raise ProtocolError(f"a compressed frame can't be read: {error}") from None
        self._packed = unpacker.unconsumed_tail
        self._more = len(data) == _STEP
        self._unpacked += len(data)
        if self._unpacked > self._max_decompressed:
            raise ProtocolError(f"a compressed frame holds more than {self._max_decompressed} bytes")
        self._inner.feed(data)
        return True

    def _event(self, version: int, sequence: int, event: dict, size: int) -> Window | None:
        pending = self._pending
        if not pending.owed:
            raise ProtocolError("an event before its window")
        pending.owed -= 1
        pending.taken += size
        pending.events.append(event)
        return self._full_window(version, sequence)

    def _full_window(self, version: int, sequence: int) -> Window | None:
        """What is pending, when it is complete or holds enough to be given out."""
        pending = self._pending
        if pending.owed and pending.taken < self._part_bytes:
            return None
        self._pending = _Pending(pending.owed)
        return Window(version, sequence, pending.events, pending.taken)


def _json_object(payload: bytearray) -> dict:
    try:
        event = orjson.loads(payload)
        check_depth(event, payload)
    except orjson.JSONDecodeError:
        # What some senders write is no strict JSON, such as half a surrogate pair. Closing their connection would make
        # them send it for ever.
        try:
            event = json.loads(payload.decode("utf-8", "replace"))
            check_depth(event, payload)
        except (ValueError, RecursionError) as error:
            raise ProtocolError(f"a JSON frame can't be read: {error}") from None
    except ValueError as error:
        raise ProtocolError(f"a JSON frame can't be read: {error}") from None
    if type(event) is not dict:
        raise ProtocolError("a JSON frame holds no object")
    return event


def _weight(payload: bytearray) -> int:
    """Raises ProtocolError for more than MAX_VALUES."""
    values = _values(payload)
    # In a text, commas and brackets are nothing but characters.
    if values > MAX_VALUES and _values(_JSON_TEXT.sub(b"", payload)) > MAX_VALUES:
        raise ProtocolError(f"a JSON frame of more than {MAX_VALUES} values")
    return len(payload) + _VALUE_BYTES * min(values, MAX_VALUES)


def _values(json_: bytes | bytearray) -> int:
    return json_.count(b",") + json_.count(b"[") + json_.count(b"{")
