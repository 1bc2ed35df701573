"""Live load whose every line is numbered, so that loss, doubling and order are counted and not guessed."""

import json
import subprocess
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import httpx
from elasticsearch.helpers import scan

from stack.journeys import Visitor
from stack.store import Store
from tests.paths import ROOT

SERVICES = ("django", "django", "celery", "celerybeat")  # a process each; the first two share their file
RATE = 520.0  # lines a second of each
SECONDS = 600.0  # that it may last
PAUSE = 0.5  # seconds, of people between two parcels


@dataclass(frozen=True)
class Account:
    """What became of the lines.

    `lost`: written, and neither in a stream nor, with a reason, in the dead letter queue. `unowned`: stored, but its
    write never returned. `disordered`: behind a later line of its file, by the documents' offsets.
    """

    written: int
    dead: int
    lost: int
    doubled: int
    unowned: int
    disordered: int


class Writer:
    """A process that writes numbered lines."""

    def __init__(self, stack, service: str, loggers: str, ledger: Path, rate: float, numbers: int, skew: float) -> None:
        # The two of one service write by one logger each: their lines are told apart.
        self.name = f"{loggers}{ledger.name}"
        self.ledger = ledger
        ledger.write_bytes(bytes(numbers))
        environ = {
            **stack.environ,
            "PYTHONPATH": f"{ROOT / 'services/django'}:{ROOT}",
            "LOG_FILE_PATH": str(stack.settings.logs),
            "LOG_LEVEL": "INFO",
        }
        command = [sys.executable, "-m", f"{__package__}.writer", service, self.name, str(rate), str(ledger), str(skew)]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environ, **silent)

    def written(self) -> set[int]:
        return {number for number, returned in enumerate(self.ledger.read_bytes()) if returned}

    def count(self) -> int:
        return self.ledger.read_bytes().count(1)


class Load:
    """Writers at work, and people at the application, from entering the context to `stop`."""

    def __init__(self, stack, rate: float = RATE, seconds: float = SECONDS, skew: float = 0.0) -> None:
        self.stack, self.rate, self.skew = stack, rate, skew
        self.numbers = round(rate * seconds)  # of each writer, at most
        self.loggers = f"apps.parcels.faults.{uuid.uuid4().hex[:8]}."
        self.store = Store(stack.settings)
        self.writers: list[Writer] = []
        self.answered = Counter()
        self._ended = Event()
        self._visits = Thread(target=self._visit)
        self._folder = tempfile.TemporaryDirectory(prefix="pt-load-")

    def __enter__(self) -> "Load":
        folder = Path(self._folder.name)
        for number, service in enumerate(SERVICES):
            ledger = folder / f"w{number}"
            self.writers.append(Writer(self.stack, service, self.loggers, ledger, self.rate, self.numbers, self.skew))
        self._visits.start()
        return self

    def __exit__(self, *raised) -> None:
        self.stop()
        self._folder.cleanup()

    def stop(self) -> None:
        self._ended.set()
        for writer in self.writers:
            writer.process.terminate()
        for writer in self.writers:
            writer.process.wait(30)
        if self._visits.ident:
            self._visits.join(60)

    def _visit(self) -> None:
        """Parcels with labels: lines of nginx, Django and Celery. A fault is theirs to bear."""
        visitor = None
        while not self._ended.wait(PAUSE):
            try:
                visitor = visitor or Visitor(self.stack.settings)
                reference = visitor.create().json()["reference"]
                self.answered[visitor.post(f"/api/parcels/{reference}/label/").status_code] += 1
            except httpx.HTTPError as error:
                self.answered[type(error).__name__] += 1

    @property
    def query(self) -> dict:
        return {"prefix": {"logger_name": self.loggers}}

    def written(self) -> int:
        """Lines whose write returned, so far."""
        return sum(writer.count() for writer in self.writers)

    def stored(self) -> int:
        return self.store.count(self.query)

    def dead(self) -> list[tuple[str, int]]:
        """(logger, number) of the lines in Logstash's dead letter queue."""
        return [(event["logger_name"], number_of(event)) for event in self._dead_letters()]

    def _dead_letters(self) -> Iterator[dict]:
        for segment in sorted((self.stack.settings.state / "data/logstash/dead_letter_queue").glob("*/*.jsonl")):
            for line in segment.read_text().splitlines():
                entry = json.loads(line)
                if entry["reason"] and entry["event"].get("logger_name", "").startswith(self.loggers):
                    yield entry["event"]

    def lag(self) -> float:
        """Seconds of writing that are written, and neither stored nor dead letters."""
        return (self.written() - self.stored() - len(self.dead())) / (self.rate * len(self.writers))

    def account(self) -> Account:
        """Of a load that is stopped, from the documents themselves."""
        hits = scan(
            self.store.client,
            index=self.stack.settings.data_stream("*"),
            query={"query": self.query, "_source": ["log_message", "logger_name", "log"]},
            size=5_000,
        )
        found: dict[str, Counter] = {writer.name: Counter() for writer in self.writers}
        places: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for hit in hits:
            document = hit["_source"]
            name, number = document["logger_name"], number_of(document)
            found[name][number] += 1
            file = document["log"]["file"]["fingerprint"]
            places.setdefault((name, file), []).append((document["log"]["offset"], number))
        dead = self.dead()
        for name, number in dead:
            found[name][number] += 1
        written = lost = doubled = unowned = 0
        for writer in self.writers:
            own, stored = writer.written(), found[writer.name]
            written += len(own)
            lost += len(own - stored.keys())
            unowned += len(stored.keys() - own)
            doubled += stored.total() - len(stored)
        disordered = 0
        for lines in places.values():
            numbers = [number for _, number in sorted(lines)]
            disordered += sum(after < before for before, after in pairwise(numbers))
        return Account(written, len(dead), lost, doubled, unowned, disordered)


def number_of(document: dict) -> int:
    return int(document["log_message"].split()[2])
