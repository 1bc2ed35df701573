"""The search for everybody: of words and filters.

What a user asks for becomes values of a query, never part of its text: there is no syntax that could be broken out of.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import store

COUNTED = 10_000  # hits; more are "at least so many"

# What a tenant's member sees of a line: nothing of machines, files, library internals or tracebacks.
MEMBER_FIELDS = (
    "@timestamp",
    "service",
    "log_level",
    "app_module",
    "logger_name",
    "log_message",
    "request_id",
    "task_id",
    "task_name",
    "user_id",
    "tenant",
    "duration_ms",
)
STAFF_FIELDS = (
    *MEMBER_FIELDS,
    "stream",
    "environment",
    "host.name",
    "log.file.path",
    "tags",
    "context",
    "error",
    "http",
    "url",
    "source",
    "user_agent",
)
# One can only search in what one sees: else a search would tell of it.
MEMBER_TEXT = ("log_message",)
STAFF_TEXT = ("log_message", "error.message", "error.stack_trace")

# Lines of one millisecond are told apart by where they stand in which file or, come by the network, in which order they
# were stored.
SORT = ("@timestamp", "log.file.fingerprint", "log.offset", "_seq_no")

_TERM = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')


@dataclass(frozen=True)
class Term:
    """A word, or a phrase, that lines have or, when `excluded`, don't have."""

    text: str
    excluded: bool


def terms(text: str) -> list[Term]:
    """What the user typed: words, ``"phrases in quotes"``, and either with a ``-`` before it."""
    return [Term(phrase or word, bool(minus)) for minus, phrase, word in _TERM.findall(text) if phrase or word]


@dataclass(frozen=True, kw_only=True)
class Search:
    since: datetime
    until: datetime
    tenant: str | None  # the lines of this one alone, as its member; None: all lines, as staff
    terms: list[Term] = field(default_factory=list)
    filters: dict[str, list[str]] = field(default_factory=dict)  # {field: any of these values}
    logger: str = ""  # a logger's name: its lines, and those of the loggers below it
    newest_first: bool = True
    size: int = 50
    after: list[Any] | None = None  # the sort values of the last line seen

    def body(self) -> dict[str, Any]:
        """The request's body."""
        text_fields = STAFF_TEXT if self.tenant is None else MEMBER_TEXT
        wanted: list[dict[str, Any]] = [
            {"range": {"@timestamp": {"gte": self.since.isoformat(), "lt": self.until.isoformat()}}},
            *({"terms": {name: values}} for name, values in self.filters.items()),
        ]
        if self.tenant is not None:
            wanted += [{"term": {"tenant": self.tenant}}, {"term": {"stream": "app"}}]
        if self.logger:
            below = {"prefix": {"logger_name": f"{self.logger}."}}
            wanted.append({"bool": {"should": [{"term": {"logger_name": self.logger}}, below]}})
        unwanted = []
        for term in self.terms:
            match = {"multi_match": {"query": term.text, "type": "phrase", "fields": text_fields}}
            (unwanted if term.excluded else wanted).append(match)
        body = {
            "query": {"bool": {"filter": wanted, "must_not": unwanted}},
            "sort": [{name: "desc" if self.newest_first else "asc"} for name in SORT],
            "size": self.size,
            "_source": STAFF_FIELDS if self.tenant is None else MEMBER_FIELDS,
            "timeout": f"{store.SEARCH_SECONDS}s",
            "track_total_hits": COUNTED,
        }
        return body if self.after is None else {**body, "search_after": self.after}


def run(search: Search) -> dict[str, Any]:
    """Elasticsearch's answer. Raises store.Unavailable and store.Refused."""
    return store.ask("_search", search.body())
