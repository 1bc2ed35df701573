"""The files: complete and whole, whoever writes them and however often they rotate."""

import json
import logging
import multiprocessing
import os
import re
import resource
import shutil
from pathlib import Path

import pytest

from config.logging.files import SharedRotatingFileHandler
from config.logging.formatters import JsonFormatter, PipeFormatter

HEADER = re.compile(r"INFO\|config\.logging\|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\|[0-9a-f]{8} app\.log\[\d+\] opened")
FORMATTERS = {"pipe": PipeFormatter(), "json": JsonFormatter("django")}


def handler(path: Path, max_bytes: int, backups: int, kind: str = "pipe") -> SharedRotatingFileHandler:
    made = SharedRotatingFileHandler(path, max_bytes=max_bytes, backups=backups)
    made.setFormatter(FORMATTERS[kind])
    return made


def line(number: int) -> logging.LogRecord:
    return logging.LogRecord(
        "apps.x", logging.INFO, "", 0, "writer %d line %d %s", (os.getpid(), number, "x" * 60), None
    )


def write_many(path: Path, count: int, max_bytes: int, backups: int, start) -> None:
    writer = handler(path, max_bytes, backups)
    start.wait()
    for number in range(count):
        writer.handle(line(number))
    writer.close()


def test_four_processes_lose_tear_and_double_nothing_across_rotations(tmp_path):
    path, count, writers = tmp_path / "app.log", 1500, 4
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(writers)
    processes = [fork.Process(target=write_many, args=(path, count, 20_000, 500, start)) for _ in range(writers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0

    files = [file.read_text().splitlines() for file in tmp_path.glob("app.log*")]
    assert len(files) > 30
    for lines in files:
        assert HEADER.fullmatch(lines[0])
    written = [text.split("|")[3] for lines in files for text in lines[1:]]
    expected = {f"writer {process.pid} line {number} {'x' * 60}" for process in processes for number in range(count)}
    assert len(written) == writers * count
    assert set(written) == expected


@pytest.mark.parametrize("kind", FORMATTERS)
def test_the_first_64_bytes_of_each_file_are_its_own(tmp_path, kind):
    writer = handler(tmp_path / "app.log", max_bytes=100, backups=100, kind=kind)  # each line begins a file
    for number in range(100):
        writer.handle(line(number))
    writer.close()
    beginnings = [file.read_bytes()[:64] for file in tmp_path.glob("app.log*")]
    assert len(beginnings) == len(set(beginnings)) >= 100
    assert {len(beginning) for beginning in beginnings} == {64}


def test_a_header_is_written_once_a_file(tmp_path):
    path = tmp_path / "missing/folder/app.log"
    for number in range(3):  # three processes, one after the other
        writer = handler(path, max_bytes=10_000, backups=5)
        writer.handle(line(number))
        writer.close()
    lines = path.read_text().splitlines()
    assert HEADER.fullmatch(lines[0])
    assert [text.split("|")[1] for text in lines] == ["config.logging", "apps.x", "apps.x", "apps.x"]


def test_a_full_disk_leaves_no_half_records(tmp_path):
    """A limit on the file's size stands in for the disk: a write that meets it is cut short, the next one fails."""
    path = tmp_path / "app.log"
    if (pid := os.fork()) == 0:
        logging.raiseExceptions = False  # tells of each failure on the console
        writer = handler(path, max_bytes=10**6, backups=5)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 2000))
        for number in range(20):
            writer.handle(line(number))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        writer.handle(line(99))
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    text = path.read_text()
    numbers = [int(text.split()[3]) for text in text.splitlines()[1:]]
    assert numbers == [*range(len(numbers) - 1), 99] and 3 < len(numbers) < 15
    assert text.endswith("x\n") and len(text.splitlines()[-1]) == len(text.splitlines()[1]) + 1


def test_a_file_that_was_moved_or_removed_is_made_again(tmp_path):
    writer = handler(tmp_path / "logs/app.log", max_bytes=10_000, backups=5)
    writer.handle(line(0))
    (tmp_path / "logs/app.log").rename(tmp_path / "taken.log")
    writer.handle(line(1))
    shutil.rmtree(tmp_path / "logs")
    writer.handle(line(2))
    writer.close()
    writer.handle(line(3))
    header, *lines = (tmp_path / "logs/app.log").read_text().splitlines()
    assert HEADER.fullmatch(header)
    assert [text.split("|")[3].split()[3] for text in lines] == ["2", "3"]


def test_backups_beyond_their_number_go(tmp_path):
    writer = handler(tmp_path / "app.log", max_bytes=1, backups=2)
    for number in range(6):
        writer.handle(line(number))
    writer.close()
    files = {file.name: file.read_text().splitlines()[1].split("|")[3].split()[3] for file in tmp_path.glob("app*")}
    assert files == {"app.log": "5", "app.log.1": "4", "app.log.2": "3"}


def test_a_forked_writer_goes_on_in_the_same_files(tmp_path):
    writer = handler(tmp_path / "app.log", max_bytes=1_000, backups=2000)
    writer.handle(line(0))
    pids = []
    for _ in range(4):
        if (pid := os.fork()) == 0:
            for number in range(400):
                writer.handle(line(number))
            os._exit(0)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0, 0]
    files = [file.read_text().splitlines() for file in tmp_path.glob("app.log*")]
    assert all(HEADER.fullmatch(lines[0]) for lines in files)
    assert sum(len(lines) - 1 for lines in files) == 1601


def test_json_files_begin_with_a_json_header(tmp_path):
    writer = handler(tmp_path / "app.log", max_bytes=10_000, backups=5, kind="json")
    writer.handle(line(0))
    header, first = map(json.loads, (tmp_path / "app.log").read_text().splitlines())
    assert (header["logger"], first["logger"]) == ("config.logging", "apps.x")
