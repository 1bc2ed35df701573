"""`make soak MINUTES=60`: a steady load, a fault at random each minute, and the same account at the end."""

import os
import random
import time

import psutil
import pytest

from native import runtime
from tests.integration.faults.kinds import FAULTS
from tests.integration.faults.load import Load
from tests.integration.faults.test_faults import CATCH_UP_SECONDS, NEAR, is_well, lag
from tests.polling import poll_until

MINUTES = float(os.environ.get("SOAK_MINUTES") or 0)
RATE = 125.0  # lines a second of each writer
# Those that are over in less than a minute, with what the chain still had to do then.
BRIEF = (
    "kill -9 of Filebeat",
    "kill -9 of Logstash",
    "kill -9 of Elasticsearch",
    "kill -9 of a gunicorn worker",
    "kill -9 of a Celery worker",
    "Elasticsearch read-only",
    "10 % packet loss to Logstash",
    "connections cut each second",
)
# Of a part's memory: the most of the second half of the minutes to the most of the first, where it is more than what a
# backlog may take.
GROWTH, BACKLOG = 1.2, {"filebeat": 256 << 20, "logstash": 450 << 20}


@pytest.mark.skipif(not MINUTES, reason="`make soak MINUTES=…`")
def test_soak(stack, capsys):
    named = {fault.name: fault for fault in FAULTS}
    chance = random.Random()  # noqa: S311 no secret
    memories: list[dict[str, int]] = []  # of each minute
    with Load(stack, RATE, seconds=(MINUTES + 5) * 60) as load:
        ends = time.monotonic() + MINUTES * 60
        while time.monotonic() < ends:
            minute = time.monotonic()
            fault = named[chance.choice(BRIEF)]
            with fault.strike(stack, load):
                ended = time.monotonic()
            poll_until(f"the lag to be back after: {fault.name}", lambda: lag(load) < NEAR, CATCH_UP_SECONDS)
            poll_until("every part to be well", lambda: is_well(stack), 60)
            memories.append(memory := memory_of(stack))
            with capsys.disabled():
                left = max(0.0, ends - time.monotonic()) / 60
                used = ", ".join(f"{part} {size >> 20} MiB" for part, size in memory.items())
                print(f"{left:5.1f} min left: {fault.name}, healed in {time.monotonic() - ended:.1f} s; {used}")
            poll_until("the minute's end", lambda begun=minute: time.monotonic() > begun + 60, 90)
        load.stop()
        poll_until("every line to arrive", lambda: lag(load) <= 0, CATCH_UP_SECONDS)
        account = load.account()
    with capsys.disabled():
        print(f"{account.written} lines written, {account.lost} lost, {account.doubled} doubled")
    assert (account.lost, account.doubled, account.unowned) == (0, 0, 0)
    early, late = (most_of(half) for half in (memories[: len(memories) // 2], memories[len(memories) // 2 :]))
    assert {part: late[part] for part, size in early.items() if late[part] > max(GROWTH * size, BACKLOG[part])} == {}


def memory_of(stack) -> dict[str, int]:
    """Bytes of each part of the chain. Elasticsearch is left out: its heap is set, and fills."""
    found = {}
    for part in ("filebeat", "logstash"):
        main = psutil.Process(runtime.processes(stack.settings)[part]["pid"])
        processes = [main, *main.children(recursive=True)]
        found[part] = sum(process.memory_info().rss for process in processes)
    return found


def most_of(memories: list[dict[str, int]]) -> dict[str, int]:
    return {part: max(memory[part] for memory in memories) for part in memories[0]} if memories else {}
