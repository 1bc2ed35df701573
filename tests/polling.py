"""Waiting in tests: with a deadline, and a name for what was awaited."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def poll_until(
    what: str, ask: Callable[[], T], seconds: float = 30, interval: float = 0.1, is_it: Callable[[T], bool] = bool
) -> T:
    """Return the first answer of `ask` that is true, or that `is_it` says yes to.

    After `seconds`, AssertionError that names `what` and the last answer.
    """
    deadline = time.monotonic() + seconds
    while not is_it(answer := ask()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}; the last answer was {answer!r}"
        time.sleep(interval)
    return answer
