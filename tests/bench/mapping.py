"""What each part of the mapping costs Elasticsearch: `make bench-mapping`.

Documents as the pipeline makes them (mix.yml) go into an index of the project's mapping, and of the mapping without one
thing at a time, by the bulk API and two connections. In each round every variant has its turn; the best round of each
counts, as a ratio to the mapping as it is: machines differ, and Java compiles for minutes what it runs.
"""

import argparse
import copy
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import orjson
from elasticsearch import Elasticsearch
from rich.console import Console
from rich.table import Table

from logstash_py import event
from logstash_py.intake import FEW
from native.settings import Settings
from tests.bench import mix
from tests.bench.chain import parts
from tests.bench.chain.stored import FRESH, in_one_segment
from tests.bench.own_stack import own_stack
from tests.bench.pipeline import make_pipeline
from tests.paths import ROOT

DOCUMENTS, ROUNDS, WARM = 100_000, 5, 6
BULK = 1_000
TEMPLATES = ROOT / "elk/elasticsearch/component_templates"
MAPPINGS = json.loads((TEMPLATES / "pt-mappings.json").read_text())["template"]["mappings"]
SETTINGS = json.loads((TEMPLATES / "pt-settings.json").read_text())["template"]["settings"]["index"]
CONSTANTS = ("group", "environment", "app_version", "event", "data_stream", "host")


@dataclass(frozen=True)
class Variant:
    change: Callable[[dict], object] = lambda properties: None
    settings: dict = field(default_factory=dict)
    own_ids: bool = True


def without(*names: str) -> Callable[[dict], None]:
    return lambda properties: [properties.pop(name) for name in names]


VARIANTS = {
    "as it is": Variant(),
    "message not indexed": Variant(lambda properties: properties["message"].update(index=False)),
    "log_message not indexed": Variant(lambda properties: properties["log_message"].update(index=False)),
    "both without positions": Variant(
        lambda properties: [properties[name].update(index_options="docs") for name in ("message", "log_message")]
    ),
    "context not mapped": Variant(without("context")),
    "what is the same in a stream not mapped": Variant(without(*CONSTANTS)),
    "ids of Elasticsearch's own": Variant(own_ids=False),
    "nothing mapped but the time": Variant(without(*set(MAPPINGS["properties"]) - {"@timestamp"})),
    "codec default": Variant(settings={"codec": "default"}),
    "refreshed each 5 s": Variant(settings={"refresh_interval": "5s"}),
}


def documents(count: int) -> list[tuple[str, bytes]]:
    """(id, document) of so many lines."""
    pipeline, stream, found = make_pipeline(), mix.events(rate=20_000), []
    for _ in range(0, count, FEW):
        decoded = [orjson.loads(payload) for payload in islice(stream, FEW)]
        for one in pipeline.route(pipeline.run_filters([event.build(data) for data in decoded]))[0]:
            metadata = one.pop("@metadata")
            found.append((metadata["_ingest_document"]["id"], orjson.dumps(one)))
    return found


def bulks(found: list[tuple[str, bytes]], own_ids: bool) -> list[list[bytes]]:
    """The lines of each request."""
    lines = []
    for id_, document in found:
        lines += [orjson.dumps({"create": {"_id": id_} if own_ids else {}}), document]
    return [lines[start : start + 2 * BULK] for start in range(0, len(lines), 2 * BULK)]


def measure(
    settings: Settings, elastic: Elasticsearch, variant: Variant, index: str, requests: list[list[bytes]]
) -> float:
    """CPU-seconds for all of them."""
    mappings = copy.deepcopy(MAPPINGS)
    variant.change(mappings["properties"])
    chosen = {"index": SETTINGS | variant.settings} | FRESH
    elastic.indices.create(index=index, mappings=mappings, settings=chosen)

    def send(lines: list[bytes]) -> None:
        answer = elastic.bulk(index=index, operations=lines, filter_path="errors")
        assert not answer["errors"]

    before = parts.taken(settings)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(send, requests))
    return parts.between(before, parts.taken(settings))["elasticsearch"].seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.mapping", description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help=f"a round (default {DOCUMENTS:,})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    asked = parser.parse_args()
    console, found = Console(highlight=False), documents(asked.documents)
    with own_stack() as settings:
        account = ("elastic", settings.secrets["ELASTIC_PASSWORD"])
        with Elasticsearch(settings.elasticsearch_url, basic_auth=account, request_timeout=300) as elastic:
            for number in range(WARM):
                measure(settings, elastic, VARIANTS["as it is"], f"warm-{number}", bulks(found, own_ids=True))
                elastic.indices.delete(index=f"warm-{number}")
            seconds: dict[str, list[float]] = {name: [] for name in VARIANTS}
            sizes = {}
            for number in range(asked.rounds):
                for name, variant in VARIANTS.items():
                    requests, began = bulks(found, variant.own_ids), time.monotonic()
                    seconds[name].append(measure(settings, elastic, variant, "bench", requests))
                    took = time.monotonic() - began
                    sizes[name] = in_one_segment(elastic, "bench")
                    elastic.indices.delete(index="bench")
                    console.print(f"round {number + 1} of {asked.rounds}: {name}: {len(found) / took:,.0f} a second")
    table = Table("mapping", "CPU-seconds for 100,000", "ratio", "bytes each")
    for name, all_of_them in seconds.items():
        best = min(all_of_them)
        ratio = best / min(seconds["as it is"])
        table.add_row(name, f"{best * 100_000 / len(found):.2f}", f"{ratio:.2f}", f"{sizes[name]:.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
