"""The Lumberjack protocol, versions 1 and 2 (the Beats protocol), without any input or output: bytes in, windows out.

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
import struct
import zlib
from dataclasses import dataclass, field

import orjson

from .text import check_depth

_UINT32 = struct.Struct(">I")
_PAIR = struct.Struct(">II")

MAX_WINDOW = 1 << 17
# Filebeat's largest event is 10 MiB of text by default (message_max_bytes); JSON may double it.
MAX_PAYLOAD = 32 * 1024 * 1024
MAX_COMPRESSED = 32 * 1024 * 1024
MAX_DECOMPRESSED = 256 * 1024 * 1024
MAX_WINDOW_BYTES = 512 * 1024 * 1024


class ProtocolError(Exception):
    """The peer doesn't speak Lumberjack, or claims sizes beyond the limits. The connection is to be closed."""


@dataclass(slots=True)
class Window:
    """The events of one window, decoded, and what acknowledges them."""

    version: int
    sequence: int
    events: list[dict]


@dataclass(slots=True)
class _Pending:
    size: int = 0
    taken: int = 0
    events: list[dict] = field(default_factory=list)


def ack(version: int, sequence: int) -> bytes:
    """An acknowledgement. Sequence 0 says that the window is still under way."""
    return b"%dA" % version + _UINT32.pack(sequence)


class Connection:
    """The receiving side of one connection.

    `receive(data)` takes bytes as they come and returns the windows that they complete; it raises ProtocolError, after
    which the connection can't go on. What is kept is at most one incomplete frame and one incomplete window.
    """

    def __init__(
        self,
        max_payload: int = MAX_PAYLOAD,
        max_compressed: int = MAX_COMPRESSED,
        max_decompressed: int = MAX_DECOMPRESSED,
    ) -> None:
        self._buffer = bytearray()
        self._max_payload = max_payload
        self._max_compressed = max_compressed
        self._max_decompressed = max_decompressed
        self._pending = _Pending()
        # How many bytes the incomplete frame at the buffer's start takes: until then there is nothing to look at.
        self._awaited = 0

    @property
    def mid_frame(self) -> bool:
        """Whether the peer owes the rest of a frame or of a window."""
        return bool(self._buffer) or bool(self._pending.events)

    def receive(self, data: bytes) -> list[Window]:
        buffer = self._buffer
        buffer += data
        if len(buffer) < self._awaited:
            return []
        self._awaited = 0
        windows: list[Window] = []
        # The frames are read from one immutable copy, so that slices are bytes, and the rest is kept.
        view = bytes(buffer)
        used = self._frames(view, windows, nested=False)
        del buffer[:used]
        return windows

    def _frames(self, data: bytes, windows: list[Window], *, nested: bool) -> int:
        """Reads the whole frames of `data`; returns how many bytes they took."""
        position, end = 0, len(data)
        while end - position >= 2:
            version, kind = data[position], data[position + 1 : position + 2]
            if version not in (0x31, 0x32):
                raise ProtocolError(f"unknown protocol version {data[position : position + 1]!r}")
            if kind == b"J":
                if end - position < 10:
                    break
                sequence, length = _PAIR.unpack_from(data, position + 2)
                if length > self._max_payload:
                    raise ProtocolError(f"a JSON frame of {length} bytes is over the limit of {self._max_payload}")
                start = position + 10
                if end - start < length:
                    self._awaited = 10 + length
                    break
                self._pending.taken += length
                self._event(version, sequence, _json_object(data[start : start + length]), windows)
                position = start + length
            elif kind == b"W":
                if end - position < 6:
                    break
                (size,) = _UINT32.unpack_from(data, position + 2)
                if not 0 < size <= MAX_WINDOW:
                    raise ProtocolError(f"a window of {size} events (1 to {MAX_WINDOW} are allowed)")
                # A peer that never fills its window begins anew, as the Beats input does it.
                self._pending = _Pending(size)
                position += 6
            elif kind == b"C":
                if nested:
                    raise ProtocolError("a compressed frame in a compressed frame")
                if end - position < 6:
                    break
                (length,) = _UINT32.unpack_from(data, position + 2)
                if length > self._max_compressed:
                    raise ProtocolError(
                        f"a compressed frame of {length} bytes is over the limit of {self._max_compressed}"
                    )
                start = position + 6
                if end - start < length:
                    self._awaited = 6 + length
                    break
                self._compressed(data[start : start + length], windows)
                position = start + length
            elif kind == b"D":
                taken = self._data_frame(data, position, version, windows)
                if not taken:
                    break
                position += taken
            else:
                raise ProtocolError(f"unknown frame type {kind!r}")
        return position

    def _compressed(self, data: bytes, windows: list[Window]) -> None:
        decompressor = zlib.decompressobj()
        try:
            frames = decompressor.decompress(data, self._max_decompressed)
        except zlib.error as error:
            raise ProtocolError(f"a compressed frame can't be read: {error}") from None
        if decompressor.unconsumed_tail:
            raise ProtocolError(f"a compressed frame holds more than {self._max_decompressed} bytes")
        if not decompressor.eof or self._frames(frames, windows, nested=True) != len(frames):
            raise ProtocolError("a compressed frame ends in the middle of a frame")

    def _data_frame(self, data: bytes, position: int, version: int, windows: list[Window]) -> int:
        """A version 1 frame of texts. Returns its length, 0 when it isn't all there."""
        if len(data) - position < 10:
            return 0
        sequence, pairs = _PAIR.unpack_from(data, position + 2)
        if pairs > 4096:
            raise ProtocolError(f"a data frame of {pairs} pairs")
        cursor = position + 10
        texts: list[str] = []
        for _ in range(2 * pairs):
            if len(data) - cursor < 4:
                return 0
            (length,) = _UINT32.unpack_from(data, cursor)
            if length > self._max_payload or cursor - position > self._max_payload:
                raise ProtocolError(f"a data frame over the limit of {self._max_payload} bytes")
            cursor += 4
            if len(data) - cursor < length:
                return 0
            texts.append(data[cursor : cursor + length].decode("utf-8", "replace"))
            cursor += length
        self._event(version, sequence, dict(zip(texts[::2], texts[1::2], strict=True)), windows)
        return cursor - position

    def _event(self, version: int, sequence: int, event: dict, windows: list[Window]) -> None:
        pending = self._pending
        if not pending.size:
            raise ProtocolError("an event before its window")
        if pending.taken > MAX_WINDOW_BYTES:
            raise ProtocolError(f"a window of more than {MAX_WINDOW_BYTES} bytes")
        pending.events.append(event)
        if len(pending.events) == pending.size:
            windows.append(Window(version - 0x30, sequence, pending.events))
            self._pending = _Pending()


def _json_object(payload: bytes) -> dict:
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
