"""From end to end: are the lines that the files hold shipped, stored and parsed?"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from elastic_transport import TransportError
from elasticsearch import ApiError

from native.runtime import ANSWER_SECONDS
from stack.counting import look
from stack.doctor.chain import Chain
from stack.doctor.finding import Finding, broken, not_asked, ok, warning
from stack.lag import duration, lags
from stack.store import Store, age
from stack.survey import Reading

NAME = "Lines"
# A line is there after two seconds at most: the last of a file waits one for a continuation, Elasticsearch refreshes
# each second.
PATIENCE = 4.0
BUDGET = 3600.0
FAILURES = ("_grokparsefailure", "_dateparsefailure")  # and the group, as logstash.conf tags them
HOUR = "now-1h"
UNPARSED = 0.01  # share of an hour's documents above which a format must have changed
FUTURE = 60.0


def budget(chain: Chain) -> Finding:
    found = lags(chain.settings, chain.survey, None)
    stream, least = min(found.items(), key=lambda item: item[1].budget)
    waiting = {name: lag for name, lag in found.items() if lag.written > lag.shipped}
    told = f"an outage may last {duration(least.budget)} before a line of {stream} is lost"
    if not waiting:
        return ok(told)
    lines = sum(lag.written - lag.shipped for lag in waiting.values())
    since = min(lag.waiting_since for lag in waiting.values() if lag.waiting_since)
    told = (
        f"{lines:,} lines ({sum(lag.waiting_bytes for lag in waiting.values()):,} bytes) wait, the oldest for "
        f"{duration(max(0.0, chain.looked_at - since))}; the first is lost in {duration(least.budget)} ({stream})"
    )
    if least.budget < BUDGET and chain.looked_at - since > PATIENCE:
        return warning(told, "mend the chain by then, or raise LOG_FILE_MAX_BYTES or LOG_FILE_BACKUPS and start again")
    return ok(told)


def shipped(chain: Chain) -> Finding:
    """Is what stood in the files at the look soon in the registry?"""
    readings = chain.survey.readings
    target = {reading.fingerprint: reading.size for reading in readings if reading.waiting_bytes}

    def left() -> dict[str, int]:
        now = {reading.fingerprint: reading.shipped_bytes for reading in look(chain.settings).readings}
        return {name: target[name] - offset for name, offset in now.items() if offset < target.get(name, 0)}

    if not target or not (behind := _wait(left)):
        return ok(f"Filebeat has shipped all {len(readings)} files")
    before = {reading.fingerprint: reading.waiting_bytes for reading in readings}
    told = f"{sum(behind.values()):,} bytes of {len(behind)} files were not shipped within {PATIENCE:.0f} s"
    if any(behind[name] < before[name] for name in behind):
        return warning(f"{told}, and it goes on", "wait, and ask again: more comes than is taken, or an outage is over")
    if _are_stored(chain, [reading for reading in readings if reading.fingerprint in behind]):
        return warning(
            f"{told}, by Filebeat's registry; but all of their lines are stored",
            "none: it keeps no account of a file that it could not read for a while. What it sends again at its next "
            "start is stored once",
        )
    return broken(f"{told}, and nothing moves", "`make logs SERVICE=filebeat`, `make logs SERVICE=logstash`")


def _are_stored(chain: Chain, readings: list[Reading]) -> bool:
    try:
        found = Store(chain.settings, timeout=ANSWER_SECONDS).stored(readings)
    except (ApiError, TransportError):
        return False
    return all(found[reading.fingerprint] >= reading.lines for reading in readings)


def stored(chain: Chain) -> Finding:
    """Is what was shipped at the look in its stream?"""
    shipped = [reading for reading in chain.survey.readings if reading.shipped]
    store = Store(chain.settings, timeout=ANSWER_SECONDS)

    def missing() -> dict[str, int]:
        found = store.stored(shipped)
        return {r.path: r.shipped - found[r.fingerprint] for r in shipped if found[r.fingerprint] < r.shipped}

    try:
        lost = _wait(missing)
    except (ApiError, TransportError) as error:
        return not_asked(f"Elasticsearch does not tell ({type(error).__name__})")
    lines = sum(reading.shipped for reading in shipped)
    if lost:
        most = max(lost, key=lost.get)
        return broken(
            f"{sum(lost.values()):,} of {lines:,} lines were shipped and are in no stream, {lost[most]:,} of {most}",
            "they are in Logstash's queue, dead letters, or were deleted: docs/operations.md, Lines that are missing",
        )
    return ok(f"all {lines:,} lines that were shipped are in their streams")


def parsed(chain: Chain) -> Finding:
    tags = [f"{failure}_{chain.settings.group}" for failure in FAILURES]
    recent = {"range": {"@timestamp": {"gte": HOUR}}}
    failed = {"bool": {"filter": [recent, {"terms": {"tags": tags}}]}}
    store = Store(chain.settings, timeout=ANSWER_SECONDS)
    try:
        all_of_them, found = store.count(recent), store.count(failed)
        example = store.search(query=failed, size=1)["hits"]["hits"] if found else []
    except (ApiError, TransportError) as error:
        return not_asked(f"Elasticsearch does not tell ({type(error).__name__})")
    if not found:
        return ok(f"all {all_of_them:,} documents of the last hour")
    source = example[0]["_source"] if example else {}
    told = (
        f"{found:,} of {all_of_them:,} documents of the last hour are tagged {', '.join(source.get('tags', tags))}: "
        f"{source.get('log', {}).get('file', {}).get('path', '')}: {source.get('message', '')[:100]!r}"
    )
    remedy = "`make search Q='tags:_*failure*'`; add a golden case in tests/pipeline/cases, then the pattern"
    return (broken if found > UNPARSED * all_of_them else warning)(told, remedy)


def routed(chain: Chain) -> Finding:
    count = chain.runtime.unrouted(chain.settings)
    place = chain.runtime.unrouted_place(chain.settings)
    if count is None:
        return not_asked("Logstash does not tell")
    if count:
        return warning(
            f"{count:,} events are of no service of the catalogue",
            f"{place} has them: who sends them, or is services.yml old?",
        )
    return ok("no event of a service that is not in the catalogue")


def timely(chain: Chain) -> Finding:
    try:
        streams = Store(chain.settings, timeout=ANSWER_SECONDS).streams()
    except (ApiError, TransportError) as error:
        return not_asked(f"Elasticsearch does not tell ({type(error).__name__})")
    ages = {name: age(stream["last"], datetime.now(UTC)) for name, stream in streams.items() if stream["last"]}
    if not ages:
        return ok("no document yet")
    newest = min(ages, key=ages.get)
    if ages[newest] < -FUTURE:
        return warning(
            f"the newest line of {newest} is of {duration(-ages[newest])} from now",
            "a writer's clock or time zone is wrong: lines are in UTC",
        )
    return ok(f"the newest document is {duration(max(0.0, ages[newest]))} old ({newest})")


def _wait(left: Callable[[], dict[str, int]]) -> dict[str, int]:
    """What `left` gives at last: nothing, or what is still left after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while (found := left()) and time.monotonic() < deadline:
        time.sleep(0.3)
    return found


# What it takes the log files to ask, both, the store.
OF_FILES = {"outage budget": budget, "shipped": shipped}
OF_BOTH = {"stored": stored}
OF_STORE = {"parsed": parsed, "routed": routed, "timely": timely}
