"""tcp, udp, stdin, generator and file: what becomes an event, with which fields, and what happens at the edges."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from socket import gethostname

import pytest

from logstash_py import ConfigError, Pipeline

from .conftest import free_port
from .running import Running, running


def tcp(port: int, options: str = "") -> str:
    return f'input {{ tcp {{ host => "127.0.0.1" port => {port} dns_reverse_lookup_enabled => false {options} }} }}'


@pytest.mark.asyncio
async def test_tcp_takes_lines_and_names_the_source() -> None:
    port = free_port()
    async with running(tcp(port, 'type => "t" tags => ["a"] add_field => { "x" => "%{message}!" }')) as one:
        _, writer = await one.connect(port)
        writer.write(b"one\ntw")
        writer.write(b"o\nlast")
        writer.close()
        events = await one.events(3)
        assert [event["message"] for event in events] == ["one", "two", "last"]
        assert events[0]["event"] == {"original": "one"}
        assert (events[0]["type"], events[0]["tags"], events[0]["x"]) == ("t", ["a"], "one!")
        source = events[0]["@metadata"]["input"]["tcp"]["source"]
        assert (source["ip"], source["name"]) == ("127.0.0.1", "127.0.0.1")
        assert source["port"] == writer.get_extra_info("sockname")[1]


@pytest.mark.asyncio
async def test_tcp_without_ecs_uses_the_old_fields() -> None:
    port = free_port()
    async with running(tcp(port, "ecs_compatibility => disabled codec => json")) as one:
        _, writer = await one.connect(port)
        writer.write(b'{"message":"m","host":"own"}\n')
        (event,) = await one.events(1)
        assert (event["host"], event["@metadata"]) == ("own", {"ip_address": "127.0.0.1"})
        writer.close()


@pytest.mark.asyncio
async def test_tcp_joins_lines_by_stream_and_gives_them_after_a_silence() -> None:
    port = free_port()
    codec = 'codec => multiline { pattern => "^\\s" what => "previous" auto_flush_interval => 0.1 }'
    async with running(tcp(port, codec)) as one:
        _, first = await one.connect(port)
        _, second = await one.connect(port)
        first.write(b"a\n 1\n")
        second.write(b"b\n 2\n")
        assert {event["message"] for event in await one.events(2)} == {"a\n 1", "b\n 2"}


@pytest.mark.asyncio
async def test_tcp_closes_what_ends_no_line(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    async with running(tcp(port, "codec => json_lines { decode_size_limit_bytes => 1000 }")) as one:
        reader, writer = await one.connect(port)
        writer.write(b"x" * 2000)
        assert await reader.read() == b""
        assert "a line of more than 1000 bytes" in caplog.text
        assert one.intake.budget.held == 0


@pytest.mark.asyncio
async def test_udp_takes_datagrams_and_cuts_them_at_the_buffer_s_size() -> None:
    port = free_port()
    text = f'input {{ udp {{ host => "127.0.0.1" port => {port} codec => json buffer_size => 40 }} }}'
    async with running(text) as one:
        await asyncio.sleep(0.05)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for datagram in (b'{"message":"m"}', b'{"message":"%s"}' % (b"x" * 40)):
                sock.sendto(datagram, ("127.0.0.1", port))
        first, second = await one.events(2)
        assert (first["message"], first["host"]) == ("m", {"ip": "127.0.0.1"})
        assert second["tags"] == ["_jsonparsefailure"]
        assert len(second["message"]) == 40


@pytest.mark.asyncio
async def test_udp_drops_what_its_queue_has_no_room_for_and_tells(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    text = f'input {{ udp {{ host => "127.0.0.1" port => {port} queue_size => 5 workers => 1 }} }}'
    async with running(text, batch_size=1) as one:
        await asyncio.sleep(0.05)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for number in range(50):
                sock.sendto(b"%d" % number, ("127.0.0.1", port))
        await one.until("drops", lambda: one.input.metrics.failures > 30)
        assert "datagrams were dropped" in caplog.text
        kept = 50 - one.input.metrics.failures
        assert [event["message"] for event in await one.events(kept)] == [str(n) for n in range(kept)]


@pytest.mark.asyncio
async def test_generator_makes_its_lines_and_ends() -> None:
    async with running('input { generator { lines => ["a", "b"] count => 3 threads => 2 } }', batch_size=2) as one:
        events = await one.events(12)
        assert sorted(event["message"] for event in events) == ["a"] * 6 + ["b"] * 6
        assert sorted(event["event"]["sequence"] for event in events) == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
        assert events[0]["host"] == {"name": gethostname()}
        await asyncio.wait_for(one.task, 5)


STDIN = """
input { stdin { } }
output { stdout { codec => line { format => "%{[host][hostname]} %{message}" } } }
"""


@pytest.mark.parametrize("from_file", [True, False])
def test_stdin_is_read_to_its_end_and_ends_the_pipeline(tmp_path: Path, from_file: bool) -> None:
    config = tmp_path / "p.conf"
    config.write_text(STDIN)
    data = b"one\ntwo\nlast"
    (tmp_path / "in").write_bytes(data)
    command = [sys.executable, "-m", "logstash_py", "run", "-f", str(config), "--path.data", str(tmp_path / "data")]
    command += ["--api.http.port", str(free_port())]
    with (tmp_path / "in").open("rb") as file:
        source = {"stdin": file} if from_file else {"input": data}
        result = subprocess.run(command, capture_output=True, timeout=30, check=True, **source)
    host = gethostname().encode()
    assert result.stdout.splitlines() == [host + b" one", host + b" two", host + b" last"]


# file


def tail(tmp_path: Path, options: str = "", path: str = "*.log") -> str:
    return (
        f'input {{ file {{ path => "{tmp_path}/{path}" sincedb_path => "{tmp_path}/sincedb" stat_interval => 0.02 '
        f"discover_interval => 2 {options} }} }}"
    )


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def messages(events: list[dict]) -> list[str]:
    return [event["message"] for event in events]


async def idle(one: Running) -> None:
    await asyncio.sleep(0.15)
    assert one.intake.empty


@pytest.mark.asyncio
async def test_a_file_is_followed_from_its_end_or_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    append(log, "old\n")
    async with running(tail(tmp_path)) as one:
        await idle(one)
        append(log, "new\nhal")
        (event,) = await one.events(1)
        assert (event["message"], event["log"], event["host"]) == (
            "new",
            {"file": {"path": str(log)}},
            {"name": gethostname()},
        )
        append(log, "f\n")
        assert messages(await one.events(1)) == ["half"]
        # A file that appears later is new from its first line on.
        append(tmp_path / "b.log", "first\n")
        assert messages(await one.events(1)) == ["first"]
    (tmp_path / "sincedb").unlink()
    async with running(tail(tmp_path, "start_position => beginning file_sort_by => path")) as one:
        assert messages(await one.events(4)) == ["old", "new", "half", "first"]


@pytest.mark.asyncio
async def test_reading_goes_on_where_it_ended_and_what_was_not_stored_is_read_again(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    append(log, "1\n2\n")
    options = "start_position => beginning"
    async with running(tail(tmp_path, options)) as one:
        assert messages(await one.events(2)) == ["1", "2"]
        append(log, "3\n")
        await one.until("the third", lambda: one.intake.events_in == 3)
    append(log, "4\nunfinished")
    async with running(tail(tmp_path, options)) as one:
        assert messages(await one.events(2)) == ["3", "4"]
    records = [json.loads(line) for line in (tmp_path / "sincedb").read_text().splitlines()]
    assert [(r["offset"], r["inode"]) for r in records] == [(8, log.stat().st_ino)]


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["rename", "copytruncate", "replace"])
async def test_no_line_is_lost_or_doubled_by_rotation(tmp_path: Path, how: str) -> None:
    log = tmp_path / "a.log"
    append(log, "before\n")
    async with running(tail(tmp_path, "start_position => beginning")) as one:
        assert messages(await one.events(1)) == ["before"]
        if how == "rename":
            append(log, "late\n")
            log.rename(tmp_path / "a.log.1")
            append(tmp_path / "a.log.1", "later\n")
            append(log, "after\n")
            expected = ["after", "late", "later"]
        elif how == "copytruncate":
            os.truncate(log, 0)
            await asyncio.sleep(0.1)
            append(log, "after\n")
            expected = ["after"]
        else:
            (tmp_path / "new").write_text("another\n")
            (tmp_path / "new").replace(log)
            expected = ["another"]
        assert sorted(messages(await one.events(len(expected)))) == expected
        await idle(one)


@pytest.mark.asyncio
async def test_a_new_file_with_a_known_inode_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    append(log, "the first file\n")
    async with running(tail(tmp_path, "start_position => beginning")) as one:
        await one.events(1)
    # In place: the same inode, other bytes, and longer than before.
    with log.open("r+") as file:
        file.write("quite another file\n")
    async with running(tail(tmp_path, "start_position => beginning")) as one:
        assert messages(await one.events(1)) == ["quite another file"]


@pytest.mark.asyncio
async def test_a_position_waits_for_all_lines_before_it(tmp_path: Path) -> None:
    append(tmp_path / "a.log", "1\n2\n")
    # Each line is read, and stored, by itself.
    async with running(tail(tmp_path, "start_position => beginning file_chunk_size => 2"), batch_size=1) as one:
        first, second = await one.intake.batch(), await one.intake.batch()
        second.finish()
    assert json.loads((tmp_path / "sincedb").read_text())["offset"] == 0
    first.finish()


@pytest.mark.asyncio
async def test_a_file_that_was_read_to_its_end_is_not_read_again_but_another_is(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    append(log, "the first file\n")
    options = (
        f'mode => read exit_after_read => true file_completed_action => log file_completed_log_path => "{tmp_path}/d"'
    )
    async with running(tail(tmp_path, options)) as one:
        await one.events(1)
        await asyncio.wait_for(one.task, 5)
    async with running(tail(tmp_path, options)) as one:
        await asyncio.wait_for(one.task, 5)
        assert one.intake.events_in == 0
    # In place: the same inode and length, other bytes.
    log.write_text("another  file.\n")
    async with running(tail(tmp_path, options)) as one:
        assert messages(await one.events(1)) == ["another  file."]


@pytest.mark.asyncio
async def test_a_file_is_read_once_and_then_logged_or_deleted(tmp_path: Path) -> None:
    append(tmp_path / "a.log", "1\n2")
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"3\n4\n"))
    options = (
        f"mode => read exit_after_read => true file_sort_by => path file_completed_action => log_and_delete "
        f'file_completed_log_path => "{tmp_path}/done" exclude => ["sincedb", "done"]'
    )
    async with running(tail(tmp_path, options, "*.[lg]*")) as one:
        assert messages(await one.events(2)) == ["1", "2"]
        assert messages(await one.events(2)) == ["3", "4"]
        await asyncio.wait_for(one.task, 5)
    assert (tmp_path / "done").read_text().splitlines() == [str(tmp_path / "a.log"), str(tmp_path / "b.gz")]
    assert not (tmp_path / "a.log").exists()


@pytest.mark.asyncio
async def test_what_is_not_stored_is_not_deleted(tmp_path: Path) -> None:
    append(tmp_path / "a.log", "1\n")
    async with running(tail(tmp_path, "mode => read")) as one:
        batch = await one.intake.batch()
        await asyncio.sleep(0.1)
        assert (tmp_path / "a.log").exists()
        batch.finish()
        await one.until("the file to be deleted", lambda: not (tmp_path / "a.log").exists())


@pytest.mark.asyncio
async def test_lines_of_a_file_may_be_joined(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    append(log, "a\n 1\nb\n 2\n")
    codec = 'codec => multiline { pattern => "^\\s" what => "previous" } start_position => beginning'
    async with running(tail(tmp_path, codec)) as one:
        assert messages(await one.events(1)) == ["a\n 1"]
    # What waits for its next line is read again.
    append(log, "c\n")
    async with running(tail(tmp_path, codec)) as one:
        assert messages(await one.events(1)) == ["b\n 2"]


@pytest.mark.parametrize(
    ("text", "at", "part"),
    [
        ('file { path => "a.log" }', "path", "must be absolute"),
        ('file { path => "/a" stat_interval => "1 lightyear" }', "stat_interval", "not a valid duration"),
        ('file { path => "/a" exit_after_read => true }', "exit_after_read", 'mode is "read"'),
        ('file { path => "/a" mode => read file_completed_action => log }', "file_completed_a", "must be provided"),
        ('file { path => "/a" max_open_files => 9 }', "max_open_files", "not supported"),
        ("tcp { port => 1 mode => client }", "mode", "not supported"),
        ("tcp { port => 1 proxy_protocol => true }", "proxy_protocol", "not supported"),
        ("udp { port => 1 queue_size => 0 }", "queue_size", "1 or more"),
        ("udp { port => 1 metadata => true }", "metadata", "not supported"),
        ('generator { message => "stdin" }', "message", "use the input stdin"),
        ("stdin { codec => rubydebug }", "codec", "can't read"),
        ('beats { port => 1 codec => multiline { pattern => "x" what => next } }', "codec", "join lines in Filebeat"),
        ("beats { port => 1 enrich => [all, source_metadata] }", "enrich", "stand alone"),
        ("beats { port => 1 enrich => [everything] }", "enrich", "Expected one of"),
        ("beats { port => 1 executor_threads => 2 }", "executor_threads", "pipeline.workers"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(text: str, at: str, part: str) -> None:
    config = f"input {{ {text} }}"
    with pytest.raises(ConfigError, match=part) as caught:
        Pipeline.from_text(config)
    assert (caught.value.line, caught.value.column) == (1, config.index(at) + 1)
