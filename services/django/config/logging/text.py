"""Turns any text and any data into text that fits one line of a log file.

Data may come from a browser or a stranger's header, so nothing here raises, nothing lets data end a line, and nothing
is longer than a reader of the line can bear.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

# Characters of a message or of a traceback; 20 times what the longest traceback of a Django request takes.
MAX_TEXT = 65_536
# Characters of one value among a record's extras, as JSON, and of their names; and how many of them a record may have.
MAX_VALUE = 8_192
MAX_KEY = 256
MAX_VALUES = 100

# All that some reader takes for a line break (str.splitlines), that a terminal obeys (escape sequences) or that UTF-8
# can't encode (lone surrogates). A tab inside a line does no harm. No printable text (str.isprintable) has any of
# these.
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SHORT = {"\n": r"\n", "\r": r"\r"}
_SURROGATES = range(0xD800, 0xE000)
# What a cut may leave of a word at its edges, and is taken off: half a password or half a card number is no less
# secret.
_HALF_WORD_BEFORE = re.compile(r"\S+\Z")
_HALF_WORD_AFTER = re.compile(r"\A\S+")
_EDGE = 256


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    return _SHORT.get(char) or (f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}")


def _escape_in_json(match: re.Match[str]) -> str:
    code = ord(match[0])
    # JSON has no escape for half a character that every reader accepts: it is spelled out in the string instead.
    return f"\\\\u{code:04x}" if code in _SURROGATES else f"\\u{code:04x}"


def one_line(text: str) -> str:
    r"""`text` with control characters, line breaks and lone surrogates written as ``\n``, ``\x1b``, ``\u2028`` …"""
    return text if text.isprintable() else _UNSAFE.sub(_escape, text)


def lines(text: str) -> list[str]:
    """The lines of `text`, whatever breaks them, each as `one_line` writes it."""
    return [one_line(line) for line in text.splitlines()]


def cut(text: str, limit: int = MAX_TEXT) -> str:
    """`text`, or when it is longer than `limit` characters its beginning and its end, with a mark between them.

    The mark says how much is missing: ``… [1000000 characters cut] …``. A traceback tells what failed at its end, a
    message at its beginning, so both are kept, in equal parts.
    """
    if len(text) <= limit:
        return text
    room = (limit - 40) // 2
    head, tail, edge = text[:room], text[-room:], min(room, _EDGE)
    head = head[: room - edge] + _HALF_WORD_BEFORE.sub("", head[room - edge :])
    tail = _HALF_WORD_AFTER.sub("", tail[:edge]) + tail[edge:]
    return f"{head} … [{len(text) - len(head) - len(tail)} characters cut] … {tail}"


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


def plain(value: Any) -> Any:
    """A copy of `value` as JSON holds it: objects, lists, texts and numbers; for anything else its repr."""
    try:
        return json.loads(_encode(value))
    except Exception:
        return cut(safe_repr(value), MAX_VALUE)


def _encodable(value: Any) -> Any:
    """`value`, or the text that stands for it: its repr where JSON can't hold it, a part of it where it is too long."""
    try:
        text = _encode(value)
    except Exception:  # circular, too deep, NaN, a key of another type …
        return cut(safe_repr(value), MAX_VALUE)
    if len(text) <= MAX_VALUE:
        return value
    return cut(value if isinstance(value, str) else text, MAX_VALUE)


def to_json(data: Mapping[Any, Any], kept: Collection[str] = ()) -> str:
    """`data` as one JSON object on one line; what JSON can't hold is written as its repr, what is too long is cut.

    The strings at the keys in `kept` aren't cut.
    """
    try:
        text = _encode(data)
    except Exception:
        text = ""
    if not text or len(text) > MAX_VALUE:
        text = _encode(_within_limits(data, kept))
    return text if text.isprintable() else _UNSAFE.sub(_escape_in_json, text)


def _within_limits(data: Mapping[Any, Any], kept: Collection[str]) -> dict[str, Any]:
    items = list(data.items())
    limited = {
        cut(safe_str(key), MAX_KEY): value if key in kept else _encodable(value) for key, value in items[:MAX_VALUES]
    }
    if len(items) > MAX_VALUES:
        limited["cut"] = f"{len(items) - MAX_VALUES} more values"
    return limited
