"""What users, recipients, carriers and browsers ask of the application, all through nginx."""

import base64
import hashlib
import hmac
import json
import secrets
import socket
import time
import uuid
from collections import deque
from collections.abc import Iterator
from itertools import count, cycle

import httpx

from native.settings import LOOPBACK, Settings, SettingsError

FETCH_SECONDS = 10  # until a task has made what was asked for
TENANT = "acme"
USERS = {"demo": TENANT, "globex": "globex"}  # as seed_demo makes them
KNOWN_PARCELS = 500

# What a part of a journey yields: the answer to each request, when it is there.
Answers = Iterator[httpx.Response]


def client(settings: Settings, address: str | None = None) -> httpx.Client:
    """A client of nginx, by a loopback address of its own where one is given."""
    transport = httpx.HTTPTransport(
        local_address=address, limits=httpx.Limits(max_connections=None, max_keepalive_connections=20)
    )
    return httpx.Client(base_url=settings.nginx_url, timeout=30, transport=transport)


def address(number: int) -> str:
    """127.0.0.<number>, a client of its own for limits and logs; 127.0.0.1 where the system has no other (macOS)."""
    other = f"127.0.0.{number}"
    with socket.socket() as probe:
        try:
            probe.bind((other, 0))
        except OSError:
            return LOOPBACK
    return other


class Visitor:
    """One signed-in user who follows parcels from creation to delivery, and meets what goes wrong on the way.

    `parcels` takes the reference of each that was created.
    """

    def __init__(self, settings: Settings, user: str = "demo", trouble: bool = True) -> None:
        self.webhook_secret = settings.secrets["CARRIER_WEBHOOK_SECRET"]
        self.http = client(settings)
        self.get, self.post, self.put = self.http.get, self.http.post, self.http.put
        self.journeys = count(1)
        self.meets_trouble = trouble
        self.parcels: deque[str] = deque(maxlen=KNOWN_PARCELS)
        self.tenant = USERS[user]
        credentials = {"username": user, "password": settings.secrets["DEMO_PASSWORD"]}
        signed_in = self.post("/api/auth/sign-in/", json=credentials)
        if signed_in.status_code in (401, 429):
            raise SettingsError(
                f"The sign-in of {user} was refused with {signed_in.status_code}. After FAULT=brute-force, or more"
                " sign-ins than SIGN_IN_RATE in .env allows, wait a minute; else `make up` sets the password again."
            )
        token = signed_in.raise_for_status().json()["token"]
        self.http.headers.update({"X-Tenant": self.tenant, "Authorization": f"Token {token}"})

    def journey(self) -> Answers:
        """Send the requests of one journey. Every tenth, the first among them, has what is rarer too."""
        yield from self.desk()
        created = self.create()
        yield created
        reference = created.json()["reference"]
        yield from self.harmonization(reference)
        yield from self.label(reference)
        yield from self.container(reference)
        yield report(self.http, self.webhook_secret, reference, "out_for_delivery")
        yield from self.delivery(reference)
        yield from track(self.http, self.tenant, reference)
        yield from self.notification()
        yield from browser_events(self.http, reference)
        if next(self.journeys) % 10 == 1:
            yield from self.exports(reference)
            yield from self.reports()
            yield from self.records(created.headers["X-Request-ID"])
            yield from self.detours()
            if self.meets_trouble:
                yield from self.trouble(reference)

    def create(self) -> httpx.Response:
        created = self.post("/api/parcels/", json={"recipient": "Ada Lovelace", "destination": "London"})
        self.parcels.append(created.raise_for_status().json()["reference"])
        return created

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

    def delivery(self, reference: str) -> Answers:
        parcel = f"/api/parcels/{reference}"
        yield self.get(f"{parcel}/")
        yield self.post(f"{parcel}/scans/", json={"location": "London", "status": "delivered"})
        yield self.get(f"{parcel}/track/")
        yield self.get("/api/parcels/PT-0000000000/")  # 404 from Django

    def notification(self) -> Answers:
        notice = {"recipient": "ada@example.org", "subject": "Delivered", "body": "Your parcel is here."}
        yield self.post("/api/notifications/", json=notice)

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

    def detours(self) -> Answers:
        yield self.get("/nowhere.png")  # 404 from nginx, a line of its error log too
        yield self.get("/flower/")

    def trouble(self, reference: str) -> Answers:
        yield self.get("/api/common/fault/")  # 500 with a traceback
        yield self.quote(reference)

    def quote(self, reference: str) -> httpx.Response:
        """No carrier: urllib3's retries, 502 with a traceback."""
        return self.post(f"/api/parcels/{reference}/quote/")

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


def track(http: httpx.Client, tenant: str, reference: str) -> Answers:
    """The recipient, who is nobody's user, looks where the parcel is."""
    yield http.get(f"/api/branded/track/{tenant}/{reference}/")
    yield http.get(f"/track/{tenant}/{reference}/")  # the same as a page


def report(http: httpx.Client, secret: str, reference: str, status: str) -> httpx.Response:
    """The carrier tells where the parcel is, signed as https://www.standardwebhooks.com describes."""
    body = json.dumps({"reference": reference, "location": "London", "status": status}).encode()
    delivery, timestamp = uuid.uuid4().hex, str(int(time.time()))
    signed = hmac.new(secret.encode(), f"{delivery}.{timestamp}.".encode() + body, hashlib.sha256)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": delivery,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(signed.digest()).decode(),
    }
    return http.post("/api/integrations/carriers/northwind/webhook/", content=body, headers=headers)


def browser_events(http: httpx.Client, reference: str) -> Answers:
    page = {"page": f"/parcels/{reference}/"}
    event = {"level": "info", "logger": "page", "message": "Parcel opened", "context": page}
    yield http.post("/api/logs/client/", json={"events": [event, browser_error("parcel is undefined", page)]})


def browser_error(message: str, context: dict) -> dict:
    """The event of an exception that nobody caught."""
    stack = f"TypeError: {message}\n    at track (main.js:40:7)"
    return {"level": "error", "logger": "errors", "message": message, "context": context, "stack": stack}


class Crowd:
    """Many at once, each on a journey: users of two tenants, recipients of their parcels, carriers, browsers.

    A recipient comes from one of several addresses where the system has them: limits count by address.
    """

    def __init__(self, settings: Settings) -> None:
        acme, globex = (Visitor(settings, user, trouble=False) for user in USERS)
        for visitor in (acme, globex):
            visitor.create()  # one for the recipients and carriers to begin with
        visitors = cycle((globex, acme))
        recipients = cycle([client(settings, address(number)) for number in range(10, 30)])
        carriers, browsers = client(settings, address(40)), client(settings, address(50))

        def recipient() -> Answers:
            visitor = next(visitors)
            return track(next(recipients), visitor.tenant, visitor.parcels[-1])

        def carrier() -> Answers:
            yield report(carriers, acme.webhook_secret, next(visitors).parcels[-1], "in_transit")

        def browser() -> Answers:
            yield browsers.get("/")
            yield from browser_events(browsers, next(visitors).parcels[-1])

        # Whose request is next, so the shares: 60 % users, 20 % recipients, 10 % carriers, 10 % browsers.
        first = (acme.journey, globex.journey, recipient, acme.journey, carrier)
        self.turns = cycle((*first, globex.journey, acme.journey, recipient, globex.journey, browser))
        self.paused = {begin: deque() for begin in (acme.journey, globex.journey, recipient, carrier, browser)}

    def step(self) -> httpx.Response:
        """One request of whose turn it is: of a journey that waits for its next one, else of a new one.

        For several threads at once. Raises httpx.HTTPError when the journey ends by that.
        """
        begin = next(self.turns)
        while True:
            try:
                journey = self.paused[begin].popleft()
            except IndexError:
                journey = begin()
            for answer in journey:
                self.paused[begin].append(journey)
                return answer
