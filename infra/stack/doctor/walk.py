"""Asks every check, hop by hop, and tells the findings."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import httpx
from rich.console import Console
from rich.text import Text

from native.runtime import RuntimeFailure
from native.settings import Settings
from stack.doctor import application, elasticsearch, filebeat, files, lines, logstash
from stack.doctor.chain import Chain
from stack.doctor.finding import Finding, State, broken, in_a_line, not_asked
from stack.runtimes import has_application, has_elastic_side

SIGNS = {
    State.OK: ("✓", "green"),
    State.WARNING: ("!", "yellow"),
    State.BROKEN: ("✗", "red"),
    State.NOT_ASKED: ("·", "bright_black"),
}
STATUS = "`make status` tells which part is ill"
Check = Callable[[Chain], Finding]
ELSEWHERE: dict[str, Check] = {"runs": lambda _: not_asked("on another host: ask there")}


@dataclass(frozen=True)
class Told:
    hop: str
    check: str
    finding: Finding


def hops(settings: Settings) -> Iterator[tuple[str, dict[str, Check]]]:
    """(name, its checks) in the order of a line's way."""
    here, there = has_application(settings), has_elastic_side(settings)
    for hop in (application, files, filebeat):
        yield hop.NAME, hop.CHECKS if here else ELSEWHERE
    for hop in (logstash, elasticsearch):
        yield hop.NAME, hop.CHECKS if there else ELSEWHERE
    sides = ((lines.OF_FILES, here), (lines.OF_BOTH, here and there), (lines.OF_STORE, there))
    yield lines.NAME, {name: check for checks, has in sides if has for name, check in checks.items()}


def walk(settings: Settings) -> list[Told]:
    """All findings, in the order of a line's way. Hops are asked at the same time."""
    chain = Chain.look(settings)
    if not chain.parts:
        return [Told("Stack", "runs", broken("nothing runs", "`make up`"))]
    with ThreadPoolExecutor() as pool:
        asked = {name: pool.submit(ask, chain, checks) for name, checks in hops(settings)}
    return [Told(name, *found) for name, findings in asked.items() for found in findings.result().items()]


def ask(chain: Chain, checks: Mapping[str, Check]) -> dict[str, Finding]:
    """The findings of one hop: what comes behind a broken check is not asked."""
    found: dict[str, Finding] = {}
    behind = ""
    for name, check in checks.items():
        if behind:
            found[name] = not_asked(f"{behind}: see above")
            continue
        try:
            found[name] = check(chain)
        except (RuntimeFailure, httpx.HTTPError) as error:
            found[name] = broken(f"{type(error).__name__}: {in_a_line(error)}", STATUS)
        if found[name].state == State.BROKEN:
            behind = name
    return found


def first_broken(told: list[Told]) -> Told | None:
    return next((one for one in told if one.finding.state == State.BROKEN), None)


def show(settings: Settings, as_json: bool) -> int:
    """Print the findings. Returns the exit status: 1 when a hop is broken."""
    told = walk(settings)
    worst = first_broken(told)
    if as_json:
        findings = [{"hop": one.hop, "check": one.check, **asdict(one.finding)} for one in told]
        first = {"hop": worst.hop, "check": worst.check} if worst else None
        print(json.dumps({"healthy": worst is None, "first_broken": first, "findings": findings}))
    else:
        report(told, Console(soft_wrap=True, highlight=False))
    return 1 if worst else 0


def report(told: list[Told], console: Console) -> None:
    """A line for each check, and below it what to do; at the end the first hop that is broken."""
    width = max(len(one.check) for one in told)
    hop = None
    for one in told:
        if one.hop != hop:
            hop = one.hop
            console.print(Text(hop, style="bold"))
        sign, style = SIGNS[one.finding.state]
        console.print(Text.assemble("  ", (sign, style), f" {one.check:<{width}}  {one.finding.evidence}"))
        if one.finding.remedy:
            console.print(Text(f"  {'':{width}}    → {one.finding.remedy}"))
    warnings = sum(one.finding.state == State.WARNING for one in told)
    if worst := first_broken(told):
        console.print(Text(f"✗ Broken first: {worst.hop}, {worst.check}. {worst.finding.evidence}", style="red"))
    else:
        console.print(Text(f"✓ No hop is broken{f'; {warnings} warnings' if warnings else ''}.", style="green"))
