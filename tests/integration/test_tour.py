"""The README's tour: each fault shows what the text says, by the queries as they stand there."""

import re
import shlex
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

import pytest

from stack.faults import FAULTS
from stack.journeys import USERS, Visitor
from stack.load import Figures
from tests.paths import ROOT
from tests.polling import poll_until

COMMAND = re.compile(r"\$ make (?P<target>\w+) (?P<variables>.+)")


@dataclass
class Command:
    target: str
    variables: dict[str, str]
    shown: list[str]

    @property
    def query(self) -> str:
        return self.variables["Q"]


def tour() -> dict[str, list[Command]]:
    """{what a part of the tour is called: its commands}."""
    text = (ROOT / "README.md").read_text().partition("<!-- tour")[2].partition("<!-- /tour -->")[0]
    parts = {}
    for line in text.splitlines():
        if title := re.match(r"\*\*`?(.+?)`?\.\*\*", line):
            commands = parts[title[1]] = []
        elif command := COMMAND.fullmatch(line.strip()):
            variables = dict(word.split("=", 1) for word in shlex.split(command["variables"]))
            commands.append(Command(command["target"], variables, []))
        elif line.startswith("    "):
            commands[-1].shown.append(line.removeprefix("    "))
    return parts


TOUR = tour()


def test_the_tour_shows_every_fault_by_the_queries_that_the_traffic_names():
    queries = {name: [c.query for c in commands if c.target == "search"] for name, commands in TOUR.items()}
    assert {name: queries.get(name) for name in FAULTS} == {name: list(f.queries) for name, f in FAULTS.items()}


def find(stack, command: Command, since: str, query: str = "") -> None:
    """Wait until all that the text shows is found in what was logged since then."""
    query = f'({query or command.query}) AND @timestamp:["{since}" TO *]'
    patterns = {line: ".*".join(re.escape(part) for part in line.split("…")) for line in command.shown}
    assert patterns

    def missing() -> list[str]:
        found = stack.run("stack", "search", query, "--size", "1000").stdout.splitlines()
        return [line for line, pattern in patterns.items() if not any(re.fullmatch(pattern, each) for each in found)]

    with suppress(AssertionError):
        poll_until("all of it", lambda: not missing(), interval=1)
    assert missing() == []


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(stack, name):
    traffic, *searches = TOUR[name]
    assert traffic.variables["FAULT"] == name
    fault, figures, ended, since = FAULTS[name], Figures(), Event(), now()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(fault.run, stack.settings, Visitor(stack.settings), figures, ended)
        try:  # until it has shown: how long that takes depends on the machine
            poll_until(f"{name} to show", lambda: running.done() or fault.shown(figures), seconds=120)
        except AssertionError:
            if name == "brute-force" and figures.rate < 1.2:
                pytest.skip("this machine is too busy to check the 60 passwords a minute that are the limit")
            raise
        finally:
            ended.set()
        running.result()
    for search in searches:
        find(stack, search, since)


@pytest.fixture(scope="module")
def since(stack) -> str:
    """When traffic at the tour's rate began; it has ended."""
    rate = TOUR["One request"][0].variables["RATE"]
    since, told = now(), stack.run("stack", "traffic", "--rate", rate, "--duration", "5").stdout
    assert re.search(rf"traffic: {5 * int(rate)} requests, [\d.]+ requests/s, asked for {rate}/s; p50 \d+ ms", told)
    return since


def test_one_request_is_followed(stack, since):
    _, of_task, of_request = TOUR["One request"]
    find(stack, of_task, since)
    done = stack.run("stack", "search", f'({of_task.query}) AND @timestamp:["{since}" TO *]')
    [request_id, *_] = re.findall(r" request_id=(\w+)", done.stdout)
    find(stack, of_request, since, re.sub(r"\w{32}", request_id, of_request.query))


def test_who_takes_part(stack, since):
    query = {"query_string": {"query": f'logger_name:nginx.access AND @timestamp:["{since}" TO *]'}}
    paths = [document["url"]["original"] for document in stack.documents(query)]
    for path in ("/track/", "/webhook/", "/api/logs/client/"):  # 20 %, 10 %, and half of the browsers' 10 %
        assert sum(path in each for each in paths) >= 0.03 * len(paths), path
    for tenant in USERS.values():
        poll_until(f"lines of {tenant}", lambda tenant=tenant: stack.count({"term": {"tenant": tenant}}) > 5)


def test_the_traffic_tells_what_its_fault_left(stack):
    told = stack.run("stack", "traffic", "--fault", "carrier-down", "--duration", "8").stdout
    assert all(f"make search Q='{query}'" in told for query in FAULTS["carrier-down"].queries)
    assert "502: " in told and "logs-nginx-pt" in told


def test_a_fault_leaves_nothing_behind(stack):
    """Who was shut out is the guesser alone, and the lock is free."""
    visitor = Visitor(stack.settings)
    assert visitor.create().elapsed.total_seconds() < 1


def test_a_query_that_is_none(stack):
    done = stack.run("stack", "search", "a AND (", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Q=a AND (: Failed to parse query" in done.stderr
