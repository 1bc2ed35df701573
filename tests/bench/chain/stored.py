"""What a line takes in Elasticsearch."""

from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk, scan

from native.settings import Settings

CODECS = ("default", "best_compression")
FRESH = {"index.store.stats_refresh_interval": "0s"}  # else its size is that of some seconds ago


def bytes_per_line(settings: Settings, service: str) -> dict[str, float]:
    """{codec: bytes of a document}, of a stream's documents in one segment."""
    stream, found = settings.data_stream(service), {}
    credentials = ("elastic", settings.secrets["ELASTIC_PASSWORD"])
    with Elasticsearch(settings.elasticsearch_url, basic_auth=credentials, request_timeout=300) as elastic:
        [mappings] = elastic.indices.get_mapping(index=stream).values()
        for codec in CODECS:
            index = f"bench-{codec}"
            elastic.indices.create(index=index, mappings=mappings["mappings"], settings={"index.codec": codec} | FRESH)
            # No reindex API in the native distribution, and the helper of that name asks for what it has not either.
            copies = (hit | {"_index": index} for hit in scan(elastic, index=stream, size=2_000))
            bulk(elastic, copies, chunk_size=2_000)
            found[codec] = in_one_segment(elastic, index)
            elastic.indices.delete(index=index)
    return found


def in_one_segment(elastic: Elasticsearch, index: str) -> float:
    """Bytes of a document of an index that was made with FRESH."""
    elastic.indices.forcemerge(index=index, max_num_segments=1)
    elastic.indices.flush(index=index)
    elastic.indices.refresh(index=index)
    stats = elastic.indices.stats(index=index, metric=["store", "docs"])["_all"]["primaries"]
    return stats["store"]["size_in_bytes"] / stats["docs"]["count"]
