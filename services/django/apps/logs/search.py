"""Searches the log streams in Elasticsearch, as the user pt_reader, who can read them and nothing else.

What a user asks for becomes values of a query, never part of its text: there is no syntax that could be broken out of.
"""

import logging
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from elastic_transport import Transport, TransportError
from elastic_transport.client_utils import basic_auth_to_header, url_to_node_config

PARAMETERS = "ignore_unavailable=true&allow_no_indices=true"
JSON = {"accept": "application/json", "content-type": "application/json"}
USER = "pt_reader"
# Elasticsearch stops by itself and answers with what it has; should it not, we stop waiting.
SEARCH_SECONDS, WAIT_SECONDS = 3, 5
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

logger = logging.getLogger(__name__)


class SearchUnavailable(Exception):
    """There is no answer; the message says why, in words for the user."""


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
            "timeout": f"{SEARCH_SECONDS}s",
            "track_total_hits": COUNTED,
        }
        return body if self.after is None else {**body, "search_after": self.after}


def run(search: Search) -> dict[str, Any]:
    """Elasticsearch's answer. Raises SearchUnavailable."""
    if not (settings.ELASTICSEARCH_HOSTS and settings.PT_READER_PASSWORD):
        raise SearchUnavailable("Log search is not set up here: ELASTICSEARCH_HOSTS or PT_READER_PASSWORD is empty.")
    transport = _transport(
        tuple(settings.ELASTICSEARCH_HOSTS), settings.PT_READER_PASSWORD, settings.ELASTICSEARCH_CA or None
    )
    target = f"/logs-*-{settings.LOG_GROUP}/_search?{PARAMETERS}"
    try:
        answer = transport.perform_request(
            "POST", target, body=search.body(), headers=JSON, request_timeout=WAIT_SECONDS
        )
    except TransportError as error:
        logger.error("The log store gave no answer: %s", type(error).__name__, exc_info=error)
        raise SearchUnavailable("The log store gave no answer in time. Please try again.") from error
    if answer.meta.status != 200:
        reason = answer.body.get("error") if isinstance(answer.body, dict) else None
        kind = reason.get("type") if isinstance(reason, dict) else None
        logger.error("The log store refused a search: %s", answer.meta.status, extra={"reason": kind})
        raise SearchUnavailable("The log store can't search just now. Please try again.")
    return answer.body


@lru_cache(maxsize=1)
def _transport(hosts: tuple[str, ...], password: str, ca: str | None) -> Transport:
    headers = {"authorization": basic_auth_to_header((USER, password))}
    nodes = [
        url_to_node_config(host, use_default_ports_for_scheme=True).replace(headers=headers, ca_certs=ca)
        for host in hosts
    ]
    return Transport(nodes, max_retries=0)
