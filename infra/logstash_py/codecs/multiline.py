"""multiline: lines that belong together become one event.

`pattern` is a grok pattern. A line that it matches (with `negate`: doesn't match) belongs to the `what` line.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from .. import charset
from ..event import Event, tag
from ..grok import Grok, library, read_patterns
from ..lines import Lines
from ..plugin import Codec, Decoder, Option, array, boolean, number, one_of, size, string
from ..plugin import charset as charset_option
from .plain import message_event


class Multiline(Codec):
    name = "multiline"
    options: ClassVar = {
        "pattern": Option(string, required=True),
        "what": Option(one_of("previous", "next"), required=True),
        "negate": Option(boolean, False),
        "patterns_dir": Option(array, []),
        "charset": Option(charset_option, "utf-8"),
        "multiline_tag": Option(string, "multiline"),
        "max_lines": Option(number, 500),
        "max_bytes": Option(size, 10 * 1024 * 1024),
        "auto_flush_interval": Option(number),
        "delimiter": Option(string, "\n"),
        "streaming_input": Option(boolean, False),
    }

    def register(self) -> None:
        patterns = dict(library(not self.ecs))
        for folder in map(Path, self.patterns_dir):
            for file in sorted(folder.iterdir()) if folder.is_dir() else [folder]:
                try:
                    patterns |= read_patterns(file.read_text(encoding="utf-8"))
                except OSError as error:
                    raise self.refuse("patterns_dir", f"{file}: {error.strerror}") from None
        try:
            self.search = Grok(self.pattern, patterns, named_captures_only=True).pattern.search
        except ValueError as error:
            raise self.refuse("pattern", str(error)) from None
        if not self.delimiter:
            raise self.refuse("delimiter", "the delimiter can't be empty")

    def decoder(self, *, stream: bool = False) -> Decoder:
        return _Multiline(self, stream=stream or self.streaming_input)


class _Multiline(Decoder):
    def __init__(self, codec: Multiline, *, stream: bool) -> None:
        self._codec = codec
        self._stream = stream
        self._convert = charset.converter(codec.charset)
        self._delimiter = codec.delimiter.encode()
        self._lines = Lines(self._delimiter)
        self._buffer: list[str] = []
        self._bytes = 0

    @property
    def held(self) -> int:
        return self._lines.held + self._bytes + len(self._buffer) * len(self._delimiter)

    def decode(self, data: bytes) -> list[Event]:
        lines = self._lines.cut(data if self._stream else data + self._delimiter)
        return [event for line in lines for event in self._line(line)]

    def flush(self) -> list[Event]:
        rest = self._lines.rest()
        events = self._line(rest) if rest else []
        return events + self._join()

    def _line(self, line: bytes) -> list[Event]:
        codec = self._codec
        text = self._convert(line)
        belongs = (codec.search(text) is not None) != codec.negate
        events: list[Event] = []
        if codec.what == "previous" and (not belongs or self._full):
            events = self._join()
        self._buffer.append(text)
        self._bytes += len(line)
        if codec.what == "next" and (not belongs or self._full):
            events = self._join()
        return events

    @property
    def _full(self) -> bool:
        return len(self._buffer) > self._codec.max_lines or self._bytes >= self._codec.max_bytes

    def _join(self) -> list[Event]:
        if not self._buffer:
            return []
        codec = self._codec
        event = message_event("\n".join(self._buffer), codec.ecs)
        if len(self._buffer) > 1 and codec.multiline_tag:
            tag(event, codec.multiline_tag)
        if self._bytes >= codec.max_bytes:
            tag(event, "multiline_codec_max_bytes_reached")
        if len(self._buffer) > codec.max_lines:
            tag(event, "multiline_codec_max_lines_reached")
        self._buffer, self._bytes = [], 0
        return [event]


plugin = Multiline
