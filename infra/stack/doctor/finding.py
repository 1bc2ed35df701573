"""What a check finds."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"  # lines arrive, but somebody should look
    BROKEN = "broken"
    NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Finding:
    """`evidence` are the figures that it rests on; `remedy` is what to do, empty where there is nothing to be done."""

    state: State
    evidence: str
    remedy: str = ""


def ok(evidence: str) -> Finding:
    return Finding(State.OK, evidence)


def warning(evidence: str, remedy: str) -> Finding:
    return Finding(State.WARNING, evidence, remedy)


def broken(evidence: str, remedy: str) -> Finding:
    return Finding(State.BROKEN, evidence, remedy)


def not_asked(evidence: str) -> Finding:
    return Finding(State.NOT_ASKED, evidence)


def in_a_line(error: Exception) -> str:
    """httpx adds lines with links to what a status code means."""
    return (str(error).splitlines() or [""])[0]
