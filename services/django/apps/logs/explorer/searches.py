"""What the explorer asks Elasticsearch, as bodies of its search API, and what it makes of the answers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.logs.search import SORT, STAFF_FIELDS
from apps.logs.store import SEARCH_SECONDS

from . import query

FACETS = ("service", "stream", "app_module", "log_level", "logger_name")
FACET_VALUES = 20
RARE_LEVELS = ["DEBUG", "WARNING", "ERROR", "CRITICAL"]
COMPLETIONS = 15
BARS = 80  # of the histogram, at most
COUNTED = 10_000  # hits of a page; the overview counts all
TAIL_PERIOD = timedelta(hours=1)
TAIL_LINES = 500
HEALTH_PERIOD = timedelta(days=1)

_INTERVALS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)  # seconds


@dataclass(frozen=True, kw_only=True)
class View:
    """What is looked at: the lines of a period that a query finds, of these facets' values."""

    since: datetime
    until: datetime
    q: str = ""
    leading_wildcard: bool = False
    facets: dict[str, list[str]] = field(default_factory=dict)  # {field: any of these values}

    def query(self, *, facets: bool = True) -> dict[str, Any]:
        return {"bool": {"filter": [*self._base(), *(self._facets(self.facets) if facets else ())]}}

    def page(self, *, size: int, newest_first: bool, after: list[Any] | None = None, total: bool = False) -> dict:
        """Lines in the order of time. `total`: count all of them."""
        body = {
            "query": self.query(),
            "sort": [{name: "desc" if newest_first else "asc"} for name in SORT],
            "size": size,
            "_source": STAFF_FIELDS,
            "timeout": f"{SEARCH_SECONDS}s",
            "track_total_hits": total or COUNTED,
        }
        return body if after is None else {**body, "search_after": after}

    def overview(self) -> list[dict[str, Any]]:
        """Counts of all: by time, by time of the rarer levels, and of each facet's values.

        Several searches, since one is done by one core; and as most lines are INFO, it costs a quarter to count the
        others and take the rest for them.
        """
        by_time = {"field": "@timestamp", "fixed_interval": f"{self.interval()}s", "min_doc_count": 1}
        by_level = {"levels": {"terms": {"field": "log_level", "size": len(RARE_LEVELS)}}}
        rare = {"bool": {"filter": [self.query(), {"terms": {"log_level": RARE_LEVELS}}]}}
        return [
            self._counted({"bars": {"date_histogram": by_time}}),
            self._counted({"bars": {"date_histogram": by_time, "aggs": by_level}}, rare),
            self._facet_counts(FACETS[::2]),
            self._facet_counts(FACETS[1::2]),
        ]

    def values(self, name: str, prefix: str) -> dict[str, Any]:
        """The commonest values of a field that begin with a text."""
        terms = {"field": name, "size": COMPLETIONS}
        if prefix:
            terms["include"] = _literally(prefix) + ".*"
        return self._counted({"values": {"terms": terms}})

    def interval(self) -> int:
        """Seconds of a bar."""
        seconds = (self.until - self.since).total_seconds()
        return next((interval for interval in _INTERVALS if seconds / interval <= BARS), _INTERVALS[-1])

    def _base(self) -> list[dict[str, Any]]:
        wanted: list[dict[str, Any]] = [period(self.since, self.until)]
        return [*wanted, query.clause(self.q, self.leading_wildcard)] if self.q else wanted

    def _facets(self, facets: dict[str, list[str]]) -> list[dict[str, Any]]:
        return [{"terms": {name: values}} for name, values in facets.items()]

    def _facet_counts(self, names: Iterable[str]) -> dict[str, Any]:
        """A facet's own choice does not narrow its counts, so that other values can be seen beside those chosen."""
        aggregations: dict[str, Any] = {}
        for name in names:
            others = {other: values for other, values in self.facets.items() if other != name}
            terms = {"terms": {"field": name, "size": FACET_VALUES}}
            narrowed = {"filter": {"bool": {"filter": self._facets(others)}}, "aggs": {"narrowed": terms}}
            aggregations[name] = narrowed if others else terms
        return self._counted(aggregations, self.query(facets=False))

    def _counted(self, aggregations: dict[str, Any], query: dict[str, Any] | None = None) -> dict[str, Any]:
        return {
            "query": query or self.query(),
            "size": 0,
            "aggs": aggregations,
            "timeout": f"{SEARCH_SECONDS}s",
            "track_total_hits": False,
        }


def period(since: datetime, until: datetime) -> dict[str, Any]:
    return {"range": {"@timestamp": {"gte": since.isoformat(), "lt": until.isoformat()}}}


def buckets(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The buckets of an aggregation."""
    found = answer["aggregations"][name] if "aggregations" in answer else {"buckets": []}
    return found.get("narrowed", found)["buckets"]


def bars(by_time: dict[str, Any], by_level: dict[str, Any]) -> list[dict[str, Any]]:
    """The histogram. What has none of RARE_LEVELS counts as INFO."""
    rare = {
        bar["key"]: {level["key"]: level["doc_count"] for level in bar["levels"]["buckets"]}
        for bar in buckets(by_level, "bars")
    }
    found = []
    for bar in buckets(by_time, "bars"):
        levels = rare.get(bar["key"], {})
        if usual := bar["doc_count"] - sum(levels.values()):
            levels = {"INFO": usual, **levels}
        found.append({"at": bar["key"], "total": bar["doc_count"], "levels": levels})
    return found


def counts(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"value": str(bucket["key"]), "count": bucket["doc_count"]} for bucket in found]


def line(hit: dict[str, Any]) -> dict[str, Any]:
    return {"id": hit["_id"], "fields": hit["_source"]}


def one(line_id: str) -> dict[str, Any]:
    """The line of that id, all of it."""
    return {"query": {"ids": {"values": [line_id]}}, "size": 1}


def neighbours(of: dict[str, Any], *, later: bool, size: int) -> dict[str, Any]:
    """The lines next to one in its file, the nearest first. `of` is that one's source."""
    stands = of["log"]
    beyond = {"gt" if later else "lt": stands["offset"]}
    return {
        "query": {
            "bool": {
                "filter": [
                    {"term": {"log.file.fingerprint": stands["file"]["fingerprint"]}},
                    {"range": {"log.offset": beyond}},
                ]
            }
        },
        "sort": [{"log.offset": "asc" if later else "desc"}],
        "size": size,
        "_source": STAFF_FIELDS,
        "timeout": f"{SEARCH_SECONDS}s",
    }


# The live tail follows the order in which lines are stored, not their times: a line that arrives late, as a traceback
# does, which Filebeat holds until it is sure of its end, would never be seen behind the time of the last one. An index
# numbers what it stores; where the tail stands is the last number of each index.


def tail_begin(now: datetime) -> dict[str, Any]:
    """Where a tail begins: after what is stored by now."""
    last = {"last": {"max": {"field": "_seq_no"}}}
    return {
        "query": period(now - TAIL_PERIOD, now + TAIL_PERIOD),
        "size": 0,
        "aggs": {"indices": {"terms": {"field": "_index", "size": 200}, "aggs": last}},
        "timeout": f"{SEARCH_SECONDS}s",
        "track_total_hits": False,
    }


def tail_position(answer: dict[str, Any]) -> dict[str, int]:
    return {bucket["key"]: int(bucket["last"]["value"]) for bucket in buckets(answer, "indices")}


def tail(view: View, position: dict[str, int]) -> dict[str, Any]:
    """What was stored after `position`, in that order in each index."""
    # Said so, and not as "none of those before", it costs what is new and not what is there.
    new = [
        {"bool": {"filter": [{"term": {"_index": index}}, {"range": {"_seq_no": {"gt": number}}}]}}
        for index, number in position.items()
    ]
    new.append({"bool": {"must_not": [{"terms": {"_index": list(position)}}]}})
    return {
        "query": {"bool": {"filter": [view.query()], "should": new, "minimum_should_match": 1}},
        "sort": [{"_seq_no": "asc"}],
        "size": TAIL_LINES,
        "_source": STAFF_FIELDS,
        "timeout": f"{SEARCH_SECONDS}s",
        "track_total_hits": False,
    }


def tail_advance(position: dict[str, int], hits: list[dict[str, Any]]) -> dict[str, int]:
    """Where the tail stands after these. They are sorted by number, so none below an index's last one is missing."""
    return {**position, **{hit["_index"]: hit["sort"][0] for hit in hits}}


def health(now: datetime, services: Iterable[str]) -> dict[str, Any]:
    """Of each service: its lines within a day and a minute, the newest, and what failed to parse."""
    minute = {"range": {"@timestamp": {"gte": (now - timedelta(minutes=1)).isoformat()}}}
    each = {
        "newest": {"max": {"field": "@timestamp"}},
        "minute": {"filter": minute},
        "failures": {"terms": {"field": "tags", "size": 10}},
    }
    return {
        "query": period(now - HEALTH_PERIOD, now + HEALTH_PERIOD),
        "size": 0,
        "aggs": {"services": {"terms": {"field": "service", "include": list(services), "size": 100}, "aggs": each}},
        "timeout": f"{SEARCH_SECONDS}s",
        "track_total_hits": False,
    }


def shipped(fingerprints: list[str]) -> dict[str, Any]:
    """How far into these files the documents reach."""
    last = {"offset": {"max": {"field": "log.offset"}}, "newest": {"max": {"field": "@timestamp"}}}
    terms = {"field": "log.file.fingerprint", "size": max(len(fingerprints), 1)}
    return {
        "query": {"terms": {"log.file.fingerprint": fingerprints}},
        "size": 0,
        "aggs": {"files": {"terms": terms, "aggs": last}},
        "timeout": f"{SEARCH_SECONDS}s",
        "track_total_hits": False,
    }


def _literally(text: str) -> str:
    """A regular expression of Lucene's for the text itself."""
    return "".join(char if char.isalnum() else f"\\{char}" for char in text)
