"""Load at a given rate, its figures, and what `make traffic` takes."""

import math
import subprocess
import sys
import time
from datetime import timedelta

import httpx
import pytest

from native.settings import Settings, SettingsError
from stack import load
from stack.faults import FAULTS
from stack.load import Figures, open_loop
from tests.paths import ROOT


def answer(status: int = 200, seconds: float = 0.0) -> httpx.Response:
    response = httpx.Response(status)
    response.elapsed = timedelta(seconds=seconds)
    return response


def test_a_late_answer_does_not_slow_the_next_requests():
    begun = []

    def step() -> httpx.Response:
        begun.append(time.monotonic())
        time.sleep(0.5)
        return answer(seconds=0.5)

    figures = Figures()
    assert open_loop(step, rate=50, duration=0.5, figures=figures) == 0
    assert figures.sent == 25
    assert begun[-1] - begun[0] < 5  # one after the other: 12 s
    assert figures.percentile(50) >= 0.5


def test_what_could_not_be_sent_is_counted(monkeypatch):
    monkeypatch.setattr(load, "IN_FLIGHT", 2)

    def step() -> httpx.Response:
        time.sleep(1)
        return answer()

    figures = Figures()
    unsent = open_loop(step, rate=100, duration=0.2, figures=figures)
    assert figures.sent + unsent == 20 and unsent >= 10


def test_requests_without_an_answer_do_not_end_it():
    outcomes = iter([httpx.ReadTimeout("slow"), httpx.HTTPStatusError("", request=None, response=answer(503)), None])

    def step() -> httpx.Response:
        if error := next(outcomes):
            raise error
        return answer()

    figures = Figures()
    open_loop(step, rate=100, duration=0.03, figures=figures)
    assert figures.outcomes == {"ReadTimeout": 1, "503": 1, "200": 1}


def test_percentiles():
    figures = Figures()
    assert math.isnan(figures.percentile(50))
    for hundredths in range(100, 0, -1):
        figures.answered(answer(seconds=hundredths / 100))
    assert (figures.percentile(50), figures.percentile(95), figures.percentile(100)) == (0.5, 0.95, 1.0)
    assert figures.summary() == "p50 500 ms, p95 950 ms; 200: 100"


def test_lateness_counts_as_waiting():
    figures = Figures()
    figures.answered(answer(seconds=0.25), late=0.5)
    assert figures.percentile(50) == 0.75


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rate", "fast"], "fast: give requests a second"),
        (["--rate", "0"], "0: give requests a second, more than 0 and at most 1000"),
        (["--rate", "20", "--duration", "5h"], "5h: give seconds or minutes, as 90, 90s or 5m"),
        (["--requests", "-1"], "-1: give a whole number from 1 on"),
        (["--requests", "9", "--rate", "1"], "not allowed with"),
        (["--duration", "5m"], "DURATION goes with RATE or FAULT: name one of them"),
        (["--requests", "9", "--fault", "slow-db", "--duration", "9"], "Leave out one of the two"),
        (["--fault", "fire"], "invalid choice: 'fire' (choose from 'carrier-down'"),
    ],
)
def test_bad_values_are_named_with_the_remedy(options, said):
    done = subprocess.run(
        [sys.executable, "-m", "stack", "traffic", *options], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2 and said in done.stderr


@pytest.mark.parametrize(("url", "allowed"), [("", True), ("http://localhost:9", True), ("https://a.test", False)])
def test_no_real_carrier_is_asked_for_quotes(tmp_path, url, allowed):
    settings = Settings.load(tmp_path, {"CARRIER_URL": url})
    if allowed:
        FAULTS["carrier-down"].check(settings)
    else:
        with pytest.raises(SettingsError, match=r"CARRIER_URL=https://a\.test: .* Leave it empty in \.env"):
            FAULTS["carrier-down"].check(settings)
