"""How long an outage may last, and the lag of each stream."""

import math
from dataclasses import replace

import pytest

from native.settings import Settings
from stack.budget import seconds_left
from stack.lag import duration, lags
from stack.survey import Reading, Survey

MIB = 2**20
FULL = 10 * MIB


def reading(name, size=FULL, shipped=None, rate=0.0, service="django"):
    return Reading(
        path=f"/logs/{service}/{name}",
        service=service,
        fingerprint=name,
        size=size,
        shipped_bytes=size if shipped is None else shipped,
        modified=0.0,
        since=0,
        lines=size // 100,
        shipped=(size if shipped is None else shipped) // 100,
        rate=rate,
        waiting_since=None if shipped is None else 1000.0,
    )


def left(*readings):
    return seconds_left(readings, max_bytes=FULL, backups=5)


def test_with_nothing_waiting_it_is_the_next_lines_time():
    """It is written at 4 MiB of the file: 6 MiB until the file is a backup, then five full files."""
    assert left(reading("app.log", 4 * MIB, rate=MIB)) == 6 + 50


def test_the_oldest_file_that_waits_counts():
    active = reading("app.log", 4 * MIB, shipped=0, rate=MIB)
    shipped_backup, waiting = reading("app.log.2"), reading("app.log.2", shipped=9 * MIB)
    assert left(active, shipped_backup) == 56
    assert left(active, waiting) == 6 + 30
    assert left(active, replace(waiting, path="/logs/django/app.log.5")) == 6  # gone with the next rotation


def test_the_least_of_all_files_counts():
    assert left(reading("app.log", 0, rate=MIB), reading("django.log", 0, rate=2 * MIB)) == 30


@pytest.mark.parametrize("readings", [[], [reading("app.log", shipped=0)], [reading("app.log.7", shipped=0, rate=1.0)]])
def test_where_nothing_is_written_nothing_is_lost(readings):
    assert math.isinf(left(*readings))


def test_the_settings_say_size_and_number(tmp_path):
    settings = Settings.load(tmp_path, {"LOG_FILE_MAX_BYTES": str(MIB), "LOG_FILE_BACKUPS": "2"})
    survey = Survey((reading("app.log", 0, rate=MIB),), {}, 1, 1)
    assert lags(settings, survey, None)["logs-django-pt"].budget == 3


def test_a_streams_lag_is_the_sum_of_its_files(tmp_path):
    files = (
        reading("app.log", 1000, shipped=400),
        reading("django.log", 500),
        reading("react.log", 100, service="react"),
    )
    stored = {"app.log": 3, "django.log": 5, "react.log": 1}
    found = lags(Settings.load(tmp_path, {}), Survey(files, {}, 1, 1), stored)
    django = found["logs-django-pt"]
    assert (django.written, django.shipped, django.stored) == (15, 9, 8)
    assert (django.waiting_bytes, django.waiting_since) == (600, 1000.0)
    assert (found["logs-react-pt"].stored, found["logs-flower-pt"].written) == (1, 0)
    assert django.as_json()["budget"] is None  # JSON has no infinity


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (90, "90 s"), (600, "10 min"), (7200, "2 h"), (9e5, "10 days"), (math.inf, "forever")],
)
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words
