"""The fifth hop: Elasticsearch. Asked as the user elastic, and whether it takes the others."""

import json
import time
from fnmatch import fnmatchcase

import httpx

from native.settings import DOCKER
from native.state import SERVICES
from stack.doctor import logstash
from stack.doctor.chain import Chain, elasticsearch
from stack.doctor.finding import Finding, broken, not_asked, ok, warning
from stack.lag import duration

NAME = "Elasticsearch"
LOGS = "`make logs SERVICE=elasticsearch` says why"
# It puts users, roles and templates.
SETUP = {
    "native": "`make down`, `make up` puts it again",
    DOCKER: "`docker compose -f docker-compose.elk.yml run --rm setup` puts it again",
}
HEAP_PERCENT = MEMORY_PERCENT = 90
SKEW_SECONDS = 5.0
DISK_BYTES = 2 * 2**30
BLOCKS = ("write", "read_only", "read_only_allow_delete")


def answers(chain: Chain) -> Finding:
    try:
        with _as_elastic(chain) as client:
            answer = client.get("/_cluster/health")
    except httpx.HTTPError as error:
        state = chain.state("elasticsearch")
        hangs = "; it takes no connection" if isinstance(error, httpx.ConnectError) else ""
        return broken(f"{chain.settings.elasticsearch_url}: {type(error).__name__}{hangs}; its state is {state}", LOGS)
    if answer.status_code in (401, 403):
        return ok(f"it answers with {answer.status_code}")
    health = answer.raise_for_status().json()["status"]
    if health == "red":
        return broken("its state is red: a shard is away", "GET /_cluster/allocation/explain says why")
    return ok(f"in {answer.elapsed.total_seconds() * 1000:.0f} ms; its state is {health}")


def rights(chain: Chain) -> Finding:
    """401: it does not take the password. 403: it takes it, and the user may not do that."""
    streams = chain.settings.data_stream("*")
    for user, password, wanted in (
        ("elastic", "ELASTIC_PASSWORD", ["all"]),
        ("logstash_writer", "LOGSTASH_WRITER_PASSWORD", ["auto_configure", "create_doc"]),
        ("pt_reader", "PT_READER_PASSWORD", ["read", "view_index_metadata"]),
    ):
        body = {"cluster": [], "index": [{"names": [streams], "privileges": wanted}]}
        with elasticsearch(chain.settings, user, password) as client:
            answer = client.post("/_security/user/_has_privileges", json=body)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            return broken(
                f"401: it does not take {password} for {user}",
                "`make rotate-passwords` gives everybody a new one; "
                "a password that somebody set in Kibana belongs into .env",
            )
        found = answer.raise_for_status().json()
        if not found["has_all_requested"]:
            missing = [name for rights in found["index"].values() for name, has in rights.items() if not has]
            return broken(
                f"403: {user} may not {', '.join(missing)} in {streams}",
                f"elk/elasticsearch/roles has what it needs; {SETUP[chain.settings.runtime]}",
            )
    return ok("elastic, logstash_writer and pt_reader are known, and may do what they do")


def templates(chain: Chain) -> Finding:
    ours = {path.stem for path in (chain.settings.checkout / "elk/elasticsearch/index_templates").glob("*.json")}
    with _as_elastic(chain) as client:
        found = {t["name"]: t["index_template"] for t in _get(client, "/_index_template")["index_templates"]}
        parts = {t["name"] for t in _get(client, "/_component_template")["component_templates"]}
    for service in SERVICES:
        stream = chain.settings.data_stream(service)
        matching = [name for name, body in found.items() if _matches(stream, body["index_patterns"])]
        best = max(matching, key=lambda name: found[name].get("priority", 0), default=None)
        if best not in ours:
            return broken(
                f"{f'the template {best} of others' if best else 'no index template'} is for {stream}, "
                f"not {', '.join(sorted(ours))}",
                f"DELETE /_index_template/{best}" if best else SETUP[chain.settings.runtime],
            )
        needed = set(found[best].get("composed_of", ())) - set(
            found[best].get("ignore_missing_component_templates", ())
        )
        if missing := needed - parts:
            return broken(
                f"the component template {', '.join(sorted(missing))} is not there", SETUP[chain.settings.runtime]
            )
    return ok(f"{', '.join(sorted(ours))} is for all {len(SERVICES)} data streams")


def streams(chain: Chain) -> Finding:
    with _as_elastic(chain) as client:
        found = _streams(client, chain)
        indices = {index["name"] for index in found["indices"]}
    there = {stream["name"] for stream in found["data_streams"]}
    for service in SERVICES:
        name = chain.settings.data_stream(service)
        if name in indices:
            return broken(
                f"{name} is an index, no data stream: it was made while the template was away",
                f"reindex it or DELETE /{name}; the files are read again when Filebeat's registry is removed",
            )
        shipped = sum(r.shipped for r in chain.survey.readings if r.service == service) if chain.survey else 0
        if name not in there and shipped:
            with _as_elastic(chain) as client:
                capacity = _get(client, "/_health_report/shards_capacity?verbose=true")["indicators"]["shards_capacity"]
            return broken(
                f"{name} is not there, though {shipped} of its lines were shipped. {capacity['symptom']}",
                "what was refused is a dead letter and says why (docs/operations.md); the cluster setting "
                "cluster.max_shards_per_node, elk/elasticsearch/config/elasticsearch.yml",
            )
    return ok(f"{len(there)} of {len(SERVICES)}; a service that has written nothing has none yet")


def blocks(chain: Chain) -> Finding:
    with _as_elastic(chain) as client:
        settings = _get(client, "/_cluster/settings?flat_settings=true")
        for block in BLOCKS[1:]:
            if _setting(settings, f"cluster.blocks.{block}") == "true":
                body = json.dumps({"persistent": {f"cluster.blocks.{block}": None}})
                return broken(f"the cluster has the block {block}", f"PUT /_cluster/settings {body}")
        written = {stream["name"]: stream["backing_indices"] for stream in _streams(client, chain)["data_streams"]}
        found = _get(client, f"/{chain.settings.data_stream('*')}/_settings/index.blocks.*?flat_settings=true")
    for stream, indices in written.items():
        # The last one is written to; the lifecycle makes older ones read-only.
        last = max(indices, key=lambda name: name.rpartition("-")[2]) if isinstance(indices, list) else indices
        held = found.get(last, {}).get("settings", {})
        for block in BLOCKS:
            if held.get(f"index.blocks.{block}") == "true":
                why = "Elasticsearch sets it when its disk is nearly full. Make room, then " * (block == BLOCKS[2])
                body = json.dumps({f"index.blocks.{block}": None})
                return broken(f"{stream} has the block {block}", f"{why}PUT /{stream}/_settings {body}")
    return ok("none on a data stream that is written to")


def disk(chain: Chain) -> Finding:
    with _as_elastic(chain) as client:
        [node] = _get(client, "/_nodes/_local/stats/fs")["nodes"].values()
        report = _get(client, "/_health_report/disk?verbose=true")
    free, total = node["fs"]["total"]["available_in_bytes"], node["fs"]["total"]["total_in_bytes"]
    told = f"{free / 2**30:.1f} GiB of {total / 2**30:.0f} GiB free"
    indicator = report["indicators"]["disk"]
    remedy = "make room on it, or keep lines for a shorter time (LOG_RETENTION)"
    if indicator["status"] == "red":
        return broken(f"{told}: {indicator['symptom']}", remedy)
    if indicator["status"] == "yellow" or free < DISK_BYTES:
        return warning(f"{told}: {indicator['symptom']}", remedy)
    return ok(told)


def memory(chain: Chain) -> Finding:
    with _as_elastic(chain) as client:
        # One that a circuit breaker may refuse, as it does with documents; what tells of health it never does.
        answer = client.post("/_security/user/_has_privileges", json={"cluster": ["monitor"]})
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return broken(f"429: {_reason(answer)}", _memory_remedy(chain))
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            return not_asked("it does not take the password of elastic: see below")
        [node] = _get(client, "/_nodes/_local/stats/jvm,breaker")["nodes"].values()
    heap = node["jvm"]["mem"]["heap_used_percent"]
    told = f"Java heap {heap} % in use"
    if tripped := [f"{name} {body['tripped']} times" for name, body in node["breakers"].items() if body["tripped"]]:
        return warning(f"{told}; circuit breakers: {', '.join(tripped)} since its start", _memory_remedy(chain))
    if heap >= HEAP_PERCENT:
        return warning(told, _memory_remedy(chain))
    return ok(told)


def clock(chain: Chain) -> Finding:
    with _as_elastic(chain) as client:
        before = time.time()
        [node] = _get(client, "/_nodes/_local/stats/process")["nodes"].values()
        after = time.time()
    there = node["timestamp"] / 1000
    skew = there - after if there > after else min(0.0, there - before)
    if abs(skew) > SKEW_SECONDS:
        return warning(
            f"its clock is {duration(abs(skew))} {'ahead of' if skew > 0 else 'behind'} this machine's",
            "let NTP set both: what is sorted by time is out of order",
        )
    return ok("it goes as this machine's does")


def refused(chain: Chain) -> Finding:
    """Documents that Elasticsearch refused for good. What it may take later is tried again without end."""
    try:
        figures = logstash.stats(chain.settings)
    except httpx.HTTPError:
        return warning("unknown: Logstash, which keeps them, does not answer", logstash.LOGS)
    letters = figures["dead_letter_queue"]
    requests = [output.get("bulk_requests", {}) for output in figures["plugins"]["outputs"]]
    failed = sum(one.get("failures", 0) + one.get("with_errors", 0) for one in requests)
    # Logstash's own queue has a byte when it is empty.
    if letters["queue_size_in_bytes"] > 1:
        return broken(
            f"{letters['queue_size_in_bytes']:,} bytes of dead letters; the last one: {letters['last_error']}",
            "mend that, then send them again: docs/operations.md, Dead letters",
        )
    return ok(f"no dead letters; {failed} bulk requests were tried again since Logstash's start")


def _as_elastic(chain: Chain) -> httpx.Client:
    return elasticsearch(chain.settings, "elastic", "ELASTIC_PASSWORD")


def _get(client: httpx.Client, path: str) -> dict:
    return client.get(path).raise_for_status().json()


def _streams(client: httpx.Client, chain: Chain) -> dict:
    """{"indices", "data_streams"} of the names that are ours, in the form of the resolve index API."""
    return _get(client, f"/_resolve/index/{chain.settings.data_stream('*')}?expand_wildcards=all")


def _matches(stream: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(stream, pattern) for pattern in patterns)


def _setting(settings: dict, name: str) -> str | None:
    return next(
        (settings[of][name] for of in ("transient", "persistent", "defaults") if name in settings.get(of, {})), None
    )


def _reason(answer: httpx.Response) -> str:
    error = answer.json().get("error", {})
    return error.get("reason", str(error)) if isinstance(error, dict) else str(error)


def memory_of_parts(chain: Chain) -> Finding:
    """Asked last: Docker takes two seconds to tell."""
    used = chain.memory.result()
    most = max(used, key=used.get)
    told = f"{most} {used[most]:.0f} % in use" + ", the others less" * (len(used) > 1)
    if used[most] >= MEMORY_PERCENT:
        return warning(told, f"more memory for {most} (docker-compose.yml, .env), or less on this machine")
    return ok(told)


def _memory_remedy(chain: Chain) -> str:
    more = "ELASTICSEARCH_HEAP in .env" + (", and ELASTICSEARCH_MEMORY" * (chain.settings.runtime == DOCKER))
    return f"more memory: {more}; then `make down`, `make up`"


CHECKS = {
    "answers": answers,
    "memory": memory,
    "rights": rights,
    "template": templates,
    "data streams": streams,
    "blocks": blocks,
    "disk": disk,
    "clock": clock,
    "refused documents": refused,
    "memory of all parts": memory_of_parts,
}
