"""urldecode: percent escapes become characters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from .. import charset, fieldref
from ..event import Event, tag
from ..plugin import Filter, Option, array, boolean, string
from ..plugin import charset as charset_option

_ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")


class UrlDecode(Filter):
    """A missing field becomes null, as in Logstash. The escapes are bytes of `charset`, and so is all the text then."""

    name = "urldecode"
    options: ClassVar = {
        "field": Option(string, "message"),
        "all_fields": Option(boolean, False),
        "charset": Option(charset_option, "utf-8"),
        "tag_on_failure": Option(array, ["_urldecodefailure"]),
    }

    def apply(self) -> Callable[[Event], None]:
        path = fieldref.parse(self.field)
        matched = self.matched()
        convert = charset.converter(self.charset)
        plain = self.charset == "utf-8"

        def decode(value: Any) -> Any:
            if type(value) is str:
                if "%" not in value and plain:
                    return value
                data = value.encode("utf-8", "surrogatepass")
                return convert(_ESCAPES.sub(lambda match: bytes.fromhex(match[0].replace(b"%", b"").decode()), data))
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
            if matched:
                matched(event)

        return urldecode


plugin = UrlDecode
