"""A Lumberjack sender, written by hand from the protocol's description: what our server is tested with."""

from __future__ import annotations

import json
import socket
import struct
import time
import zlib


def window(size: int) -> bytes:
    return b"2W" + struct.pack(">I", size)


def json_frame(sequence: int, event: dict) -> bytes:
    payload = json.dumps(event).encode()
    return b"2J" + struct.pack(">II", sequence, len(payload)) + payload


def data_frame(sequence: int, event: dict[str, str]) -> bytes:
    """Version 1."""
    pairs = b"".join(struct.pack(">I", len(text.encode())) + text.encode() for pair in event.items() for text in pair)
    return b"1D" + struct.pack(">II", sequence, len(event)) + pairs


def compressed(frames: bytes) -> bytes:
    data = zlib.compress(frames)
    return b"2C" + struct.pack(">I", len(data)) + data


def window_of(events: list[dict], *, compress: bool = True) -> bytes:
    frames = b"".join(json_frame(number, event) for number, event in enumerate(events, 1))
    return window(len(events)) + (compressed(frames) if compress else frames)


class Sender:
    """A blocking connection to a Beats input."""

    def __init__(self, port: int, timeout: float = 10) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)

    @property
    def name(self) -> str:
        """How the server's log calls this connection."""
        return "{}:{}".format(*self.socket.getsockname())

    def send(self, events: list[dict], *, compress: bool = True) -> None:
        self.socket.sendall(window_of(events, compress=compress))

    def ack(self) -> int:
        """The next acknowledged sequence number. Raises EOFError when the server closes the connection."""
        data = b""
        while len(data) < 6:
            received = self.socket.recv(6 - len(data))
            if not received:
                raise EOFError
            data += received
        assert data[:2] in (b"2A", b"1A"), data
        return struct.unpack(">I", data[2:])[0]

    def wait_for_ack(self, sequence: int, seconds: float = 12) -> list[int]:
        """All acknowledgements up to that of `sequence`; those that only keep the connection alive are 0."""
        deadline = time.monotonic() + seconds
        acks = [self.ack()]
        while acks[-1] != sequence:
            assert time.monotonic() < deadline, f"waited {seconds} s for the acknowledgement of {sequence}: {acks}"
            acks.append(self.ack())
        return acks

    def closed_by_peer(self) -> bool:
        try:
            while self.socket.recv(4096):
                pass
        except ConnectionError:
            return True
        return True

    def close(self) -> None:
        self.socket.close()
