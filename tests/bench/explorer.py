"""What the log explorer's queries take on a million documents: `make bench-explorer`.

On a stack of its own, which is removed at the end (`--here`: on the one that is up, which then keeps the documents).
The documents of some real traffic are copied a thousandfold, with other times of the last day and other request ids.
Then the API is asked as the explorer's page asks, through nginx, one query after another. `new`: each for another
period, so that no answer comes from Elasticsearch's cache of answers; `again`: the same one over and over, as by who
goes back to a view. That cache helps only for streams to which nothing was written meanwhile: django's and nginx's
have the lines of these very requests.
"""

import argparse
import itertools
import random
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import httpx
from elasticsearch import Elasticsearch
from elasticsearch.helpers import parallel_bulk
from rich.console import Console
from rich.progress import track
from rich.table import Table

from native.settings import Settings
from stack.store import Store
from stack.traffic import drive
from tests.bench.own_stack import own_stack
from tests.polling import poll_until

DOCUMENTS = 1_000_000
TEMPLATES = 2000  # of the stack's own documents
PERIOD = timedelta(days=1)
ROUNDS = 40  # of each query
WARM_UP = 5  # rounds of all of them before: Elasticsearch's code is compiled as it is used
AIM = 300  # ms at p95, of each facet query

QUERIES = {
    "everything": {},
    "one service": {"service": ["django"]},
    "errors of two services": {"service": ["django", "celery"], "log_level": ["ERROR", "CRITICAL"]},
    "a condition": {"q": "service:django AND log_level:INFO"},
    "a word": {"q": "parcel"},
    "a phrase and a module": {"q": '"parcel created"', "app_module": ["parcels"]},
    "a prefix": {"q": "logger_name:apps.parcels*"},
    "slow ones": {"q": "duration_ms:>=100"},
}


def copies(store: Store, number: int, chosen: random.Random) -> Iterator[dict]:
    """Actions for that many documents, like those of the stack."""
    hits = store.search(size=TEMPLATES, query={"function_score": {"random_score": {}}})["hits"]["hits"]
    now = datetime.now(UTC)
    for index in range(number):  # in the order of time, as lines arrive
        source = chosen.choice(hits)["_source"]
        at = now - PERIOD * (1 - index / number)
        copy = {**source, "@timestamp": at.isoformat(timespec="milliseconds"), "request_id": uuid.uuid4().hex}
        yield {"_op_type": "create", "_index": store.settings.data_stream(source["service"]), "_source": copy}


def period(number: int) -> dict[str, str]:
    """Nearly a day; for each number another."""
    until = datetime.now(UTC)
    return {"since": (until - PERIOD + timedelta(seconds=number)).isoformat(), "until": until.isoformat()}


def measure(client: httpx.Client, path: str, parameters: dict, period: dict[str, str]) -> float:
    """Milliseconds of one query."""
    started = time.perf_counter()
    answer = client.get(f"/api/logs/explorer/{path}/", params={**parameters, **period})
    milliseconds = (time.perf_counter() - started) * 1000
    answer.raise_for_status()
    if not answer.json()["complete"]:
        raise SystemExit(f"{path} {parameters} was stopped before its end")
    return milliseconds


def sign_in(settings: Settings) -> httpx.Client:
    client = httpx.Client(base_url=settings.nginx_url, timeout=30)
    user = {"username": "admin", "password": settings.secrets["DEMO_PASSWORD"]}
    token = client.post("/api/auth/sign-in/", json=user).raise_for_status().json()["token"]
    client.headers["Authorization"] = f"Token {token}"
    return client


def report(client: httpx.Client, console: Console) -> bool:
    """Prints the figures; whether the aim is reached."""
    columns = ("p50", "p95")
    table = Table("query, ms", "of", *(f"{kind} {column}" for kind in ("new", "again") for column in columns))
    numbers, reached = itertools.count(1), True
    asked = list(itertools.product(("overview", "lines"), QUERIES.items()))
    for path, (_, parameters) in asked * WARM_UP:
        measure(client, path, parameters, period(next(numbers)))
    for path, (name, parameters) in asked:
        same = period(next(numbers))
        new = [measure(client, path, parameters, period(next(numbers))) for _ in range(ROUNDS)]
        measure(client, path, parameters, same)
        again = [measure(client, path, parameters, same) for _ in range(ROUNDS)]
        cells = []
        for taken in (new, again):
            p95 = statistics.quantiles(taken, n=20)[-1]
            reached = reached and p95 <= AIM
            cells += [f"{statistics.median(taken):.0f}", f"[{'green' if p95 <= AIM else 'red'}]{p95:.0f}"]
        table.add_row(name, path, *cells)
    console.print(table, f"The aim is {AIM} ms at p95.")
    return reached


def fill(settings: Settings, documents: int, console: Console) -> None:
    drive(settings, requests=100)
    secret = settings.secrets["ELASTIC_PASSWORD"]
    elastic = Elasticsearch(settings.elasticsearch_url, basic_auth=("elastic", secret), request_timeout=60)
    actions = copies(Store(settings), documents, random.Random(1))  # noqa: S311 - no secret
    done = parallel_bulk(elastic, actions, thread_count=2, chunk_size=2000)
    for _ in track(done, "filling", total=documents, console=console):
        pass
    streams = settings.data_stream("*")
    elastic.indices.refresh(index=streams)

    def merged() -> bool:
        return not elastic.indices.stats(index=streams, metric="merge")["_all"]["total"]["merges"]["current"]

    poll_until("Elasticsearch to have merged what came too fast", merged, seconds=120, interval=1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--here", action="store_true", help="on the stack that is up")
    asked = parser.parse_args()
    console = Console()
    with nullcontext(Settings.load()) if asked.here else own_stack() as settings:
        fill(settings, asked.documents, console)
        return 0 if report(sign_in(settings), console) else 1


if __name__ == "__main__":
    raise SystemExit(main())
