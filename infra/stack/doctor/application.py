"""The first hop: the parts that make lines, and what they stand on."""

import httpx

from native.runtime import ANSWER_SECONDS, DONE, HEALTHY
from stack.doctor.chain import Chain
from stack.doctor.finding import Finding, broken, ok

NAME = "Application"
# The other hops' parts.
OTHERS = ("filebeat", "logstash", "elasticsearch", "setup", "kibana", "setup-kibana", "certificates")


def runs(chain: Chain) -> Finding:
    parts = {name: state for name, state in chain.parts.items() if name not in OTHERS}
    ill = {name: state for name, state in parts.items() if state not in (HEALTHY, DONE)}
    if ill:
        first = next(iter(ill))
        told = ", ".join(f"{name} is {state}" for name, state in ill.items())
        return broken(told, f"`make logs SERVICE={first}` says why")
    return ok(f"{len(parts)} parts are healthy")


def answers(chain: Chain) -> Finding:
    """Through nginx; Django asks its database, cache and broker for it."""
    url = f"{chain.settings.nginx_url}/auth-health"
    try:
        answer = httpx.get(url, timeout=2 * ANSWER_SECONDS)
    except httpx.HTTPError as error:
        return broken(
            f"{url}: {type(error).__name__}: {error}", "`make logs SERVICE=nginx`, `make logs SERVICE=django`"
        )
    if not answer.is_success:
        return broken(
            f"{url}: {answer.status_code} {answer.text[:200]}", "`make logs SERVICE=django` has the traceback"
        )
    return ok(f"nginx and Django answer in {answer.elapsed.total_seconds() * 1000:.0f} ms")


CHECKS = {"runs": runs, "answers": answers}
