"""Values as text, the way Java and Ruby write them: what sprintf, conditions and filters show of a value that is no
text."""

from __future__ import annotations

import json
from typing import Any

import orjson

# Elasticsearch takes 20 levels, orjson writes 254, Jackson reads 1,000.
MAX_DEPTH = 200
_BRACKET = ord("[")


def to_text(value: Any) -> str:
    """Java's toString of a value: 5, 1.5, 1.0E21, true, [a, b], {k=1}."""
    if type(value) is int:
        return str(value)
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(to_text, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={to_text(item)}" for key, item in value.items()) + "}"
    return str(value)


def java_double(value: float) -> str:
    """Double.toString: plain from 1e-3 up to 1e7, else with an exponent (1.0E-6)."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        if "e" not in text:
            return text
    mantissa, _, exponent = f"{value!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    power = int(exponent or 0) + len(whole) - 1
    digits = whole + ("" if fraction == "0" else fraction)
    stripped = digits.lstrip("0")
    power -= len(digits) - len(stripped)
    stripped = stripped.rstrip("0") or "0"
    return f"{sign}{stripped[0]}.{stripped[1:] or '0'}E{power}"


def ruby_float(value: float) -> str:
    """Ruby's Float#to_s: plain from 1e-4 up to 1e16, else with an exponent (1.0e+21)."""
    text = repr(value)
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if "e" not in text:
        return text
    mantissa, _, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}e{exponent[0] if exponent[0] in '+-' else '+'}{exponent.lstrip('+-').zfill(2)}"


def ruby_text(value: Any) -> str:
    """Ruby's to_s: as text, but nil is empty and arrays and hashes are inspected ({"k"=>1})."""
    if isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    if value is None:
        return ""
    if isinstance(value, float):
        return ruby_float(value)
    if isinstance(value, (list, dict)):
        return inspect(value)
    return to_text(value)


def inspect(value: Any) -> str:
    """Ruby's inspect: {"k"=>[1, nil]}."""
    if value is None:
        return "nil"
    if isinstance(value, str):
        escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\e"}
        return '"' + "".join(escapes.get(c, c) for c in value) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(inspect, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{inspect(key)}=>{inspect(item)}" for key, item in value.items()) + "}"
    return ruby_text(value)


def to_json(value: Any) -> str:
    """Compact JSON as text; see `dump_json`."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return _dump(value).decode()


def dump_json(value: Any) -> bytes:
    """Compact JSON as bytes. What orjson refuses, integers beyond 64 bits and halves of surrogate pairs, is written
    too."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return _dump(value)


def _dump(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def load_json(text: str | bytes) -> Any:
    """JSON with integers of any size, which orjson turns into floats. Raises ValueError, also for more than MAX_DEPTH
    levels."""
    value = orjson.loads(text)
    # An integer beyond 64 bits has 19 digits or more, and reads as a float.
    if len(text) > 18 and _has_big_float(value):
        value = json.loads(text)
    check_depth(value, text)
    return value


def check_depth(value: Any, text: str | bytes) -> None:
    """Raises ValueError when `value`, which `text` stands for, is nested deeper than can be written again."""
    # A level takes two brackets, or two braces, the quotes of a key and a colon: most texts are too short to be so
    # deep. To look for one character is faster than to count it, and in bytes its number than itself.
    is_text, length = isinstance(text, str), len(text)
    bracket = "[" if is_text else _BRACKET
    if length <= 2 * MAX_DEPTH or (length <= 5 * MAX_DEPTH and bracket not in text):
        return
    if sum(map(text.count, ("{", "[") if is_text else (b"{", b"["))) <= MAX_DEPTH:
        return
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for parent in level
            if type(parent) in (dict, list)
            for item in (parent.values() if type(parent) is dict else parent)
        ]
    if any(type(item) in (dict, list) for item in level):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")


def _has_big_float(value: Any) -> bool:
    kind = type(value)
    if kind is float:
        return abs(value) >= 9.2e18
    if kind is dict or kind is list:
        items = value.values() if kind is dict else value
        return not _MAY_HAVE.isdisjoint(map(type, items)) and any(map(_has_big_float, items))
    return False


_MAY_HAVE = frozenset({float, dict, list})
