"""Real requests through nginx, then the count: is every line that they made the services write searchable?"""

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Iterator
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
FETCH_SECONDS = 10  # until a task has made what was asked for

# What a part of a journey yields: the answer to each request, when it is there.
Answers = Iterator[httpx.Response]


def client(settings: Settings) -> httpx.Client:
    return httpx.Client(base_url=settings.nginx_url, timeout=30)


class Visitor:
    """One signed-in user who follows parcels from creation to delivery, and meets what goes wrong on the way."""

    def __init__(self, settings: Settings) -> None:
        self.webhook_secret = settings.secrets["CARRIER_WEBHOOK_SECRET"].encode()
        self.http = client(settings)
        self.get, self.post, self.put = self.http.get, self.http.post, self.http.put
        self.journeys = count(1)
        demo = {"username": "demo", "password": settings.secrets["DEMO_PASSWORD"]}
        signed_in = self.post("/api/auth/sign-in/", json=demo).raise_for_status()
        self.http.headers.update({"X-Tenant": TENANT, "Authorization": f"Token {signed_in.json()['token']}"})

    def journey(self) -> Answers:
        """Send the requests of one journey. Every tenth, the first among them, has what is rarer too."""
        yield from self.desk()
        parcel = {"recipient": "Ada Lovelace", "destination": "London"}
        created = self.post("/api/parcels/", json=parcel).raise_for_status()
        yield created
        reference = created.json()["reference"]
        yield from self.harmonization(reference)
        yield from self.label(reference)
        yield from self.container(reference)
        yield from self.integrations(reference)
        yield from self.delivery(reference)
        yield from self.branded(reference)
        yield from self.notification()
        yield from self.browser_events(reference)
        if next(self.journeys) % 10 == 1:
            yield from self.exports(reference)
            yield from self.reports()
            yield from self.records(created.headers["X-Request-ID"])
            yield from self.trouble(reference)

    def desk(self) -> Answers:
        """The front end, and what its first page shows."""
        yield self.get("/")
        yield self.get("/api/tenants/current/")
        yield self.get("/api/dashboard/")

    def harmonization(self, reference: str) -> Answers:
        """HS codes are looked up, one in vain, and the parcel is declared: as heavier than it is."""
        codes = "/api/harmonization/codes/"
        yield self.get(codes, params={"search": "unobtainium"})
        yield self.get(codes, params={"search": "coffee roasted"})
        coffee = {"hs_code": "090121", "description": "Coffee, roasted", "quantity": 3, "weight_grams": 1500}
        items = [{**coffee, "value": "36.00", "currency": "EUR", "origin": "ET"}]
        yield self.put(f"/api/harmonization/declarations/{reference}/", json={"items": items})

    def label(self, reference: str) -> Answers:
        yield self.post(f"/api/parcels/{reference}/label/")
        yield from self.fetch(f"/api/parcels/{reference}/label/")

    def container(self, reference: str) -> Answers:
        """A consignment with the parcel in it travels one leg; tasks scan the parcel at both ends."""
        opened = self.post("/api/containers/", json={"origin": "Leeds", "destination": "London"}).raise_for_status()
        yield opened
        consignment = f"/api/containers/{opened.json()['reference']}"
        yield self.post(f"{consignment}/parcels/", json={"references": [reference]})
        yield self.post(f"{consignment}/depart/")
        yield self.post(f"{consignment}/arrive/")

    def integrations(self, reference: str) -> Answers:
        """The carrier reports where the parcel is, signed as https://www.standardwebhooks.com describes."""
        body = json.dumps({"reference": reference, "location": "London", "status": "out_for_delivery"}).encode()
        delivery, timestamp = uuid.uuid4().hex, str(int(time.time()))
        signed = hmac.new(self.webhook_secret, f"{delivery}.{timestamp}.".encode() + body, hashlib.sha256)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": delivery,
            "webhook-timestamp": timestamp,
            "webhook-signature": "v1," + base64.b64encode(signed.digest()).decode(),
        }
        yield self.post("/api/integrations/carriers/northwind/webhook/", content=body, headers=headers)

    def delivery(self, reference: str) -> Answers:
        parcel = f"/api/parcels/{reference}"
        yield self.get(f"{parcel}/")
        yield self.post(f"{parcel}/scans/", json={"location": "London", "status": "delivered"})
        yield self.get(f"{parcel}/track/")
        yield self.get("/api/parcels/PT-0000000000/")  # 404 from Django

    def branded(self, reference: str) -> Answers:
        """The recipient, who is nobody's user, looks where the parcel is."""
        yield self.get(f"/api/branded/track/{TENANT}/{reference}/")
        yield self.get(f"/track/{TENANT}/{reference}/")  # the same as a page

    def notification(self) -> Answers:
        notice = {"recipient": "ada@example.org", "subject": "Delivered", "body": "Your parcel is here."}
        yield self.post("/api/notifications/", json=notice)

    def browser_events(self, reference: str) -> Answers:
        page = {"page": f"/parcels/{reference}/"}
        event = {"level": "info", "logger": "page", "message": "Parcel opened", "context": page}
        error = {
            "level": "error",
            "logger": "errors",
            "message": "parcel is undefined",
            "context": page,
            "stack": "TypeError: parcel is undefined\n    at track (main.js:40:7)",
        }
        yield self.post("/api/logs/client/", json={"events": [event, error]})

    def exports(self, reference: str) -> Answers:
        asked = self.post("/api/parcels/exports/", json={"query": f"search={reference}"}).raise_for_status()
        yield asked
        yield from self.fetch(f"/api/parcels/exports/{asked.json()['id']}/download/")

    def reports(self) -> Answers:
        today = time.strftime("%Y-%m-%d", time.gmtime())
        wanted = {"kind": "deliveries", "first_day": today, "last_day": today}
        asked = self.post("/api/reports/", json=wanted).raise_for_status()
        yield asked
        yield from self.fetch(f"/api/reports/{asked.json()['id']}/download/")

    def records(self, request_id: str) -> Answers:
        """What was done and logged in the tenant: the audit log, and the lines of one request."""
        yield self.get("/api/data-governance/audit-events/")
        yield self.get("/api/logs/search/", params={"request_id": request_id})

    def trouble(self, reference: str) -> Answers:
        yield self.get("/api/common/fault/")  # 500 with a traceback
        yield self.post(f"/api/parcels/{reference}/quote/")  # no carrier: urllib3's retries, 502 with a traceback
        yield self.get("/nowhere.png")  # 404 from nginx, a line of its error log too
        yield self.get("/flower/")

    def fetch(self, path: str) -> Answers:
        """Ask for what a task makes until it is there, 404 till then, as a page does."""
        deadline = time.monotonic() + FETCH_SECONDS
        while True:
            answer = self.get(path)
            yield answer
            if answer.status_code != 404 or time.monotonic() > deadline:
                return
            time.sleep(0.2)


def newcomer(settings: Settings) -> Answers:
    """A company signs up; its owner looks around, signs out, and mistypes the password on coming back.

    For once a run: an address may sign up 60 times an hour, and 30 sign-ins refused within a minute are an alarm.
    """
    name, password = f"visitor-{uuid.uuid4().hex[:12]}", secrets.token_urlsafe()
    with client(settings) as http:
        account = {"username": name, "email": f"{name}@example.org", "password": password}
        signed_up = http.post("/api/onboarding/sign-up/", json={"company": "Visitor Ltd", "slug": name, **account})
        yield signed_up
        if signed_up.is_success:  # 429 after too many runs
            http.headers.update({"X-Tenant": name, "Authorization": f"Token {signed_up.json()['token']}"})
            yield http.get("/api/tenants/current/")
            yield http.post("/api/auth/sign-out/")
        yield http.post("/api/auth/sign-in/", json={"username": name, "password": "wrong"})  # 401


def drive(settings: Settings, requests: int, advance=lambda: None) -> int:
    """Send at least `requests` requests as USERS users at once, whose journeys all come to their ends.

    Returns how many were sent; `advance` is called for each. Raises httpx.HTTPError when nobody answers.
    """

    def follow(answers: Answers) -> int:
        sent = 0
        for _ in answers:
            advance()
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


def run(settings: Settings, requests: int) -> int:
    """Drive, settle, print lines and documents of each stream. Returns the exit status: 1 on any difference."""
    console = Console()
    mark = Mark(counter(settings))
    try:
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("requests", total=requests)
            sent = drive(settings, requests, advance=lambda: progress.advance(task))
    except httpx.HTTPError as error:
        console.print(
            f"[red]{settings.nginx_url} does not serve the application ({error}). Is the stack up? `make status` tells."
        )
        return 1
    with console.status("waiting until every line is searchable"):
        files = settle(settings, mark)

    table = Table("data stream", "lines written", "documents found", title=f"{sent} requests")
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
