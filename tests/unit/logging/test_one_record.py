"""Whatever a message holds, it is one safe record of bounded length, in each mode."""

import json
import logging

import pytest
from logging_alone import flush
from logging_alone.text import MAX_KEY, MAX_TEXT, MAX_VALUE, cut

from tests.unit.logging.conftest import PIPE

MIB = 2**20
FORGED = 'ok\nCRITICAL|apps.x|2025-01-01T00:00:00.000|forged\r\n\tforged too\u2028{"level": "forged"}'
NASTY = f"{FORGED} \x1b[31;1mred\x1b[0m \x1b]0;title\x07 password=hunter2 card 4111 1111 1111 1111 "


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("where", ["before", "after", "around"])
def test_forged_lines_a_password_ansi_codes_and_a_mebibyte(configure, written, background, as_json, where):
    configure(background=background, json=as_json)
    filler = "x " * (MIB // 2)
    message = {"before": NASTY + filler, "after": filler + NASTY, "around": NASTY + filler + NASTY}[where]
    logging.getLogger("apps.x").error(message, extra={"number": 1})
    flush()
    data = (written.root / "celery/celery.log").read_bytes()
    assert data.count(b"\n") == 2  # the first line, and the record
    text = data.decode().split("\n")[1]
    assert text.splitlines() == [text] and len(text) < 2 * MAX_TEXT
    assert "\x1b" not in text and "\x07" not in text and r"\x1b[31;1mred" in text.replace("\\\\", "\\")
    assert "hunter2" not in text and "password=[redacted]" in text
    assert "4111" not in text
    assert "characters cut] …" in text
    if as_json:
        found = json.loads(text)
        assert (found["level"], found["logger"], found["number"]) == ("ERROR", "apps.x", 1)
    else:
        assert PIPE.fullmatch(text) and text.startswith("ERROR|apps.x|") and text.endswith(' {"number": 1}')


@pytest.mark.parametrize("limit", [MAX_TEXT, MAX_VALUE, MAX_KEY, 100])
def test_the_mark_counts_what_is_missing(limit):
    text = "".join(f"{number:07} " for number in range(MIB // 8))
    short = cut(text, limit)
    assert limit - 600 < len(short) <= limit
    head, mark, tail = short[: short.index(" … [")], short[short.index("[") : short.index("]")], short.split("] … ")[1]
    assert text.startswith(head) and text.endswith(tail)
    assert mark == f"[{len(text) - len(head) - len(tail)} characters cut"
    assert cut(short, limit) is short
    assert cut("x" * limit, limit) == "x" * limit


@pytest.mark.parametrize("offset", range(-60, 60, 7))
def test_half_a_secret_at_the_cut_is_not_left(configure, written, offset):
    configure()
    at = (MAX_TEXT - 40) // 2 + offset
    log = logging.getLogger("apps.x")
    for secret in ("password=5ecr3t5ecr3t5ecr3t", "4111111111111111"):
        log.info("%s", "y" * (at - 12) + " " + secret + " " + "z" * MAX_TEXT)
        log.info("%s", "z" * MAX_TEXT + " " + secret + " " + "y" * (at - 12))
    text = (written.root / "celery/celery.log").read_text()
    for part in ("5ecr", "cr3t", "4111", "1111"):
        assert part not in text


def test_long_tracebacks_keep_what_failed(configure, written):
    configure()
    try:
        raise ValueError("begin " + "x" * MIB + " end")
    except ValueError:
        logging.getLogger("apps.x").exception("failed", stack_info=True)
    lines = written.lines("celery/celery.log")
    assert lines[1] == "\tTraceback (most recent call last):" and lines[0].endswith("|failed")
    assert any("characters cut] …" in line for line in lines)
    assert sum(map(len, lines)) < 2 * MAX_TEXT


def test_extras_have_bounds_each(configure, written):
    configure()
    extra = {"text": "x" * MIB, "list": list(range(MIB)), "dict": {str(n): n for n in range(9000)}, "small": {"a": [1]}}
    logging.getLogger("apps.x").info("hello", extra={**extra, "k" * MIB: 1})
    logging.getLogger("apps.x").info("many", extra={f"key{number}": "x" * 200 for number in range(1000)})
    first, second = written.context("celery/celery.log")
    assert first["small"] == {"a": [1]}
    for key in ("text", "list", "dict"):
        assert len(first[key]) <= MAX_VALUE and "characters cut] …" in first[key]
    assert len(second) == 101 and second["cut"] == "900 more values"


def test_a_megabyte_costs_milliseconds(configure):
    import time

    configure()
    begun = time.thread_time()
    for _ in range(5):
        logging.getLogger("apps.x").info(NASTY * (MIB // len(NASTY)))
    assert (time.thread_time() - begun) / 5 < 0.3
