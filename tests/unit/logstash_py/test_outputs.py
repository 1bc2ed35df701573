"""file, tcp, stdout and null: what is written where, and what happens when it can't be."""

from __future__ import annotations

import asyncio
import errno
import gzip
import json
import logging
import ssl
from pathlib import Path

import pytest

from logstash_py import ConfigError, Pipeline
from logstash_py.outputs import file as file_output

from .certificates import Certificates
from .conftest import free_port


def output(text: str):
    (one,) = Pipeline.from_text(f"output {{ {text} }}").outputs
    return one


def events(*messages: str, **fields: object) -> list[dict]:
    return [{"message": message, **fields, "@metadata": {}} for message in messages]


def send(text: str, *batches: list[dict]) -> None:
    async def run() -> None:
        one = output(text)
        for batch in batches:
            await one.send(batch)
        await one.stop()

    asyncio.run(run())


def test_lines_are_appended_to_the_file_that_the_event_names(tmp_path: Path) -> None:
    text = f'file {{ path => "{tmp_path}/%{{service}}/x.log" }}'
    send(text, events("1", service="a"), events("2", service="a") + events("3", service="b"))
    lines = (tmp_path / "a/x.log").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"message": m, "service": "a"} for m in "12"]
    assert json.loads((tmp_path / "b/x.log").read_text())["message"] == "3"


def test_no_event_writes_outside_its_folder(tmp_path: Path) -> None:
    send(f'file {{ path => "{tmp_path}/logs/%{{service}}.log" }}', events("1", service="../../etc/x"))
    assert (tmp_path / "logs/_filepath_failures").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs"]


def test_gzip_can_be_read_after_each_batch(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    codec = 'codec => line { format => "%{message}" }'
    for expected in ("1\n2\n", "1\n2\n1\n2\n"):
        send(f'file {{ path => "{path}" gzip => true {codec} flush_interval => 0 }}', events("1"), events("2"))
        assert gzip.decompress(path.read_bytes()).decode() == expected


def test_overwrite_keeps_the_last_event_only(tmp_path: Path) -> None:
    path = tmp_path / "x"
    codec = 'codec => plain { format => "%{message}" }'
    send(f'file {{ path => "{path}" write_behavior => overwrite {codec} }}', events("1", "2"), events("3", "4"))
    assert path.read_text() == "4"


def test_modes_are_set_and_a_file_may_have_to_be_there(tmp_path: Path) -> None:
    send(f'file {{ path => "{tmp_path}/d/x" dir_mode => 448 file_mode => 384 }}', events("1"))
    assert oct((tmp_path / "d").stat().st_mode)[-3:] == "700"
    assert oct((tmp_path / "d/x").stat().st_mode)[-3:] == "600"
    send(f'file {{ path => "{tmp_path}/gone" create_if_deleted => false }}', events("1"))
    assert not (tmp_path / "gone").exists()
    assert (tmp_path / "_filepath_failures").exists()


def test_a_full_disk_loses_and_doubles_nothing(tmp_path: Path, monkeypatch, caplog) -> None:
    path = tmp_path / "x"
    one = output(f'file {{ path => "{path}" codec => line {{ format => "%{{message}}" }} }}')
    full = [True, True]
    truth = Path.open

    def opened(self: Path, *arguments, **options):
        file = truth(self, *arguments, **options)
        if self == path and full:
            full.pop()

            class Full:
                def __getattr__(self, name: str):
                    return getattr(file, name)

                def __enter__(self):
                    return self

                def __exit__(self, *error: object) -> None:
                    file.close()

                def write(self, data: bytes) -> int:
                    if file.tell():
                        raise OSError(errno.ENOSPC, "No space left on device")
                    return file.write(data[:1])

            return Full()
        return file

    monkeypatch.setattr(file_output, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(Path, "open", opened)
    asyncio.run(one.send(events("one", "two")))
    assert path.read_text() == "one\ntwo\n"
    assert "No space left" in caplog.text


@pytest.mark.asyncio
@pytest.mark.parametrize("secure", [False, True])
async def test_tcp_delivers_and_connects_again(tmp_path: Path, secure: bool, caplog: pytest.LogCaptureFixture) -> None:
    port, received, closing = free_port(), [], [True]
    certificates = Certificates(tmp_path)
    context = None
    options = ""
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.server, certificates.server_key)
        context.load_verify_locations(certificates.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        options = (
            f'ssl_enabled => true ssl_certificate_authorities => "{certificates.ca}" '
            f'ssl_certificate => "{certificates.client}" ssl_key => "{certificates.client_key}"'
        )

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            received.append(json.loads(line)["message"])
            if closing and received[-1] == "first":
                closing.clear()
                writer.close()
                return

    one = output(
        f'tcp {{ host => "127.0.0.1" port => {port} codec => json_lines reconnect_interval => 0.05 {options} }}'
    )
    sending = asyncio.create_task(one.send(events("first")))
    await asyncio.sleep(0.1)
    # Nobody listens yet: it keeps what it has.
    assert not sending.done()
    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    async with asyncio.timeout(10):
        await sending
        while closing:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        await one.send(events("second", "third"))
        while received[-1] != "third":
            await asyncio.sleep(0.01)
    assert received == ["first", "second", "third"]
    assert "trying again in 0.05 s" in caplog.text
    await one.stop()
    server.close()


@pytest.mark.asyncio
async def test_tcp_does_not_speak_to_a_server_that_it_cannot_verify(tmp_path: Path, caplog) -> None:
    certificates, port, received = Certificates(tmp_path), free_port(), []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.server_key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readline())

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    text = f'tcp {{ host => "127.0.0.1" port => {port} codec => json_lines ssl_enabled => true reconnect_interval => 9 '
    one = output(text + "}")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(one.send(events("secret")), 0.5)
    assert "the certificate was refused" in caplog.text
    assert received == []
    other = output(text + "ssl_verification_mode => none }")
    async with asyncio.timeout(10):
        await other.send(events("public"))
        while not received:
            await asyncio.sleep(0.01)
    await other.stop()
    server.close()


def test_stdout_shows_events_for_people_unless_told_otherwise(capfdbinary) -> None:
    logging.getLogger("unused")
    send("stdout { }", events("m"))
    assert capfdbinary.readouterr().out == b'{\n    "message" => "m"\n}\n'
    send("stdout { codec => json_lines }", events("m"))
    assert capfdbinary.readouterr().out == b'{"message":"m"}\n'


def test_null_takes_all(capfdbinary) -> None:
    send('null { id => "n" }', events("m"))
    assert capfdbinary.readouterr().out == b""


@pytest.mark.parametrize(
    ("text", "at", "part"),
    [
        ('file { path => "/%{x}/y" }', "path", "should not be dynamic"),
        ('file { path => "/x" write_behavior => "shout" }', "write_behavior", "Expected one of"),
        ('file { path => "/x" message_format => "x" }', "message_format", "codec => line"),
        ('tcp { host => "h" port => 1 mode => server }', "mode", "not supported"),
        ('tcp { host => "h" port => 1 ssl_cacert => "x" }', "ssl_cacert", "ssl_certificate_authorities"),
        ("stdout { codec => nope }", "codec", "codec plugin named 'nope'"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(text: str, at: str, part: str) -> None:
    config = f"output {{ {text} }}"
    with pytest.raises(ConfigError, match=part) as caught:
        Pipeline.from_text(config)
    assert (caught.value.line, caught.value.column) == (1, config.index(at) + 1)
