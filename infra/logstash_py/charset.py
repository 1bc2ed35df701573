"""Bytes in some encoding → text, as Logstash's codecs read them.

Bytes that are no UTF-8 are not lost: the text is shown as Ruby inspects it, with \\xE4 for a byte without meaning. In
any other encoding such bytes become U+FFFD. Source: logstash/util/charset.rb.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\e",
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\v": "\\v",
}  # fmt: skip
_SPECIAL = re.compile('["\\\\\x00-\x1f\x7f]|#(?=[{$@])|[\udc80-\udcff]')


def converter(name: str) -> Callable[[bytes], str]:
    """`name` as `codecs.lookup(…).name` gives it."""
    if name == "utf-8":
        return from_utf8
    return lambda data: data.decode(name, "replace")


def from_utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _SPECIAL.sub(_escape, data.decode("utf-8", "surrogateescape"))


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if code >= 0xDC80:
        return f"\\x{code - 0xDC00:02X}"
    return "\\#" if character == "#" else f"\\x{code:02X}"
