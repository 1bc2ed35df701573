"""What Elasticsearch holds, as the user pt_reader sees it."""

import time
from collections.abc import Iterable
from datetime import datetime

from elasticsearch import ApiError, Elasticsearch

from native.settings import Settings
from native.state import SERVICES
from stack.survey import Reading
from stack.written import LogFile, Mark

# How long the shard of a data stream that was made just now may take to start: a search is answered 503 till then.
SHARD_SECONDS = 5


class Store:
    """The services' data streams. Every method raises elasticsearch.ApiError or elastic_transport.TransportError."""

    def __init__(self, settings: Settings, timeout: float = 10) -> None:
        self.settings = settings
        self.client = Elasticsearch(
            settings.elasticsearch_url,
            basic_auth=("pt_reader", settings.secrets["PT_READER_PASSWORD"]),
            ca_certs=settings.ca_file and str(settings.ca_file),
            request_timeout=timeout,
            max_retries=0,
        )

    def search(self, **query) -> dict:
        """A search over all of them; streams that do not exist yet are empty ones."""
        pattern = self.settings.data_stream("*")
        deadline = time.monotonic() + SHARD_SECONDS
        while True:
            try:
                return self.client.search(index=pattern, ignore_unavailable=True, allow_no_indices=True, **query).body
            except ApiError as error:
                if error.status_code != 503 or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def count(self, query: dict) -> int:
        """How many documents match."""
        return self.search(query=query, size=0, track_total_hits=True)["hits"]["total"]["value"]

    def streams(self) -> dict[str, dict]:
        """{data stream: {"docs": count, "last": newest document's @timestamp or None}}, of all services."""
        by_dataset = {"terms": {"field": "data_stream.dataset"}, "aggs": {"last": {"max": {"field": "@timestamp"}}}}
        answer = self.search(size=0, aggs={"datasets": by_dataset})
        buckets = {b["key"]: b for b in answer.get("aggregations", {}).get("datasets", {}).get("buckets", [])}
        return {
            self.settings.data_stream(service): {
                "docs": buckets[service]["doc_count"] if service in buckets else 0,
                "last": buckets[service]["last"]["value_as_string"] if service in buckets else None,
            }
            for service in SERVICES
        }

    def documents(self, files: list[LogFile], mark: Mark) -> dict[LogFile, int]:
        """{file: documents in its service's stream of records that begin at the mark or after it}."""
        found = self.of_files([(file.fingerprint, file.service, mark.offset(file)) for file in files])
        return dict(zip(files, found, strict=True))

    def stored(self, readings: Iterable[Reading]) -> dict[str, int]:
        """{fingerprint: documents in its service's stream, of the lines that the reading counts}."""
        readings = list(readings)
        found = self.of_files([(reading.fingerprint, reading.service, reading.since) for reading in readings])
        return {reading.fingerprint: count for reading, count in zip(readings, found, strict=True)}

    def of_files(self, files: list[tuple[str, str, int]]) -> list[int]:
        """How many documents each file has; `files` are (fingerprint, service, the offset to count from)."""
        filters = {
            str(number): {
                "bool": {
                    "filter": [
                        {"term": {"log.file.fingerprint": fingerprint}},
                        {"term": {"data_stream.dataset": service}},
                        {"range": {"log.offset": {"gte": offset}}},
                    ]
                }
            }
            for number, (fingerprint, service, offset) in enumerate(files)
        }
        if not filters:
            return []
        answer = self.search(size=0, aggs={"files": {"filters": {"filters": filters}}})
        buckets = answer.get("aggregations", {}).get("files", {}).get("buckets", {})
        return [buckets.get(number, {}).get("doc_count", 0) for number in filters]


def age(timestamp: str, now: datetime) -> float:
    """Seconds between an @timestamp and `now`."""
    return (now - datetime.fromisoformat(timestamp)).total_seconds()
