"""A server with an HTTP API as the jobs of this folder speak to it: they wait for it, and log each thing they put."""

import json
import logging
import ssl
import sys
import time
from collections.abc import Callable, Mapping

import httpx

WAIT_SECONDS = 180

log = logging.getLogger("setup")


class SetupError(Exception):
    """The set-up can't go on; the message says why, and what to do."""


class Server:
    """Elasticsearch or Kibana, as the user elastic. `ca` names the authority's certificate, for an https:// URL."""

    def __init__(self, name: str, url: str, password: str, ca: str | None, headers: Mapping[str, str] | None = None):
        self.name, self.url = name, url
        verify = True
        if url.startswith("https://"):
            try:
                verify = ssl.create_default_context(cafile=ca)
            except OSError as error:
                raise SetupError(f"{ca} (TLS_CA) can't be read: {error.strerror or error}") from None
        self.http = httpx.Client(
            base_url=url, auth=("elastic", password), verify=verify, headers=headers, timeout=30, trust_env=False
        )

    def wait_until(self, what: str, path: str, ready: Callable[[httpx.Response], bool], seconds: float = WAIT_SECONDS):
        """Ask `path` until `ready` of the answer. SetupError with the last answer, at once if it can't change."""
        log.info("waiting for %s", self.name)
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = self.http.get(path)
                if ready(answer):
                    log.info("%s is %s", self.name, what)
                    return
                last = told(answer)
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    raise SetupError(self.unknown_password)
            except httpx.TransportError as error:
                if "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise SetupError(f"{self.url}: {error}. Is TLS_CA the authority that signed it?") from None
                last = f"{type(error).__name__}: {error}"
            if time.monotonic() > deadline:
                raise SetupError(f"{self.name} is not {what} after {seconds:.0f} s at {self.url}; it says: {last}")
            time.sleep(0.5)

    def get(self, path: str) -> dict:
        return self.send("GET", path).json()

    def put(self, path: str, body: Mapping) -> None:
        """PUT, and say so. Raises SetupError."""
        self.send("PUT", path, json=body)
        log.info("PUT %s", path)

    def send(self, method: str, path: str, **content) -> httpx.Response:
        """Send one request. Raises SetupError when it is not answered, or with anything but success."""
        try:
            answer = self.http.request(method, path, **content)
        except httpx.TransportError as error:
            raise SetupError(f"{method} {self.url}{path}: {type(error).__name__}: {error}") from None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise SetupError(self.unknown_password)
        if not answer.is_success:
            raise SetupError(f"{method} {path} was refused: {told(answer)}")
        return answer

    @property
    def unknown_password(self) -> str:
        return (
            f"{self.name} does not take ELASTIC_PASSWORD for the user elastic (401). Did somebody set another one, "
            "in Kibana say? That is kept with the data: give it as ELASTIC_PASSWORD."
        )


def told(answer: httpx.Response) -> str:
    """Status and reason of an answer, in one line."""
    try:
        body = answer.json()
        error = body.get("error", body)
        reason = error.get("reason") if isinstance(error, dict) else error
        text = reason if isinstance(reason, str) else json.dumps(body)
    except (ValueError, AttributeError):
        text = answer.text
    return f"{answer.status_code} {text[:500]}".strip()


def variable(environ: Mapping[str, str], name: str) -> str:
    """A password; it has no default. Raises SetupError."""
    if not environ.get(name):
        raise SetupError(f"{name} is not set: run `make up`, which generates it")
    return environ[name]


def run(job: Callable[[], None]) -> int:
    """Run a job with its log on the standard output. Returns the exit status: 1 after a SetupError."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        job()
    except SetupError as error:
        log.error("failed: %s", error)
        return 1
    log.info("done")
    return 0
