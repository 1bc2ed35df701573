"""Counting what stands in log files, on which `make traffic` and the integration tests rest."""

import hashlib
from functools import partial

import pytest

from stack.written import Mark, count_records, log_files

HEAD = "INFO|config.logging|2025-02-02T12:34:56.123|0a1b2c3d app.log[1] opened\n"


@pytest.fixture
def app_log(tmp_path):
    path = tmp_path / "django" / "app.log"
    path.parent.mkdir()
    path.write_text(HEAD)
    return path


def append(path, text):
    with path.open("a") as file:
        file.write(text)


def counts(mark):
    return {file.path.name: count for file, count in mark.written().items()}


def test_a_file_is_known_as_filebeat_knows_it(tmp_path, app_log):
    [file] = log_files(tmp_path)
    assert file.service == "django"
    assert file.fingerprint == hashlib.sha256(HEAD[:64].encode()).hexdigest()


def test_a_file_too_short_for_a_fingerprint_is_not_read_yet(tmp_path, app_log):
    app_log.write_text("x" * 63)
    assert list(log_files(tmp_path)) == []


def test_a_record_has_its_continuation_lines_and_needs_an_end(tmp_path, app_log):
    mark = Mark(partial(count_records, tmp_path))
    assert counts(mark) == {}
    append(app_log, "ERROR|a|b|boom\n\tTraceback\n\tValueError: x\n\nINFO|a|b|next\nINFO|a|b|unfinished")
    assert counts(mark) == {"app.log": 2}
    append(app_log, "\n")
    assert counts(mark) == {"app.log": 3}


def test_what_is_left_of_a_line_is_counted_with_the_line_that_follows_it(tmp_path, app_log):
    append(app_log, "before\nINFO|a|b|the disk was f")
    [file] = log_files(tmp_path)
    mark = Mark(partial(count_records, tmp_path))
    assert mark.offset(file) == len(HEAD + "before\n")  # as of the document that both become
    append(app_log, "INFO|a|b|next\n")
    assert counts(mark) == {"app.log": 1}


def test_a_rotation_changes_nothing(tmp_path, app_log):
    append(app_log, "before\n")
    mark = Mark(partial(count_records, tmp_path))
    append(app_log, "one\ntwo\n")
    app_log.rename(app_log.with_name("app.log.1"))
    app_log.write_text(HEAD.replace("0a1b", "ffff") + "three\n")
    assert counts(mark) == {"app.log.1": 2, "app.log": 2}


def test_lock_files_are_no_log_files(tmp_path, app_log):
    app_log.with_name(".__app.lock").write_text("x" * 100)
    assert [file.path.name for file in log_files(tmp_path)] == ["app.log"]
