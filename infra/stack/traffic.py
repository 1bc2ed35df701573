"""Real requests through nginx, then the count: is every line that they made the services write searchable?"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import httpx
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from native.settings import Settings
from native.state import SERVICES
from stack.counting import counter
from stack.faults import FAULTS
from stack.journeys import Answers, Crowd, Visitor, newcomer
from stack.load import IN_FLIGHT, Figures, open_loop
from stack.store import Store
from stack.written import Mark

USERS = 4
SECONDS = 60.0
TELL_SECONDS = 10  # between lines about the progress where there is no terminal


@dataclass(frozen=True)
class Wanted:
    """`requests`, or `rate` of them a second for `duration` seconds, or nothing but `fault` for as long."""

    requests: int | None = None
    rate: float | None = None
    duration: float = SECONDS
    fault: str | None = None


def drive(settings: Settings, requests: int, seen: Callable[[httpx.Response], None] = lambda answer: None) -> int:
    """Send at least `requests` requests as USERS users at once, whose journeys all come to their ends.

    Returns how many were sent; `seen` is told each answer. Raises httpx.HTTPError when nobody answers.
    """

    def follow(answers: Answers) -> int:
        sent = 0
        for answer in answers:
            seen(answer)
            sent += 1
        return sent

    def visit(visitor: Visitor) -> int:
        sent = 0
        while sent < requests / USERS:
            sent += follow(visitor.journey())
        return sent

    with ThreadPoolExecutor(USERS + 1) as pool:
        running = [pool.submit(visit, Visitor(settings)) for _ in range(USERS)]
        running.append(pool.submit(follow, newcomer(settings)))
        return sum(finished.result() for finished in running)


def settle(settings: Settings, mark: Mark, seconds: float = 60, quiet: float = 2) -> dict[Path, tuple[str, int, int]]:
    """Wait until each file has as many documents as records since the mark, and none was written for `quiet` seconds.

    Returns {path: (service, records, documents)}, unequal ones too when `seconds` have passed.
    """
    store = Store(settings)
    deadline = time.monotonic() + seconds
    still_since, last = time.monotonic(), None
    while True:
        written = mark.written()
        found = store.documents(list(written), mark)
        if written != last:
            still_since, last = time.monotonic(), written
        settled = written == found and time.monotonic() - still_since >= quiet
        if settled or time.monotonic() > deadline:
            return {file.path: (file.service, records, found[file]) for file, records in written.items()}
        time.sleep(0.25)


def run(settings: Settings, wanted: Wanted) -> int:
    """Send, settle, print figures, and lines and documents of each stream.

    Returns the exit status: 1 on any difference, and when a fault did not show.
    """
    console = Console(soft_wrap=True, highlight=False)
    mark = Mark(counter(settings))
    try:
        shown = send(settings, wanted, console)
    except httpx.HTTPError as error:
        console.print(
            f"[red]{settings.nginx_url} does not serve the application ({error}). Is the stack up? `make status` tells."
        )
        return 1
    with console.status("waiting until every line is searchable"):
        files = settle(settings, mark)

    table = Table("data stream", "lines written", "documents found")
    for service in SERVICES:
        lines = sum(records for of, records, _ in files.values() if of == service)
        documents = sum(found for of, _, found in files.values() if of == service)
        table.add_row(
            settings.data_stream(service), str(lines), f"[{'green' if lines == documents else 'red'}]{documents}"
        )
    console.print(table)
    unequal = {path: counts for path, counts in files.items() if counts[1] != counts[2]}
    for path, (_, records, documents) in unequal.items():
        console.print(f"[red]{path}: {records} lines, {documents} documents")
    return 0 if shown and not unequal else 1


def send(settings: Settings, wanted: Wanted, console: Console) -> bool:
    """Send what is wanted and print what became of it. Returns whether the fault showed, if there was to be one.

    Raises httpx.HTTPError when nobody answers, SettingsError when the settings forbid the fault.
    """
    fault = FAULTS.get(wanted.fault or "")
    if fault:
        fault.check(settings)
        console.print(f"{wanted.fault}: {fault.does}")
    crowd = Crowd(settings) if wanted.rate else None
    of_traffic, of_fault, ended, unsent = Figures(), Figures(), Event(), 0
    with ThreadPoolExecutor(1) as pool, told(console, wanted, of_traffic, of_fault):
        faulty = [pool.submit(fault.run, settings, Visitor(settings), of_fault, ended)] if fault else []
        try:
            if crowd:
                unsent = open_loop(crowd.step, wanted.rate, wanted.duration, of_traffic)
            elif wanted.requests:
                drive(settings, wanted.requests, of_traffic.answered)
            else:
                wait(faulty, wanted.duration)
        except KeyboardInterrupt:
            console.print("Interrupted: what was sent until now is counted.")
        finally:
            ended.set()
        reached = f"{of_traffic.rate:.1f} requests/s"
        for running in faulty:
            running.result()

    if of_traffic.sent:
        asked = f", asked for {wanted.rate:g}/s" if wanted.rate else ""
        console.print(f"traffic: {of_traffic.sent} requests, {reached}{asked}; {of_traffic.summary()}")
    if unsent:
        console.print(f"[yellow]{unsent} requests were not sent: {IN_FLIGHT} others had no answer yet. A lower RATE?")
    if not fault:
        return True
    console.print(f"{wanted.fault}: {of_fault.sent} requests; {of_fault.summary()}")
    if not fault.shown(of_fault):
        console.print(f"[red]{wanted.fault} did not show. It needs more time (DURATION=2m) or a less busy machine.")
        return False
    console.print("What it left in the logs, here and with the same words in Kibana (query language Lucene):")
    for query, finds in fault.queries.items():
        console.print(f"  make search Q='{query}'  # {finds}", markup=False)
    return True


@contextmanager
def told(console: Console, wanted: Wanted, *figures: Figures) -> Iterator[None]:
    """Tells the progress: a bar on a terminal, else a line each TELL_SECONDS."""
    started, ended = time.monotonic(), Event()

    def text() -> str:
        sent = sum(each.sent for each in figures)
        return f"{sent} requests, {sent / (time.monotonic() - started):.1f}/s"

    def done() -> float:
        return figures[0].sent if wanted.requests else time.monotonic() - started

    def tell() -> None:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("", total=wanted.requests or wanted.duration)
            while not ended.wait(0.2 if console.is_terminal else TELL_SECONDS):
                progress.update(bar, completed=done(), description=text())
                if not console.is_terminal:
                    console.print(f"{time.monotonic() - started:.0f} s: {text()}")

    telling = Thread(target=tell)
    telling.start()
    try:
        yield
    finally:
        ended.set()
        telling.join()
