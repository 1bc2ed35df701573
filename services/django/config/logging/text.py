"""Turns any text and any data into text that fits one line of a log file.

Data may come from a browser or a stranger's header, so nothing here raises and nothing lets data end a line.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

# All that some reader takes for a line break (str.splitlines), that a terminal obeys (escape sequences) or that UTF-8
# can't encode (lone surrogates). A tab inside a line does no harm.
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SHORT = {"\n": r"\n", "\r": r"\r"}
_SURROGATES = range(0xD800, 0xE000)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    return _SHORT.get(char) or (f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}")


def _escape_in_json(match: re.Match[str]) -> str:
    code = ord(match[0])
    # JSON has no escape for half a character that every reader accepts: it is spelled out in the string instead.
    return f"\\\\u{code:04x}" if code in _SURROGATES else f"\\u{code:04x}"


def one_line(text: str) -> str:
    r"""`text` with control characters, line breaks and lone surrogates written as ``\n``, ``\x1b``, ``\u2028`` …"""
    return _UNSAFE.sub(_escape, text)


def lines(text: str) -> list[str]:
    """The lines of `text`, whatever breaks them, each as `one_line` writes it."""
    return [one_line(line) for line in text.splitlines()]


def safe_repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception:
        return f"<unprintable {type(value).__name__}>"


def safe_str(value: Any) -> str:
    try:
        return str(value)
    except Exception:
        return safe_repr(value)


# NaN and Infinity aren't JSON: refused here, they take the way of other odd values.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=safe_repr).encode


def _encodable(value: Any) -> Any:
    try:
        _encode(value)
    except Exception:  # circular, too deep, NaN, a key of another type …
        return safe_repr(value)
    return value


def to_json(data: Mapping[Any, Any]) -> str:
    """`data` as one JSON object on one line; what JSON can't hold is written as its repr."""
    try:
        text = _encode(data)
    except Exception:
        text = _encode({safe_str(key): _encodable(value) for key, value in data.items()})
    return _UNSAFE.sub(_escape_in_json, text)
