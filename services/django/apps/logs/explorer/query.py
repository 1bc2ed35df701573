"""The query line: Lucene's language, as Elasticsearch's `query_string` reads it and Kibana's Lucene mode writes it.

The text goes there as one value of the request. What would cost too much, and what people take for something else than
it means, is refused here, in words, before it is sent.
"""

import difflib
import re
from collections.abc import Collection
from typing import Any

from apps.logs.search import STAFF_TEXT

MAX_LENGTH = 1000
MAX_WORDS = 50

# The mapping has no index for these: the same stands in another field.
SHOWN_ONLY = {"message": "log_message", "log_timestamp": "@timestamp"}

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE = re.compile(r"[\[{][^\]}]*[\]}]")
_ESCAPED = re.compile(r"\\.")
_FIELD = re.compile(r"(?<![\w.@*?-])([\w@.*-]+):")
_LEADING_WILDCARD = re.compile(r"(?:^|[\s:(+!-])([*?]+[^\s*?)][^\s)]*)")
_POSITION = re.compile(r"at line \d+, column (\d+)")


class Invalid(ValueError):
    """The message says, to who wrote the query, what is wrong with it and what to write instead."""


def check(text: str, fields: Collection[str] = (), leading_wildcard: bool = False) -> None:
    """Raises Invalid for a query that is not to be sent. `fields`: names that there are; none known, any will do."""
    if _QUOTED.sub("", text).replace('\\"', "").count('"'):
        raise Invalid('A quotation mark is not closed: write "…" around a phrase, or \\" for the mark itself.')
    bare = _RANGE.sub("x", _ESCAPED.sub("x", _QUOTED.sub("x", text)))
    if "/" in bare:
        raise Invalid(
            "A / begins a regular expression, which would have to read every value."
            ' Put a path into quotes: "/api/parcels/".'
        )
    if not leading_wildcard and (found := _LEADING_WILDCARD.search(bare)):
        raise Invalid(
            f"{found[1]} begins with a wildcard, which would have to read every value."
            " Begin with a letter, or allow leading wildcards."
        )
    if len(bare.split()) > MAX_WORDS:
        raise Invalid(f"More than {MAX_WORDS} words and fields: leave the common ones out.")
    if fields:
        for name in _FIELD.findall(bare):
            _check_field(name, fields)


def clause(text: str, leading_wildcard: bool = False) -> dict[str, Any]:
    """The clause of Elasticsearch's query that finds what `text` asks for."""
    return {
        "query_string": {
            "query": text,
            "fields": list(STAFF_TEXT),
            "default_operator": "AND",
            "allow_leading_wildcard": leading_wildcard,
            "fuzzy_max_expansions": 20,
            "max_determinized_states": 1000,
        }
    }


def explain(reason: str) -> str:
    """Elasticsearch's reason for refusing a query, in words for who wrote it."""
    if position := _POSITION.search(reason):
        return (
            f"The query can't be read from character {int(position[1]) + 1} on. Is a ( or a quotation mark not closed?"
        )
    if "Encountered" in reason or "Cannot parse" in reason:
        return "The query can't be read. Is a ( not closed, or a word missing after AND, OR or NOT?"
    if number := re.search(r'For input string: "([^"]*)"', reason):
        return f"{number[1]!r} is not a number, and the field holds numbers."
    if date := re.search(r"failed to parse date field \[([^]]*)\]", reason):
        return f"{date[1]!r} is not a time: write it as 2025-02-02T12:34:56."
    return f"The query can't be answered: {reason[:200]}" if reason else "The query can't be answered."


def _check_field(name: str, fields: Collection[str]) -> None:
    # What stands below a field that holds objects (context.order_id) is not known by name.
    if name in fields or name == "_exists_" or "*" in name or name.partition(".")[0] in fields:
        return
    if name in SHOWN_ONLY:
        raise Invalid(f"{name} is shown and not searched. Ask for {SHOWN_ONLY[name]}, which has the same in it.")
    close = difflib.get_close_matches(name, fields, 1)
    hint = f"Did you mean {close[0]}?" if close else "The list of fields shows what there is."
    raise Invalid(f'There is no field {name}. {hint} A : that belongs to a text stands in quotes: "{name}:…".')
