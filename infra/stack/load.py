"""Load at a given rate, and figures of what became of it."""

# Locust does this too, and would bring gevent, which replaces sockets and threads of the whole process, and a web
# server. Journeys that are generators, stepped by threads, need neither.

import math
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore, Lock

import httpx

IN_FLIGHT = 128  # requests at once


class Figures:
    """What became of the requests, told by many threads."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.started = time.monotonic()
        self.seconds: list[float] = []
        self.outcomes: Counter[str] = Counter()  # status codes, and the names of errors where there was no answer

    def answered(self, answer: httpx.Response, late: float = 0.0) -> None:
        """`late`: seconds that the request was sent after its time. Who waits for its answer has waited those too."""
        with self.lock:
            self.seconds.append(late + answer.elapsed.total_seconds())
            self.outcomes[str(answer.status_code)] += 1

    def failed(self, error: httpx.HTTPError) -> None:
        if isinstance(error, httpx.HTTPStatusError):
            self.answered(error.response)
            return
        with self.lock:
            self.outcomes[type(error).__name__] += 1

    @property
    def sent(self) -> int:
        with self.lock:
            return self.outcomes.total()

    @property
    def rate(self) -> float:
        """Requests a second, so far."""
        return self.sent / max(time.monotonic() - self.started, 0.001)

    def percentile(self, percent: int) -> float:
        """Seconds within which so many of the answers came."""
        with self.lock:
            ordered = sorted(self.seconds)
        return ordered[math.ceil(len(ordered) * percent / 100) - 1] if ordered else math.nan

    def summary(self) -> str:
        outcomes = ", ".join(f"{outcome}: {count}" for outcome, count in sorted(self.outcomes.items()))
        took = f"p50 {self.percentile(50) * 1000:.0f} ms, p95 {self.percentile(95) * 1000:.0f} ms"
        return f"{took}; {outcomes}"


def open_loop(step: Callable[[], httpx.Response], rate: float, duration: float, figures: Figures) -> int:
    """Send `rate` requests a second for `duration` seconds, each at its time however late the others' answers are.

    Returns how many were not sent, since IN_FLIGHT others had no answer yet. All that were sent have theirs.
    """

    def send(due: float) -> None:
        late = time.monotonic() - due
        try:
            figures.answered(step(), late)
        except httpx.HTTPError as error:
            figures.failed(error)
        finally:
            free.release()

    free, unsent = BoundedSemaphore(IN_FLIGHT), 0
    figures.started = time.monotonic()
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        sending = []
        for number in range(max(1, round(rate * duration))):
            due = figures.started + number / rate
            time.sleep(max(0.0, due - time.monotonic()))
            if free.acquire(blocking=False):
                sending.append(pool.submit(send, due))
            else:
                unsent += 1
    for sent in sending:
        sent.result()
    return unsent
