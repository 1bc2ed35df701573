"""Bytes as they come → the lines in them."""

from __future__ import annotations

# A line that is longer is no line: what sends it doesn't end its lines, or speaks another protocol.
MAX_LINE = 32 * 1024 * 1024


class LineTooLong(ValueError):
    pass


class Lines:
    """Cuts a stream at a delimiter. What is kept is at most one incomplete line of `limit` bytes."""

    def __init__(self, delimiter: bytes = b"\n", limit: int = MAX_LINE) -> None:
        self._delimiter = delimiter
        self._limit = limit
        self._rest = bytearray()

    @property
    def held(self) -> int:
        """The length of the incomplete line."""
        return len(self._rest)

    def cut(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. Raises LineTooLong for one beyond the limit; it is then forgotten."""
        # Of what is kept only the end can hold the first part of a delimiter.
        start = max(0, len(self._rest) - len(self._delimiter) + 1)
        self._rest += data
        if self._rest.find(self._delimiter, start) < 0:
            lines: list[bytes] = []
        else:
            *lines, rest = bytes(self._rest).split(self._delimiter)
            self._rest[:] = rest
        if len(self._rest) > self._limit or any(len(line) > self._limit for line in lines):
            self._rest.clear()
            raise LineTooLong(f"a line of more than {self._limit} bytes")
        return lines

    def rest(self) -> bytes:
        """The incomplete line, which is then forgotten."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest
