"""How far Filebeat has read, from its registry, and what of each file waits."""

import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stack import survey
from stack.survey import first_since, line_time, offsets

HOUR = 3600.0


def entry(number, operation, fingerprint, offset=None):
    """Two lines of the journal, as Filebeat 8.17 writes them."""
    value = {"cursor": None if offset is None else {"offset": offset}, "meta": {"source": "/logs/x.log"}, "ttl": -1}
    change = {"k": f"filestream::pt-django-app::fingerprint::{fingerprint}"}
    change |= {"v": value} if operation == "set" else {}
    return json.dumps({"op": operation, "id": number}) + "\n" + json.dumps(change) + "\n"


def record(number, when):
    at = datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"INFO|apps.parcels|{at}|line {number:06d}\n"


@pytest.fixture
def stack(tmp_path):
    """Folders of log files and of Filebeat's data, as a stack has them."""
    (tmp_path / "logs/django").mkdir(parents=True)
    (tmp_path / "data/registry/filebeat").mkdir(parents=True)
    return tmp_path


def look(stack, seconds=24 * HOUR):
    found = survey.survey(stack / "logs", stack / "data", {"django": ["app.log"]}, seconds)
    return {Path(reading.path).name: reading for reading in found.readings}


def ship(stack, file, offset):
    fingerprint = hashlib.sha256(file.read_bytes()[:64]).hexdigest()
    with (stack / "data/registry/filebeat/log.json").open("a") as journal:
        journal.write(entry(int(time.monotonic_ns()), "set", fingerprint, offset))


def test_the_registry_is_its_checkpoint_and_the_journal_after_it(stack):
    folder = stack / "data/registry/filebeat"
    assert offsets(folder) == {}
    checkpoint = [
        {"_key": "filestream::pt-django-app::fingerprint::aa", "cursor": {"offset": 10}, "ttl": -1},
        {"_key": "filestream::pt-django-app::fingerprint::bb", "cursor": {"offset": 20}, "ttl": -1},
    ]
    (folder / "7.json").write_text(json.dumps(checkpoint))
    (folder / "active.dat").write_text("/elsewhere/registry/filebeat/7.json")
    journal = entry(6, "set", "dd", 5)  # older than the checkpoint: Filebeat had not emptied the journal yet
    journal += (
        entry(8, "set", "aa", 11) + entry(9, "remove", "bb") + entry(10, "set", "cc") + '{"op":"set","id":11}\n{"k'
    )
    (folder / "log.json").write_text(journal)
    assert offsets(folder) == {"aa": 11, "cc": 0}


def test_what_is_written_shipped_and_waiting(stack):
    now, file = time.time(), stack / "logs/django/app.log"
    lines = [record(number, now - 60 + number) for number in range(50)]
    file.write_text("".join(lines) + "\tFile x, line 1\n" + "INFO|apps.parcels|unfinished")
    reading = look(stack)["app.log"]
    assert (reading.lines, reading.shipped) == (50, 0)
    assert reading.size == len("".join(lines)) + len("\tFile x, line 1\n")
    ship(stack, file, len("".join(lines[:30])))
    reading = look(stack)["app.log"]
    assert (reading.lines, reading.shipped) == (50, 30)
    assert reading.waiting_bytes == len("".join(lines[30:])) + len("\tFile x, line 1\n")
    assert reading.waiting_since == pytest.approx(now - 30, abs=0.01)
    assert reading.rate == pytest.approx(reading.size / 60, rel=0.05)


def test_a_backup_is_known_by_its_first_bytes_wherever_it_is(stack):
    file = stack / "logs/django/app.log"
    file.write_text(record(1, time.time()) * 3)
    ship(stack, file, file.stat().st_size)
    file.rename(file.with_name("app.log.1"))
    file.write_text(record(2, time.time()) * 2)
    found = look(stack)
    assert (found["app.log.1"].lines, found["app.log.1"].shipped) == (3, 3)
    assert (found["app.log"].lines, found["app.log"].shipped) == (2, 0)


def test_shipped_lines_older_than_asked_for_are_not_counted(stack):
    now, file = time.time(), stack / "logs/django/app.log"
    file.write_text(record(1, now - 3 * HOUR) + record(2, now - HOUR) + record(3, now))
    ship(stack, file, file.stat().st_size)
    assert look(stack, seconds=2 * HOUR)["app.log"].lines == 2


def test_files_that_filebeat_does_not_read_are_left_out(stack):
    for name in ("app.log", "error.log"):
        (stack / "logs/django" / name).write_text(record(1, time.time()) * 2)
    assert look(stack).keys() == {"app.log"}


def test_the_first_line_since_is_found_in_a_large_file(tmp_path):
    lines = [record(number, 1_700_000_000 + number) + "\tcontinued\n" * (number % 3) for number in range(20_000)]
    (tmp_path / "x.log").write_text("".join(lines))
    with (tmp_path / "x.log").open("rb") as file:
        size = len("".join(lines))
        for number in (0, 1, 9_999, 19_999):
            assert first_since(file, size, 1_700_000_000 + number) == len("".join(lines[:number]))
        assert first_since(file, size, 1_800_000_000) == size


@pytest.mark.parametrize(
    "line",
    [
        b"INFO|apps.parcels.views|2025-02-02T12:34:56.125|Parcel PT-1 created\n",
        b'{"timestamp": "2025-02-02T12:34:56.125", "level": "INFO", "logger": "apps"}\n',
        b'{"request_id":"9f0c","time":"1738499696.125","client":"127.0.0.1"}\n',
    ],
)
def test_the_time_of_a_line(line):
    assert line_time(line) == datetime(2025, 2, 2, 12, 34, 56, 125000, UTC).timestamp()


def test_nginx_error_lines_have_seconds_and_others_no_time():
    assert (
        line_time(b"2025/02/02 12:34:56 [notice] 1#1: start\n") == datetime(2025, 2, 2, 12, 34, 56, 0, UTC).timestamp()
    )
    assert line_time(b"\tFile x at 2025-02-02T12:34:56.125\n") is None
    assert line_time(b"INFO|apps|2025-02-31T12:34:56.125|no such day\n") is None


def test_what_waits_counts_however_old(stack):
    now, file = time.time(), stack / "logs/django/app.log"
    file.write_text(record(1, now - 3 * HOUR) + record(2, now - 3 * HOUR) + record(3, now))
    ship(stack, file, len(record(1, now)))
    assert look(stack, seconds=2 * HOUR)["app.log"].lines == 2
