"""plain: text as it is; events by their `format`, else time, host and message."""

from __future__ import annotations

from typing import ClassVar

from .. import sprintf
from ..event import Event
from ..plugin import Codec, Option, one_of, string


class Plain(Codec):
    name = "plain"
    ending = ""
    options: ClassVar = {"format": Option(string), "charset": Option(one_of("UTF-8"), "UTF-8")}

    def register(self) -> None:
        self._text = sprintf.compile((self.format or "%{@timestamp} %{host} %{message}") + self.ending)

    def encode(self, event: Event) -> bytes:
        return self._text(event).encode("utf-8", "replace")


plugin = Plain
