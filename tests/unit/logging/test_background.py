"""LOG_ASYNC: nothing is lost but what a full queue must drop, and nothing changes while it waits."""

import logging
import sys
import threading

import pytest
from logging_alone import context
from logging_alone.background import BackgroundHandler, RecordQueue, flush

from tests.polling import poll_until

log = logging.getLogger("apps.x")


class Collect(logging.Handler):
    """Keeps what it is given; `gate` holds it up."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.gate = threading.Event()
        self.gate.set()

    def emit(self, record: logging.LogRecord) -> None:
        self.gate.wait(10)
        self.records.append(record)

    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]


def record(level: int, text: str = "x", *args: object) -> logging.LogRecord:
    return logging.LogRecord("apps.x", level, "x.py", 1, text, args, None)


def test_all_is_written_in_order(configure, written):
    configure(background=True)
    for number in range(500):
        log.log(logging.DEBUG if number % 3 else logging.ERROR, "line %d", number)
    flush()
    assert written.messages("celery/celery.log") == [f"line {number}" for number in range(500)]


def test_a_record_has_the_context_and_the_values_of_its_call(configure, written):
    configure(background=True)
    items, told = [1], {"deep": [2]}
    context.bind(request_id="first")
    log.info("items %s", items, extra={"told": told})
    context.bind(request_id="second")
    items.append(3)
    told["deep"].append(4)
    flush()
    (line,) = written.messages("celery/celery.log")
    assert line == 'items [1] {"told": {"deep": [2]}, "request_id": "first"}'


def test_secrets_go_in_the_thread_as_well(configure, written):
    configure(background=True)
    try:
        raise ValueError("password=hunter2")
    except ValueError:
        log.exception("Password %s refused: %s", "hunter2", ["token=hunter2"], extra={"pin": 1234})
    flush()
    text = (written.root / "celery/celery.log").read_text()
    assert 'Password [redacted] refused: [\'token=[redacted]\'] {"pin": "[redacted]"}' in text
    assert "\n\tValueError: password=[redacted]\n" in text and "hunter2" not in text


def test_a_full_queue_drops_the_least_severe_first_and_counts():
    queue = RecordQueue(4)
    for level, text in ((10, "d1"), (20, "i1"), (10, "d2"), (20, "i2")):
        queue.put_nowait(record(level, text))
    for level, text in ((20, "i3"), (10, "d3"), (30, "w1"), (40, "e1"), (50, "c1"), (50, "c2"), (30, "w2"), (20, "i4")):
        queue.put_nowait(record(level, text))
    left = [left.msg for left in iter(queue.get_nowait, None)]
    assert left == ["w1", "e1", "c1", "c2"]
    assert queue.take_dropped() == {"DEBUG": 3, "INFO": 4, "WARNING": 1}
    assert not queue.take_dropped()


def test_debug_goes_before_any_info_does():
    queue = RecordQueue(10)
    for _ in range(10):
        queue.put_nowait(record(logging.DEBUG))
    for number in range(10):
        queue.put_nowait(record(logging.INFO, str(number)))
    assert [left.msg for left in iter(queue.get_nowait, None)] == [str(number) for number in range(10)]
    assert queue.take_dropped() == {"DEBUG": 10}


def test_what_was_dropped_is_told():
    target = Collect()
    handler = BackgroundHandler(target, capacity=5)
    target.gate.clear()
    handler.handle(record(logging.INFO, "first"))
    poll_until("the thread to hold it", lambda: not len(handler.queue))
    for number in range(5):
        handler.handle(record(logging.INFO, str(number)))
    for level in (logging.DEBUG, logging.DEBUG, logging.ERROR):
        handler.handle(record(level, logging.getLevelName(level)))
    target.gate.set()
    handler.close()
    assert target.messages() == ["first", "1", "2", "3", "4", "Log queue was full: 3 records dropped", "ERROR"]
    told = target.records[-2]
    assert (told.levelname, told.dropped) == ("WARNING", {"DEBUG": 2, "INFO": 1})


def test_the_thread_outlives_a_handler_that_fails(capsys):
    class Fails(Collect):
        def handle(self, record):
            if record.msg == "bad":
                raise RuntimeError("no")
            return super().handle(record)

    target = Fails()
    handler = BackgroundHandler(target)
    for text in ("bad", "good"):
        handler.handle(record(logging.INFO, text))
    handler.flush()
    assert target.messages() == ["good"]
    assert "RuntimeError: no" in capsys.readouterr().err
    handler.close()


def test_after_close_records_are_written_at_once():
    target = Collect()
    handler = BackgroundHandler(target)
    handler.handle(record(logging.INFO, "before"))
    handler.close()
    handler.handle(record(logging.INFO, "after"))
    assert target.messages() == ["before", "after"]


def test_all_is_written_at_exit_by_exit_handlers_too(run_alone, written):
    done = run_alone(
        """
import atexit
configure(background=True)
for number in range(3000):
    log.info("line %d", number)
atexit.register(log.info, "the end")
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert written.messages("celery/celery.log") == [*(f"line {number}" for number in range(3000)), "the end"]


@pytest.mark.parametrize("ending", ["sys.exit(0)", "alone.flush(); os._exit(0)"])
def test_forked_workers_write_their_own_records_and_only_these(run_alone, written, ending):
    """As gunicorn's and Celery's do: forked while the parent's queue is full and its thread busy."""
    done = run_alone(
        f"""
configure(background=True)
for number in range(300):
    log.info("parent %d", number)
pids = []
for worker in range(4):
    log.info("parent forks %d", worker)
    if not (pid := os.fork()):
        for number in range(300):
            log.info("worker %d line %d", worker, number)
        {ending}
    pids.append(pid)
codes = [os.waitpid(pid, 0)[1] for pid in pids]
log.info("parent saw %s", codes)
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    expected = [f"parent {number}" for number in range(300)]
    expected += [f"parent forks {worker}" for worker in range(4)]
    expected += [f"worker {worker} line {number}" for worker in range(4) for number in range(300)]
    expected += ["parent saw [0, 0, 0, 0]"]
    assert sorted(written.messages("celery/celery.log")) == sorted(expected)


def test_a_multiprocessing_worker_loses_nothing(run_alone, written):
    done = run_alone(
        """
import multiprocessing
configure(background=True)
log.info("parent")
def work():
    for number in range(100):
        log.info("line %d", number)
    alone.flush()
process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join()
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(written.messages("celery/celery.log")) == 101


def test_a_signal_handler_may_log_in_the_middle_of_a_log_call(run_alone, written):
    done = run_alone(
        """
import signal
configure(background=True)
seen = 0
def handler(*args):
    global seen
    seen += 1
    log.info("signal")
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for number in range(20000):
    log.debug("line")
signal.setitimer(signal.ITIMER_REAL, 0)
alone.flush()
print(seen)
"""
    )
    assert done.stderr == ""
    lines = written.messages("celery/celery.log")
    assert lines.count("signal") == int(done.stdout) > 10


def test_threads_at_once_lose_nothing(configure, written):
    configure(background=True)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [
            threading.Thread(target=lambda name=name: [log.info("%s %d", name, number) for number in range(300)])
            for name in "abcd"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    flush()
    lines = written.messages("celery/celery.log")
    assert sorted(lines) == sorted(f"{name} {number}" for name in "abcd" for number in range(300))
    for name in "abcd":
        assert [line for line in lines if line[0] == name] == [f"{name} {number}" for number in range(300)]
