"""The files: complete and whole, whoever writes them and however often they rotate."""

import json
import logging
import multiprocessing
import os
import re
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


def test_a_forked_writer_goes_on_in_the_same_files(tmp_path):
    writer = handler(tmp_path / "app.log", max_bytes=2_000, backups=200)
    writer.handle(line(0))
    pids = []
    for _ in range(2):
        if (pid := os.fork()) == 0:
            for number in range(200):
                writer.handle(line(number))
            os._exit(0)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0]
    files = [file.read_text().splitlines() for file in tmp_path.glob("app.log*")]
    assert all(HEADER.fullmatch(lines[0]) for lines in files)
    assert sum(len(lines) - 1 for lines in files) == 401


def test_json_files_begin_with_a_json_header(tmp_path):
    writer = handler(tmp_path / "app.log", max_bytes=10_000, backups=5, kind="json")
    writer.handle(line(0))
    header, first = map(json.loads, (tmp_path / "app.log").read_text().splitlines())
    assert (header["logger"], first["logger"]) == ("config.logging", "apps.x")
