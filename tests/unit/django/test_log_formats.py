"""The line formats: what a reader of the files, Filebeat and Logstash rely on."""

import json
import logging
import re
import sys

import pytest

from config.logging import context
from config.logging.filters import ContextFilter
from config.logging.formatters import JsonFormatter, MemoryLoggingFormatter, PipeFormatter

PIPE = re.compile(
    r"(?P<level>[A-Za-z]+)\|(?P<logger>[^|]+)\|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\|(?P<text>.*)"
)
LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def record(
    message="hello", *args, name="apps.parcels.views", level=logging.INFO, exc_info=None, extra=None, stack=None
):
    made = logging.getLogger("any").makeRecord(
        name, level, "views.py", 7, message, args, exc_info, "func", extra, sinfo=stack
    )
    made.created, made.msecs = 1738499696.123, 123.0
    return made


def pipe(*args, **kwargs) -> str:
    return PipeFormatter().format(record(*args, **kwargs))


def parse(line: str) -> tuple[str, dict]:
    """Message and context: the last JSON object of the line is the context."""
    text = PIPE.fullmatch(line)["text"]
    for position in (match.start() for match in re.finditer(r" \{", text)):
        try:
            found = json.loads(text[position + 1 :])
        except ValueError:
            continue
        return text[:position], found
    return text, {}


def failure(error: BaseException) -> tuple:
    try:
        raise error
    except type(error):
        return sys.exc_info()


def test_plain_line():
    assert pipe("Parcel %s created", "PT-1") == "INFO|apps.parcels.views|2025-02-02T12:34:56.123|Parcel PT-1 created"


def test_time_is_utc_whatever_the_zone(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    __import__("time").tzset()
    try:
        assert "|2025-02-02T12:34:56.123|" in pipe()
    finally:
        monkeypatch.undo()
        __import__("time").tzset()


def test_extras_and_context_are_one_json_object():
    context.bind(request_id="9f0c", tenant="acme")
    made = record("Parcel created", extra={"parcel_id": 1, "tenant": "by extra"})
    ContextFilter().filter(made)
    assert (
        PipeFormatter()
        .format(made)
        .endswith('|Parcel created {"parcel_id": 1, "tenant": "by extra", "request_id": "9f0c"}')
    )


@pytest.mark.parametrize("char", [*LINE_BREAKS, "\r\n", "\0", "\x1b[31m", "\x9b31m", "\x7f", "\ud800"])
def test_a_message_stays_on_its_line(char):
    line = pipe(f"one{char}ERROR|apps.x|2025-01-01T00:00:00.000|forged", extra={"key": f"a{char}b", f"k{char}": 1})
    assert len(line.splitlines()) == 1
    assert char not in line
    assert line.startswith("INFO|apps.parcels.views|")
    line.encode()  # UTF-8 can hold it
    assert len(parse(line)[1]) == 2


def test_own_line_breaks_are_written_as_escapes():
    assert pipe("a\nb\r\nc").endswith(r"|a\nb\r\nc")


def test_traceback_lines_start_with_a_tab():
    error = ValueError("bad\nERROR|apps.x|2025-01-01T00:00:00.000|forged\u2028INFO|x")
    head, *rest = pipe("failed", exc_info=failure(error), level=logging.ERROR, stack="Stack:\n  here\r\n\nthere").split(
        "\n"
    )
    assert head == "ERROR|apps.parcels.views|2025-02-02T12:34:56.123|failed"
    assert rest[0] == "\tTraceback (most recent call last):"
    assert "\tERROR|apps.x|2025-01-01T00:00:00.000|forged" in rest
    assert rest[-4:] == ["\tStack:", "\t  here", "\t", "\tthere"]
    assert all(line.startswith("\t") and len(line.splitlines()) == 1 for line in rest)


@pytest.mark.parametrize("name", ["a|b", "x|y|2025-01-01T00:00:00.000|forged", "a\nb", "", "a\u2028"])
def test_a_logger_name_cannot_forge_a_field(name):
    fields = PIPE.fullmatch(pipe("hello", name=name))
    assert fields["text"] == "hello"
    assert fields["time"] == "2025-02-02T12:34:56.123"


def test_a_level_is_one_word():
    assert pipe(level=25).startswith("INFO|")
    assert pipe(level=5).startswith("DEBUG|")


@pytest.mark.parametrize("message", ['saved {"user_id": 1}', "{}", 'odd {"a": {"b": "}"}}', "set {1}"])
@pytest.mark.parametrize("extra", [None, {"real": "x {", "deep": {"a": [{"b": "}"}]}}])
def test_a_message_that_ends_with_an_object_is_no_context(message, extra):
    assert parse(pipe(message, extra=extra)) == (message, extra or {})


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no")


CIRCULAR: dict = {}
CIRCULAR["self"] = CIRCULAR
DEEP: list = []
for _ in range(100_000):
    DEEP = [DEEP]


ODD_VALUES = {
    "set": ({1, 2}, "{1, 2}"),
    "bytes": (b"\xff", "b'\\xff'"),
    "nan": (float("nan"), "nan"),
    "infinity": (float("inf"), "inf"),
    "unprintable": (Unprintable(), "<unprintable Unprintable>"),
    "circular": (CIRCULAR, "{'self': {...}}"),
    "deep": (DEEP, "<unprintable list>"),
    "keys": ({(1, 2): 3}, "{(1, 2): 3}"),
    "huge": (10**5000, "<unprintable int>"),
    "unicode": ("Zoë 🎉", "Zoë 🎉"),
    "none": (None, None),
}


@pytest.mark.parametrize("kind", ODD_VALUES)
@pytest.mark.parametrize("formatter", [PipeFormatter(), JsonFormatter("django")], ids=["pipe", "json"])
def test_odd_extras_are_written_as_their_repr(formatter, kind):
    value, written = ODD_VALUES[kind]
    line = formatter.format(record(extra={"value": value, "other": 1}))
    found = parse(line)[1] if isinstance(formatter, PipeFormatter) else json.loads(line)
    assert (found["value"], found["other"]) == (written, 1)


@pytest.mark.parametrize("formatter", [PipeFormatter(), JsonFormatter("django"), MemoryLoggingFormatter()])
@pytest.mark.parametrize(
    ("message", "args", "part"),
    [
        ("%d parcels", ("many",), "%d parcels ('many',)"),
        ("%s", (1, 2), "%s (1, 2)"),
        ("%(a)s", ({"b": 1},), "%(a)s {'b': 1}"),
        (Unprintable(), (), "<unprintable Unprintable>"),
        ({"level": "forged"}, (), "{'level': 'forged'}"),
        ("100%", (), "100%"),
    ],
)
def test_a_line_is_kept_whatever_its_message(formatter, message, args, part):
    assert part in formatter.format(record(message, *args))


@pytest.mark.parametrize("formatter", [PipeFormatter(), JsonFormatter("django"), MemoryLoggingFormatter()])
@pytest.mark.parametrize("exc_info", [(None, None, None), ("odd", "odd", "odd")])
def test_odd_exception_information(formatter, exc_info):
    assert "hello" in formatter.format(record(exc_info=exc_info))


def test_json_line():
    error = failure(KeyError("gone\n"))
    line = JsonFormatter("django").format(record("a\nb\u2028", exc_info=error, extra={"parcel_id": 1, "level": "mine"}))
    assert len(line.splitlines()) == 1
    found = json.loads(line)
    assert found.pop("exc_info").startswith("Traceback (most recent call last):\n")
    assert found.pop("process") and found.pop("thread")
    assert found == {
        "timestamp": "2025-02-02T12:34:56.123",
        "message": r"a\nb\u2028",  # as in the pipe line: both become the same document
        "level": "INFO",
        "logger": "apps.parcels.views",
        "module": "views",
        "pathname": "views.py",
        "lineno": 7,
        "funcName": "func",
        "service": "django",
        "parcel_id": 1,
        "level_": "mine",
    }


def test_json_and_pipe_tell_the_same():
    made = record("a\x1b", exc_info=failure(KeyError("x\ny")), stack="Stack:\n\x1b[31mhere", extra={"key": "b\nc"})
    head, *stack_trace = PipeFormatter().format(made).split("\n")
    found = json.loads(JsonFormatter("django").format(made))
    assert found["exc_info"].split("\n") == [line.removeprefix("\t") for line in stack_trace]
    assert parse(head) == (found["message"], {"key": found["key"]})


def test_celery_console_line():
    line = MemoryLoggingFormatter().format(record("Task\nreceived", name="celery.worker.strategy"))
    assert re.fullmatch(
        r"\[2025-02-02T12:34:56\.123\] \[INFO\] \[celery\.worker\.strategy\] \[Process Memory: [\d.]+ MB\]"
        r" \[Available RAM: [\d.]+ MB\] \[Available Swap: [\d.]+ MB\] Task\\nreceived",
        line,
    )
