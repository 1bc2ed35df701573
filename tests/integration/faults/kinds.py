"""What is done to the stack under load: each fault is a context, in which it lasts."""

import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import psutil
from elasticsearch import ApiError, Elasticsearch

from native import runtime
from tests.integration.faults.load import Load
from tests.polling import poll_until

AWAY = 60.0  # seconds
GIB = 1 << 30


@dataclass(frozen=True)
class Fault:
    name: str
    strike: Callable[..., AbstractContextManager]
    load: dict = field(default_factory=dict)  # options of the load


# Kills


def killed(part: str, victims: Callable[[psutil.Process], list[psutil.Process]] = lambda main: [main]):
    """kill -9, three times in a row: each as soon as the part is healthy again."""

    @contextmanager
    def strike(stack, load: Load) -> Iterator[None]:
        last = 0
        for _ in range(3):
            main = poll_until(f"{part} to be healthy", lambda last=last: healthy(stack, part, last), 90)
            doomed = victims(main)
            for process in doomed:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(doomed, 10)
            last = main.pid if main in doomed else 0
        yield

    return strike


def healthy(stack, part: str, not_pid: int) -> psutil.Process | None:
    """The part's process, when it is healthy and another than the one that was killed."""
    account = runtime.processes(stack.settings)[part]
    if account["pid"] == not_pid or runtime.parts(stack.settings)[part] != runtime.HEALTHY:
        return None
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(account["pid"])


def one_worker(main: psutil.Process) -> list[psutil.Process]:
    return main.children()[:1]


def all_of_it(main: psutil.Process) -> list[psutil.Process]:
    return [*main.children(recursive=True), main]


# Outages


def away(part: str):
    """Stopped as an operator would, and started after AWAY seconds."""

    @contextmanager
    def strike(stack, load: Load) -> Iterator[None]:
        with runtime.api(stack.settings, timeout=60) as client:
            client.patch(f"/process/stop/{part}").raise_for_status()
            last(AWAY, load)
            yield
            client.post(f"/process/start/{part}").raise_for_status()

    return strike


@contextmanager
def rotation_with_filebeat_down(stack, load: Load) -> Iterator[None]:
    """The files rotate twice and more while nobody reads them."""
    path = stack.settings.logs / "django" / "app.log"
    with runtime.api(stack.settings, timeout=60) as client:
        client.patch("/process/stop/filebeat").raise_for_status()
        seen = set()

        def rotated() -> bool:
            seen.add(path.stat().st_ino)
            return len(seen) >= 3

        poll_until("two rotations of app.log", rotated, 120)
        yield
        client.post("/process/start/filebeat").raise_for_status()


def last(seconds: float, load: Load) -> None:
    """So many seconds, in which the load goes on."""
    deadline, before = time.monotonic() + seconds, load.written()
    while time.monotonic() < deadline:
        assert all(writer.process.poll() is None for writer in load.writers), "a writer ended"
        time.sleep(1)
    assert load.written() > before, "nothing was written meanwhile"


# The store


@contextmanager
def read_only(stack, load: Load) -> Iterator[None]:
    """The block that Elasticsearch sets at its flood stage, on every index."""
    admin = elastic(stack)
    block = "index.blocks.read_only_allow_delete"
    with admin:
        admin.indices.put_settings(index=stack.settings.data_stream("*"), settings={block: True})
        last(20, load)
        yield
        admin.indices.put_settings(index=stack.settings.data_stream("*"), settings={block: None})


@contextmanager
def store_disk_full(stack, load: Load) -> Iterator[None]:
    """The disk of Elasticsearch's data fills up to the last byte; who filled it makes room again."""
    data = stack.settings.state / "data" / "elasticsearch"
    with filled(data), elastic(stack) as admin:
        poll_until("Elasticsearch to see it", lambda: sees_no_room(stack, admin), 90)
        last(10, load)
        yield


def sees_no_room(stack, admin: Elasticsearch) -> bool:
    """It has set its block; or it is no master any more, where the cluster's state could not be written either."""
    try:
        settings = admin.indices.get_settings(index=stack.settings.data_stream("*"), master_timeout="2s")
    except ApiError as error:
        return error.status_code == 503
    return "read_only_allow_delete" in str(settings)


@contextmanager
def mapping_conflict(stack, load: Load) -> Iterator[None]:
    """A template by which the next backing index of celerybeat takes a logger's name for a number, for some seconds."""
    stream = stack.settings.data_stream("celerybeat")
    with elastic(stack) as admin:
        admin.indices.put_index_template(
            name="pt-faults",
            index_patterns=[stream],
            data_stream={},
            priority=900,
            composed_of=["pt-settings", "pt-mappings"],
            template={"mappings": {"properties": {"environment": {"type": "long"}}}},
        )
        admin.indices.rollover(alias=stream)
        last(5, load)
        yield
        admin.indices.delete_index_template(name="pt-faults")
        admin.indices.rollover(alias=stream)


def elastic(stack) -> Elasticsearch:
    """As the superuser: whoever breaks things may do anything."""
    settings = stack.settings
    credentials = ("elastic", settings.secrets["ELASTIC_PASSWORD"])
    return Elasticsearch(settings.elasticsearch_url, basic_auth=credentials, request_timeout=30)


# The log files


@contextmanager
def logs_disk_full(stack, load: Load) -> Iterator[None]:
    with filled(stack.settings.logs):
        time.sleep(10)  # in which every write fails, and the account holds none of them
        yield


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Not a byte is free on the folder's disk, which is a small one of its own (conftest.py)."""
    assert psutil.disk_usage(str(folder)).total < 4 * GIB, f"{folder} is not on a small disk of its own"
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def truncated(stack, load: Load) -> Iterator[None]:
    """Everything that stands in the files has arrived when they are cut to nothing; the writers write on."""
    pause = [writer.process for writer in load.writers]
    for process in pause:
        process.send_signal(signal.SIGSTOP)
    try:
        poll_until("every line to arrive", lambda: load.stored() >= load.written(), 60)
        for service, file in (("django", "app"), ("celery", "celery"), ("celerybeat", "celerybeat")):
            os.truncate(stack.settings.logs / service / f"{file}.log", 0)
    finally:
        for process in pause:
            process.send_signal(signal.SIGCONT)
    yield


@contextmanager
def hostile_lines(stack, load: Load) -> Iterator[None]:
    """Among the others, a line of a mebibyte, NUL bytes, invalid UTF-8, 10,000 keys, and one without an end."""
    path = stack.settings.logs / "django" / "app.log"
    head = b"INFO|apps.parcels.hostile|2025-02-02T12:34:56.123|%s "
    keys = ",".join(f'"k{number}": {number}' for number in range(10_000)).encode()
    with path.open("ab", buffering=0) as file:
        for name, rest in (
            (b"mebibyte", b"x" * (1 << 20)),
            (b"nul", b"a\0b\0"),
            (b"invalid", b"\xff\xfe\xc3\x28"),
            (b"keys", b"{" + keys + b"}"),
            (b"ansi", b"\x1b[31mred\x1b[0m \x07"),
        ):
            file.write(head % name + rest + b"\n")
    own = stack.settings.logs / "flower" / "flower.log.faults"
    with own.open("ab", buffering=0) as file:
        file.write(head % b"whole" + b"x" * 64 + b"\n" + head % b"endless" + b"y" * 1000)
        last(5, load)
        query = {"term": {"logger_name": "apps.parcels.hostile"}}
        assert stack.count({"bool": {"must": [query, {"match": {"log_message": "endless"}}]}}) == 0, (
            "half a line arrived"
        )
        file.write(b" its end\n")
        yield
    # Of NUL bytes, nothing is said but that the line arrives.
    poll_until("the seven hostile lines", lambda: stack.count(query) >= 7, 60)
    assert stack.count(query) == 7
    own.unlink()


# The network between Filebeat and Logstash


class Proxy:
    """Between Filebeat and Logstash, for as long as the stack is up. It can be a bad line.

    `loss` is the share of packets that come late by a retransmission, which is all that TCP lets a program see of a
    lost one; `cut` resets every connection.
    """

    RETRANSMISSION = 0.2  # seconds: Linux's least

    def __init__(self, listen: tuple[str, int], target: tuple[str, int]) -> None:
        self.target = target
        self.loss = 0.0
        self.server = socket.create_server(listen, reuse_port=False)
        self.connections: list[socket.socket] = []
        self.closed = Event()
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self.closed.is_set():
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.target, timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self.connections += [near, far]
            for source, sink in ((near, far), (far, near)):
                Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(64 * 1024):
                packets = -(-len(data) // 1448)
                if self.loss and random.random() > (1 - self.loss) ** packets:  # noqa: S311
                    time.sleep(self.RETRANSMISSION)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        connections, self.connections = self.connections, []
        for connection in connections:
            with suppress(OSError):
                # Nothing lingers: the peer gets a reset.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()

    def close(self) -> None:
        self.closed.set()
        self.server.close()
        self.cut()


@contextmanager
def cut_connections(stack, load: Load) -> Iterator[None]:
    for _ in range(8):
        stack.proxy.cut()
        time.sleep(1)
    yield


@contextmanager
def packet_loss(stack, load: Load) -> Iterator[None]:
    stack.proxy.loss = 0.1
    try:
        last(20, load)
        yield
    finally:
        stack.proxy.loss = 0.0


@contextmanager
def wrong_clock(stack, load: Load) -> Iterator[None]:
    """The load's own clock jumps all the while (its option `skew`)."""
    last(5, load)
    yield


FAULTS = (
    Fault("kill -9 of Filebeat", killed("filebeat")),
    Fault("kill -9 of Logstash", killed("logstash", all_of_it)),
    Fault("kill -9 of Elasticsearch", killed("elasticsearch", all_of_it)),
    Fault("kill -9 of a gunicorn worker", killed("django", one_worker)),
    Fault("kill -9 of a Celery worker", killed("celery", one_worker)),
    Fault("kill -9 of Redis", killed("redis")),
    Fault("kill -9 of nginx", killed("nginx")),
    Fault("Elasticsearch away for 60 s", away("elasticsearch")),
    Fault("Logstash away for 60 s", away("logstash")),
    Fault("Elasticsearch read-only", read_only),
    Fault("the store's disk full", store_disk_full),
    Fault("the logs' disk full", logs_disk_full),
    Fault("rotations with Filebeat down", rotation_with_filebeat_down),
    Fault("truncated files", truncated),
    Fault("a clock that jumps by an hour", wrong_clock, {"skew": 3600.0}),
    Fault("10 % packet loss to Logstash", packet_loss),
    Fault("connections cut each second", cut_connections),
    Fault("a mapping conflict", mapping_conflict),
    Fault("hostile lines", hostile_lines),
)
