"""What the expressions of compiled conditions call where Python's own operators differ from Logstash's."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from .errors import ConditionError, PipelineCrash
from .text import to_text


def to_set_text(value: Any) -> str:
    """A literal of a list, as `in` compares it."""
    return to_text(value)


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def checked(left: Any, right: Any) -> bool:
        numbers = type(left) in (int, float) and type(right) in (int, float)
        if numbers or (isinstance(left, str) and isinstance(right, str)):
            return compare(left, right)
        raise ConditionError(f"can't compare {left!r} with {right!r}")

    return checked


COMPARE = {
    "<": _comparison(operator.lt),
    ">": _comparison(operator.gt),
    "<=": _comparison(operator.le),
    ">=": _comparison(operator.ge),
}


def same(left: Any, right: Any) -> bool:
    """Equality of two fields: 5, 5.0 and true are three values."""
    return type(left) is type(right) and left == right


def field_in_list(value: Any, texts: frozenset[str]) -> bool:
    """`[field] in ["a", 1]`: by text, so 1 is in ["1"]. Arrays and objects are in none."""
    return value is not None and type(value) not in (list, dict) and to_text(value) in texts


def field_in_text(value: Any, text: str) -> bool:
    """`[field] in "text"`: only a text can be a part of one."""
    return isinstance(value, str) and value in text


def constant_in_field(constant: Any, value: Any) -> bool:
    """`"a" in [field]`: an element of an array, or a part of a text. A number is in arrays only."""
    if type(constant) is str:
        return constant in value if isinstance(value, (str, list)) else False
    return type(value) is list and any(same(item, constant) for item in value)


def field_in_field(left: Any, right: Any) -> bool:
    if type(left) in (list, dict):
        return False
    if type(right) is list:
        if left is None:
            raise PipelineCrash("a missing field can't be looked for in an array")
        return any(same(item, left) for item in right)
    if left is None or right is None:
        return False
    if isinstance(left, str) and isinstance(right, str):
        return left in right
    return same(left, right)


HELPERS = {
    "compare": COMPARE,
    "same": same,
    "field_in_list": field_in_list,
    "field_in_text": field_in_text,
    "constant_in_field": constant_in_field,
    "field_in_field": field_in_field,
}
