"""urldecode: percent escapes become characters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from .. import fieldref
from ..event import Event, tag
from ..plugin import Filter, Option, array, boolean, one_of, string

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def _decode(match: re.Match[str]) -> str:
    """Bytes that are no UTF-8 are shown as \\xE4."""
    data = bytes.fromhex(match[0].replace("%", ""))
    text = data.decode("utf-8", "backslashreplace")
    return re.sub(r"\\x([0-9a-f]{2})", lambda m: f"\\x{m[1].upper()}", text) if "\\x" in text else text


class UrlDecode(Filter):
    """A missing field becomes null, as in Logstash."""

    name = "urldecode"
    options: ClassVar = {
        "field": Option(string, "message"),
        "all_fields": Option(boolean, False),
        "charset": Option(one_of("UTF-8"), "UTF-8"),
        "tag_on_failure": Option(array, ["_urldecodefailure"]),
    }

    def apply(self) -> Callable[[Event], None]:
        path = fieldref.parse(self.field)
        matched = self.matched()

        def decode(value: Any) -> Any:
            if type(value) is str:
                return _ESCAPES.sub(_decode, value)
            if type(value) is list:
                return [decode(item) for item in value]
            if type(value) is dict:
                return {key: decode(item) for key, item in value.items()}
            return value

        def urldecode(event: Event) -> None:
            try:
                if self.all_fields:
                    for key in [key for key in event if key not in ("@metadata", "@timestamp")]:
                        event[key] = decode(event[key])
                else:
                    fieldref.set_(event, path, decode(fieldref.get(event, path)))
            except ValueError:
                for name in self.tag_on_failure:
                    tag(event, name)
                return
            if matched:
                matched(event)

        return urldecode


plugin = UrlDecode
