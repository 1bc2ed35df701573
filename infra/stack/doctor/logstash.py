"""The fourth hop: Logstash, or logstash_py, which has the same monitoring API."""

import httpx

from native.runtime import ANSWER_SECONDS
from native.settings import LOOPBACK, Settings
from stack.doctor.chain import Chain
from stack.doctor.finding import Finding, broken, in_a_line, ok, warning

NAME = "Logstash"
LOGS = "`make logs SERVICE=logstash` says why"
FULL = 0.9  # of its queue


def stats(settings: Settings) -> dict:
    """Figures of the pipeline `main`. Raises httpx.HTTPError."""
    return ask(settings, "/_node/stats/pipelines/main")["pipelines"]["main"]


def ask(settings: Settings, path: str) -> dict:
    answer = httpx.get(f"http://{LOOPBACK}:{settings.logstash_api_port}{path}", timeout=ANSWER_SECONDS)
    return answer.raise_for_status().json()


def answers(chain: Chain) -> Finding:
    try:
        events = stats(chain.settings)["events"]
    except httpx.HTTPError as error:
        state = chain.state("logstash")
        return broken(f"its state is {state}; port {chain.settings.logstash_api_port}: {in_a_line(error)}", LOGS)
    return ok(f"since its start {events['in']:,} events in, {events['out']:,} out")


def works(chain: Chain) -> Finding:
    report = ask(chain.settings, "/_health_report")
    told = report.get("symptom", report["status"])
    for name, pipeline in report.get("indicators", {}).get("pipelines", {}).get("indicators", {}).items():
        if pipeline["status"] != "green":
            told = f"pipeline {name}: {pipeline['symptom']}"
    if report["status"] == "red":
        return broken(told, LOGS)
    if report["status"] != "green":
        return warning(told, LOGS)
    return ok(told)


def queue(chain: Chain) -> Finding:
    figures = stats(chain.settings)["queue"]
    told = f"{figures['events_count']:,} events in its queue ({figures['type']})"
    size, limit = figures.get("queue_size_in_bytes", 0), figures.get("max_queue_size_in_bytes", 0)
    if limit and size > FULL * limit:
        return warning(f"{told}, {size / limit:.0%} full", "Elasticsearch takes less than comes, or nothing: see below")
    return ok(told)


CHECKS = {"answers": answers, "works": works, "queue": queue}
