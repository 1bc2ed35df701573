"""Faults on demand: each is a real one, caused by requests through nginx, and leaves its traces in the logs.

A fault is asked for by requests alone, so that it ends with them: the carrier's address, the code and the users stay as
they are, a lock is held for two seconds, and a refused address is let in again after a minute.
"""

import ipaddress
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from threading import Event
from urllib.parse import urlsplit

import httpx

from native.settings import Settings, SettingsError
from stack.journeys import Answers, Visitor, address, browser_error, client
from stack.load import Figures

GUESSERS = 8  # sign-ins at once: each takes a third of a second of a processor, so that passwords are slow to guess
GUESSERS_ADDRESS = 66  # 127.0.0.66
SLOW_SECONDS = 1.0


@dataclass(frozen=True)
class Fault:
    does: str
    requests: Callable[[Settings, Visitor], Answers]  # without end
    pause: float  # seconds between two of them
    shown: Callable[[Figures], bool]  # whether it has
    queries: dict[str, str]  # {query: what it finds}
    check: Callable[[Settings], None] = lambda settings: None  # raises SettingsError where it must not be

    def run(self, settings: Settings, visitor: Visitor, figures: Figures, ended: Event) -> None:
        """Send its requests until `ended` is set."""
        requests = self.requests(settings, visitor)
        try:
            while not ended.is_set():
                try:
                    figures.answered(next(requests))
                except httpx.HTTPError as error:  # the generator is at its end by that
                    figures.failed(error)
                    requests = self.requests(settings, visitor)
                ended.wait(self.pause)
        finally:
            requests.close()


def answers(status: int) -> Callable[[Figures], bool]:
    return lambda figures: figures.outcomes[str(status)] >= 3


def slow_answers(figures: Figures) -> bool:
    return sum(seconds >= SLOW_SECONDS for seconds in figures.seconds) >= 2  # who holds, and who waits


def no_real_carrier(settings: Settings) -> None:
    carrier = settings.variables.get("CARRIER_URL", "")
    if carrier and not _is_on_this_host(carrier):
        raise SettingsError(
            f"CARRIER_URL={carrier}: FAULT=carrier-down asks no carrier of another machine. Leave it empty in .env,"
            " run `make up`, and try again."
        )


def carrier_down(settings: Settings, visitor: Visitor) -> Answers:
    created = visitor.create()
    yield created
    while True:
        yield visitor.quote(created.json()["reference"])


def slow_db(settings: Settings, visitor: Visitor) -> Answers:
    with ThreadPoolExecutor(1) as holder:
        while True:
            held = holder.submit(visitor.get, "/api/common/fault/held-lock/")
            yield visitor.get("/api/dashboard/")
            while not held.done():
                yield visitor.create()
            yield held.result()
            for _ in range(5):  # a while in which all is well
                yield visitor.create()


def bad_deploy(settings: Settings, visitor: Visitor) -> Answers:
    for _ in range(10):
        yield visitor.get("/api/dashboard/")
    while True:  # deployed: every third request needs the setting that was forgotten
        yield visitor.get("/api/dashboard/")
        broken = visitor.get("/api/common/fault/bad-release/")
        yield broken
        seen = {"page": "/delivery-window/", "request_id": broken.headers.get("X-Request-ID")}
        event = browser_error("Cannot read properties of undefined (reading 'delivery_window')", seen)
        yield visitor.post("/api/logs/client/", json={"events": [event]})


def brute_force(settings: Settings, visitor: Visitor) -> Answers:
    with client(settings, address(GUESSERS_ADDRESS)) as http, ThreadPoolExecutor(GUESSERS) as guessers:

        def guess(number: int) -> httpx.Response:
            return http.post("/api/auth/sign-in/", json={"username": "demo", "password": f"summer{number}"})

        numbers = count(2000)
        while True:
            yield from guessers.map(guess, (next(numbers) for _ in range(GUESSERS)))


def _is_on_this_host(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


FAULTS = {
    "carrier-down": Fault(
        does="Prices are asked of a carrier that does not answer: 502 after three tries.",
        requests=carrier_down,
        pause=0.5,
        shown=answers(502),
        queries={
            "error.type:apps.integrations.carriers.CarrierError": "the requests that failed, with their tracebacks",
            "logger_name:urllib3.connectionpool AND log_level:WARNING": "each try, and why it failed",
        },
        check=no_real_carrier,
    ),
    "slow-db": Fault(
        does="A transaction locks the parcels for two seconds, again and again: who wants to write one waits.",
        requests=slow_db,
        pause=0.2,
        shown=slow_answers,
        queries={
            "service:nginx AND duration_ms:>=1000": "the slow requests",
            "logger_name:apps.common.slow_queries": "the queries that waited, in which request",
        },
    ),
    "bad-deploy": Fault(
        does="A release comes whose setting was forgotten: from then on every third request is answered 500.",
        requests=bad_deploy,
        pause=0.2,
        shown=answers(500),
        queries={
            "service:nginx AND http.response.status_code:500": "since when, and which pages",
            "error.type:AttributeError": "the cause, with its traceback",
            "service:react AND error.type:TypeError": "what it did to browsers",
        },
    ),
    "brute-force": Fault(
        does="One address guesses the password of the user demo: 401, an alarm at 30, and 429 after 60 in a minute.",
        requests=brute_force,
        pause=0.05,
        shown=answers(429),
        queries={
            "context.event:(sign_in_failed OR brute_force_suspected)": "who tries, and whose account",
            "service:nginx AND http.response.status_code:429": "that the address was shut out",
        },
    ),
}
