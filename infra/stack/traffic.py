"""Real requests through nginx, then the count: is every line that they made the services write searchable?"""

import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from native.settings import Settings
from native.state import SERVICES
from stack.counting import counter
from stack.store import Store
from stack.written import Mark

USERS = 4
TENANT = "acme"
LABEL_SECONDS = 10  # until the worker has put a label into the store


class Visitor:
    """One signed-in user who follows parcels from creation to delivery, and meets what goes wrong on the way."""

    def __init__(self, settings: Settings) -> None:
        self.webhook_secret = settings.secrets["CARRIER_WEBHOOK_SECRET"].encode()
        self.http = httpx.Client(base_url=settings.nginx_url, headers={"X-Tenant": TENANT}, timeout=30)
        self.journeys = count(1)
        self.http.headers["Authorization"] = f"Token {self.sign_in('demo', settings.secrets['DEMO_PASSWORD'])}"

    def sign_in(self, username: str, password: str) -> str:
        answer = self.http.post("/api/auth/sign-in/", json={"username": username, "password": password})
        answer.raise_for_status()
        return answer.json()["token"]

    def journey(self):
        """Send the requests of one journey; yields after each. Every tenth journey meets the rarer trouble too."""
        get, post = self.http.get, self.http.post
        created = post("/api/parcels/", json={"recipient": "Ada Lovelace", "destination": "London"})
        created.raise_for_status()
        parcel = f"/api/parcels/{created.json()['reference']}"
        yield
        yield get(f"{parcel}/")
        yield post(f"{parcel}/label/")
        yield get(f"{parcel}/label/")  # 404 as long as the task has not put it there, which it does meanwhile
        for location, status in (("Leeds", "in_transit"), ("London", "delivered")):
            yield post(f"{parcel}/scans/", json={"location": location, "status": status})
        yield get(f"{parcel}/track/")
        yield self.carrier_scan(created.json()["reference"])
        yield post(
            "/api/notifications/",
            json={"recipient": "ada@example.org", "subject": "Delivered", "body": "Your parcel is here."},
        )
        yield self.browser_events(parcel)
        yield get("/api/parcels/PT-0000000000/")  # 404 from Django
        yield get("/")
        yield from self.label(parcel)
        if next(self.journeys) % 10 == 1:
            yield get("/api/common/fault/")  # 500 with a traceback
            yield post(f"{parcel}/quote/", json={})  # no carrier: urllib3's retries, 502 with a traceback
            yield get("/nowhere.png")  # 404 from nginx, a line of its error log too
            yield get("/flower/")
            yield post("/api/auth/sign-in/", json={"username": "demo", "password": "wrong"})  # 400 or 401

    def label(self, parcel: str):
        """Ask for the label until it is there, as the page of a parcel does; yields after each request."""
        deadline = time.monotonic() + LABEL_SECONDS
        while True:
            label = self.http.get(f"{parcel}/label/")
            yield
            if label.status_code != 404 or time.monotonic() > deadline:
                return
            time.sleep(0.2)

    def carrier_scan(self, reference: str) -> httpx.Response:
        body = json.dumps({"reference": reference, "location": "London", "status": "delivered"}).encode()
        signature = hmac.new(self.webhook_secret, body, hashlib.sha256).hexdigest()
        return self.http.post(
            "/api/integrations/carriers/northwind/webhook/",
            content=body,
            headers={"Content-Type": "application/json", "X-Signature": f"sha256={signature}"},
        )

    def browser_events(self, page: str) -> httpx.Response:
        event = {"level": "info", "logger": "page", "message": "Parcel opened", "context": {"page": page}}
        error = {
            "level": "error",
            "logger": "errors",
            "message": "parcel is undefined",
            "context": {"page": page},
            "stack": "TypeError: parcel is undefined\n    at track (main.js:40:7)",
        }
        return self.http.post("/api/logs/client/", json={"events": [event, error]})


def drive(settings: Settings, requests: int, advance=lambda: None) -> None:
    """Send at least `requests` requests as USERS users at once. Raises httpx.HTTPError when nobody answers."""
    left = iter(range(requests))

    def visit(visitor: Visitor) -> None:
        while True:
            for _ in visitor.journey():
                advance()
                if next(left, None) is None:
                    return

    with ThreadPoolExecutor(USERS) as pool:
        for finished in [pool.submit(visit, Visitor(settings)) for _ in range(USERS)]:
            finished.result()


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


def run(settings: Settings, requests: int) -> int:
    """Drive, settle, print lines and documents of each stream. Returns the exit status: 1 on any difference."""
    console = Console()
    mark = Mark(counter(settings))
    try:
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("requests", total=requests)
            drive(settings, requests, advance=lambda: progress.advance(task))
    except httpx.HTTPError as error:
        console.print(
            f"[red]{settings.nginx_url} does not serve the application ({error}). Is the stack up? `make status` tells."
        )
        return 1
    with console.status("waiting until every line is searchable"):
        files = settle(settings, mark)

    table = Table("data stream", "lines written", "documents found", title=f"{requests} requests")
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
    return 1 if unequal else 0
