"""plain: text as it is; events by their `format`, else time, host and message."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import charset, sprintf
from ..event import Event
from ..plugin import Codec, Decoder, Option, string
from ..plugin import charset as charset_option


class Plain(Codec):
    name = "plain"
    options: ClassVar = {"format": Option(string), "charset": Option(charset_option, "utf-8")}

    def register(self) -> None:
        self._text = sprintf.compile(self.format or "%{@timestamp} %{host} %{message}")

    def encode(self, event: Event) -> bytes:
        return self._text(event).encode("utf-8", "replace")

    def decoder(self, *, stream: bool = False) -> Decoder:
        if stream:
            values = {"charset": self.charset}
            if self.ecs_compatibility:
                values["ecs_compatibility"] = self.ecs_compatibility
            return self.make_codec("line", **values).decoder(stream=True)
        return _Texts(self)


class _Texts(Decoder):
    """Each piece is one text."""

    def __init__(self, codec: Plain) -> None:
        self._convert = charset.converter(codec.charset)
        self._ecs = codec.ecs

    def decode(self, data: bytes) -> list[Event]:
        return [message_event(self._convert(data), self._ecs)] if data else []


def message_event(text: str, ecs: bool, **fields: Any) -> Event:
    """With ECS the text is also kept as it came."""
    event: Event = {"message": text, **fields}
    if ecs:
        event["event"] = {"original": text}
    return event


plugin = Plain
