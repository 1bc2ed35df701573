"""What a regular expression's parse tree tells: the few texts that it stands for, and how long a match may take.

The tree is that of Python's `re`. What isn't known there counts as the worst.
"""

from __future__ import annotations

import re
from functools import lru_cache, reduce
from itertools import product
from math import factorial
from operator import or_
from re import _constants as op
from re import _parser
from typing import Any, NamedTuple

# More texts than this aren't listed.
_MANY = 64


@lru_cache(maxsize=512)
def _tree(pattern: re.Pattern[str]) -> list[Any]:
    return list(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE))


def anchored(pattern: Any) -> bool:
    """Whether a match can only begin where the text does."""
    if not isinstance(pattern, re.Pattern):
        return False
    return _tree(pattern)[:1] == [_START]


_START = (op.AT, op.AT_BEGINNING_STRING)
_END = (op.AT, op.AT_END_STRING)

# Texts


class Texts(NamedTuple):
    """A pattern that is found in a text where one of `texts` is: anywhere, at the text's start, at its end, or both."""

    texts: list[str]
    at_start: bool
    at_end: bool


def texts(pattern: Any) -> Texts | None:
    """None for a pattern that stands for too many texts, or for more than texts."""
    if not isinstance(pattern, re.Pattern) or pattern.flags & re.IGNORECASE:
        return None
    items = _tree(pattern)
    at_start = items[:1] == [_START]
    at_end = items[-1:] == [_END]
    found = _texts(items[at_start : len(items) - at_end])
    return None if found is None else Texts(found, at_start, at_end)


def only_text(pattern: Any) -> str | None:
    """The text of a pattern that is nothing else."""
    found = texts(pattern)
    return found.texts[0] if found and len(found.texts) == 1 and not (found.at_start or found.at_end) else None


def _texts(items: Any) -> list[str] | None:
    found = [""]
    for kind, value in items:
        match kind:
            case op.LITERAL:
                more = [chr(value)]
            case op.IN if all(item[0] is op.LITERAL for item in value):
                more = [chr(item[1]) for item in value]
            case op.SUBPATTERN if not (value[1] or value[2]):
                more = _texts(value[3])
            case op.BRANCH:
                parts = [_texts(part) for part in value[1]]
                more = None if None in parts else [text for part in parts for text in part]
            case op.MAX_REPEAT if value[1] == 1:
                more = _texts(value[2])
                more = more and more + [""] * (value[0] == 0)
            case _:
                return None
        if not more or len(found) * len(more) > _MANY:
            return None
        found = [before + after for before, after in product(found, more)]
    return found


# Time

# A set of characters is an integer: a bit for each of Latin-1, one for all others.
_OTHERS = 1 << 256
_ALL = (_OTHERS << 1) - 1
_CATEGORIES = {
    op.CATEGORY_DIGIT: sum(1 << ord(c) for c in "0123456789"),
    op.CATEGORY_WORD: sum(1 << n for n in range(128) if chr(n).isalnum() or n == ord("_")),
    op.CATEGORY_SPACE: sum(1 << ord(c) for c in " \t\n\r\f\v"),
}
_NEGATED = {
    op.CATEGORY_NOT_DIGIT: op.CATEGORY_DIGIT,
    op.CATEGORY_NOT_WORD: op.CATEGORY_WORD,
    op.CATEGORY_NOT_SPACE: op.CATEGORY_SPACE,
}
# A repetition of at most so many is counted as it is, one of more as endless.
_FEW = 8


class Exponential(Exception):
    """The number of ways to match may grow exponentially with the text."""


class _Cost(NamedTuple):
    """`first`: the characters that a match may begin with. `choices`: how often there is more than one way to go on at
    the same character; `degree`: how many of these grow with the text."""

    first: int
    nullable: bool
    degree: int = 0
    choices: int = 0


def exponent(pattern: re.Pattern[str]) -> int:
    """The e in: a search takes at most about len(text) ** e / e! steps. Raises Exponential.

    A backtracking matcher tries each way to share a text among the repetitions that compete for it. One that can't
    take what follows it doesn't compete: `[^|]*\\|` goes on in one way only.
    """
    return _sequence(_tree(pattern), 0, pattern.flags).degree + 1 + (not anchored(pattern))


def safe_length(exponent: int, steps: int) -> int:
    """How long a text may be for a search to take no more than so many steps."""
    return steps if exponent == 1 else int((steps * factorial(exponent)) ** (1 / exponent))


def _sequence(items: Any, follow: int, flags: int) -> _Cost:
    """`follow`: the characters that may come after it; none at the pattern's end, where a match is final."""
    first, nullable, degree, choices = follow, True, 0, 0
    for item in reversed(list(items)):
        cost = _item(item, first, flags)
        degree += cost.degree
        choices += cost.choices
        first = cost.first | (first if cost.nullable else 0)
        nullable = nullable and cost.nullable
    return _Cost(first, nullable, degree, choices)


def _item(item: tuple[Any, Any], follow: int, flags: int) -> _Cost:
    kind, value = item
    match kind:
        case op.LITERAL | op.NOT_LITERAL | op.IN | op.ANY:
            return _Cost(_set(kind, value, flags), nullable=False)
        case op.AT:
            return _Cost(0, nullable=True)
        case op.SUBPATTERN:
            return _sequence(value[3], follow, (flags | value[1]) & ~value[2])
        case op.ATOMIC_GROUP:
            cost = _sequence(value, 0, flags)
            return cost._replace(choices=0)
        case op.ASSERT | op.ASSERT_NOT:
            return _Cost(0, nullable=True, degree=_sequence(value[1], 0, flags).degree)
        case op.BRANCH:
            return _branch([_sequence(part, follow, flags) for part in value[1]], follow)
        case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
            return _repeat(*value, follow=follow, flags=flags, possessive=kind is op.POSSESSIVE_REPEAT)
        case op.GROUPREF:
            return _Cost(_ALL, nullable=True)
    raise Exponential


def _branch(costs: list[_Cost], follow: int) -> _Cost:
    firsts = [cost.first | (follow if cost.nullable else 0) for cost in costs]
    union = reduce(or_, firsts)
    overlap = sum(first.bit_count() for first in firsts) > union.bit_count()
    return _Cost(
        reduce(or_, (cost.first for cost in costs)),
        any(cost.nullable for cost in costs),
        max(cost.degree for cost in costs),
        max(cost.choices for cost in costs) + overlap,
    )


def _repeat(low: int, high: Any, body: Any, *, follow: int, flags: int, possessive: bool) -> _Cost:
    inner = _sequence(body, 0, flags)
    if high > 1:
        # After one round comes the next, or what follows.
        inner = _sequence(body, inner.first | (0 if possessive else follow), flags)
    elif not possessive:
        inner = _sequence(body, follow, flags)
    nullable = low == 0 or inner.nullable
    competes = not possessive and high > low and bool(inner.first & follow)
    if high <= _FEW:
        return _Cost(inner.first, nullable, inner.degree * high, 0 if possessive else inner.choices * high + competes)
    if inner.choices:
        raise Exponential
    return _Cost(inner.first, nullable, inner.degree + competes, competes)


def _set(kind: Any, value: Any, flags: int) -> int:
    """The set of a single character's expression."""
    match kind:
        case op.LITERAL | op.NOT_LITERAL:
            found = _bit(value)
            if flags & re.IGNORECASE:
                found |= _bit(ord(chr(value).swapcase()[0])) | _OTHERS
            if kind is op.LITERAL:
                return found
            return _ALL if flags & re.IGNORECASE else _ALL & ~found | _OTHERS
        case op.ANY:
            return _ALL if flags & re.DOTALL else _ALL & ~_bit(ord("\n"))
        case op.RANGE:
            low, high = value
            found = sum(1 << n for n in range(low, min(high, 255) + 1)) | (_OTHERS if high > 255 else 0)
            return _ALL if flags & re.IGNORECASE else found
        case op.CATEGORY:
            found = _CATEGORIES[_NEGATED.get(value, value)]
            if not flags & re.ASCII:
                # Letters and digits of other scripts, and blanks: which ones isn't looked up.
                return _ALL
            return _ALL & ~found if value in _NEGATED else found
    # IN
    negated = value[0][0] is op.NEGATE
    found = reduce(or_, (_set(*item, flags) for item in value[negated:]))
    return _ALL & ~found | _OTHERS if negated else found


def _bit(code: int) -> int:
    return 1 << code if code < 256 else _OTHERS
