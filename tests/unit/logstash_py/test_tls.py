"""TLS: who is let in, what is told of those who aren't, and what events say of the peer."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from logstash_py import ConfigError, Pipeline
from logstash_py.inputs import beats
from logstash_py.tls import cipher_name

from .certificates import Certificates
from .conftest import free_port
from .lumberjack_client import window_of
from .running import Running, running


@pytest.fixture(autouse=True)
def no_lingering(monkeypatch) -> None:
    monkeypatch.setattr(beats, "LINGER", 0.01)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def config(port: int, options: str) -> str:
    return f'input {{ beats {{ host => "127.0.0.1" port => {port} enrich => all {options} }} }}'


async def refused(one: Running, port: int, context: ssl.SSLContext) -> None:
    """With TLS 1.3 a client learns that it is refused when it reads."""
    try:
        reader, writer = await one.connect(port, ssl=context, server_hostname="127.0.0.1")
        writer.write(window_of([{"message": "m"}]))
        assert await reader.read() == b""
        writer.close()
    except (ssl.SSLError, ConnectionError):
        pass


@pytest.mark.asyncio
async def test_without_client_authentication_anybody_may_send(certificates: Certificates) -> None:
    port = free_port()
    async with running(config(port, certificates.options)) as one:
        reader, writer = await one.connect(port, ssl=certificates.context(), server_hostname="127.0.0.1")
        writer.write(window_of([{"message": "m"}]))
        (event,) = await one.events(1)
        assert event["@metadata"] == {"input": {"beats": {"host": {"ip": "127.0.0.1"}}}}
        assert await reader.readexactly(6) == b"2A\0\0\0\1"
        writer.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["required", "optional"])
async def test_who_shows_a_certificate_is_named(certificates: Certificates, how: str) -> None:
    port = free_port()
    async with running(config(port, certificates.asking(how))) as one:
        _, writer = await one.connect(port, ssl=certificates.context(client=True), server_hostname="127.0.0.1")
        writer.write(window_of([{"message": "m"}]))
        (event,) = await one.events(1)
        assert event["@metadata"]["tls_peer"] == {"status": "verified"}
        tls = event["@metadata"]["input"]["beats"]["tls"]
        assert tls["version_protocol"] == "TLSv1.3"
        assert tls["cipher"].startswith("TLS_")
        assert tls["client"]["subject"].startswith("CN=client,")
        assert "O=acme" in tls["client"]["subject"]
        writer.close()


@pytest.mark.asyncio
async def test_an_optional_certificate_may_be_missing(certificates: Certificates) -> None:
    port = free_port()
    async with running(config(port, certificates.asking("optional"))) as one:
        _, writer = await one.connect(port, ssl=certificates.context(), server_hostname="127.0.0.1")
        writer.write(window_of([{"message": "m"}]))
        (event,) = await one.events(1)
        assert event["@metadata"]["tls_peer"] == {"status": "unverified"}
        writer.close()


@pytest.mark.asyncio
async def test_who_may_not_send_is_refused_with_the_reason_told(
    certificates: Certificates, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    (tmp_path / "other").mkdir()
    other = Certificates(tmp_path / "other")
    async with running(config(port, certificates.asking("required"))) as one:
        await refused(one, port, certificates.context())
        await one.until("a reason", lambda: "the peer sent no certificate" in caplog.text)
        await refused(one, port, certificates.context(other=other))
        await one.until("a reason", lambda: "the certificate was refused" in caplog.text)
        _, writer = await one.connect(port)
        writer.write(window_of([{"message": "plain"}]))
        await one.until("a reason", lambda: "what came is no TLS" in caplog.text)
        _, writer = await one.connect(port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await one.until("a reason", lambda: "an HTTP request instead of TLS" in caplog.text)
        assert one.intake.events_in == 0


@pytest.mark.asyncio
async def test_a_handshake_that_never_ends_is_closed(certificates: Certificates, caplog) -> None:
    port = free_port()
    async with running(config(port, certificates.options + " ssl_handshake_timeout => 100")) as one:
        reader, _ = await one.connect(port)
        assert await reader.read() == b""
        assert "the handshake took too long" in caplog.text


@pytest.mark.asyncio
async def test_protocols_can_be_chosen(certificates: Certificates) -> None:
    port = free_port()
    options = certificates.asking("required") + ' ssl_supported_protocols => ["TLSv1.2"]'
    async with running(config(port, options)) as one:
        _, writer = await one.connect(port, ssl=certificates.context(client=True), server_hostname="127.0.0.1")
        writer.write(window_of([{"message": "m"}]))
        (event,) = await one.events(1)
        tls = event["@metadata"]["input"]["beats"]["tls"]
        assert tls["version_protocol"] == "TLSv1.2"
        assert "_WITH_" in tls["cipher"]
        context = certificates.context(client=True)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        await refused(one, port, context)


@pytest.mark.asyncio
async def test_a_key_may_have_a_passphrase(certificates: Certificates, tmp_path: Path) -> None:
    key = serialization.load_pem_private_key(Path(certificates.server_key).read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"geheim"),
        )
    )
    options = certificates.options.replace(certificates.server_key, str(locked))
    with pytest.raises(ConfigError, match="can't be used"):
        Pipeline.from_text(config(1, options))
    with pytest.raises(ConfigError, match="can't be used") as caught:
        Pipeline.from_text(config(1, options + ' ssl_key_passphrase => "falsch"'))
    assert "falsch" not in caught.value.message
    Pipeline.from_text(config(1, options + ' ssl_key_passphrase => "${PASS}"'), {"PASS": "geheim"})


def test_what_is_missing_is_told_with_its_place(certificates: Certificates) -> None:
    for options, at, part in [
        ("ssl_enabled => true", "ssl_enabled", "ssl_certificate is required"),
        (f"{certificates.options} ssl_client_authentication => required", "ssl_client_auth", "authorities is required"),
        (f'{certificates.options} ssl_certificate_authorities => "{certificates.ca}"', "ssl_certificate_a", "needs"),
        ('ssl_certificate => "/nope.pem"', "ssl_certificate", "File does not exist"),
        ("ssl => true", "ssl ", "use ssl_enabled"),
        ('ssl_verify_mode => "peer"', "ssl_verify_mode", "use ssl_client_authentication"),
        ('ssl_supported_protocols => ["SSLv3"]', "ssl_supported", "Expected one of"),
        ('ssl_cipher_suites => ["X"]', "ssl_cipher", "not supported"),
    ]:
        text = config(1, options)
        with pytest.raises(ConfigError, match=part) as caught:
            Pipeline.from_text(text)
        assert caught.value.column == text.index(at) + 1


def test_cipher_names_are_the_standard_s() -> None:
    assert cipher_name("ECDHE-RSA-AES256-GCM-SHA384") == "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    assert cipher_name("ECDHE-ECDSA-CHACHA20-POLY1305") == "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
    assert cipher_name("ECDHE-RSA-AES128-SHA256") == "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"
    assert cipher_name("AES128-GCM-SHA256") == "TLS_RSA_WITH_AES_128_GCM_SHA256"
    assert cipher_name("TLS_AES_256_GCM_SHA384") == "TLS_AES_256_GCM_SHA384"


# python-logstash-async: what applications log with when they send themselves.


@pytest.mark.asyncio
@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("transport", ["tcp", "beats"])
async def test_python_logstash_async_delivers(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, secure: bool, transport: str
) -> None:
    from logstash_async.constants import constants
    from logstash_async.handler import AsynchronousLogstashHandler
    from logstash_async.transport import BeatsTransport, TcpTransport

    monkeypatch.setattr(constants, "QUEUE_CHECK_INTERVAL", 0.05)
    monkeypatch.setattr(constants, "QUEUED_EVENTS_FLUSH_INTERVAL", 0.05)
    port = free_port()
    options = certificates.asking("required") if secure else ""
    codec = "codec => json" if transport == "beats" else "codec => json_lines"
    text = f'input {{ {transport} {{ host => "127.0.0.1" port => {port} {codec} {options} }} }}'
    keys = {"keyfile": certificates.client_key, "certfile": certificates.client, "ca_certs": certificates.ca}
    arguments = {"timeout": 5.0, "ssl_enable": secure, "ssl_verify": secure} | (keys if secure else dict.fromkeys(keys))
    factory = TcpTransport if transport == "tcp" else BeatsTransport
    async with running(text) as one:
        _, writer = await one.connect(port)
        writer.close()

        def log() -> None:
            sender = factory("127.0.0.1", port, ssl_verify_flags=None, **arguments)
            handler = AsynchronousLogstashHandler("127.0.0.1", port, database_path=None, transport=sender)
            logger = logging.Logger("plug")
            logger.addHandler(handler)
            for number in range(20):
                logger.warning("zeile %d grün", number, extra={"parcel": "P1"})
            handler.flush()
            handler.close()

        thread = threading.Thread(target=log, daemon=True)
        thread.start()
        events = await one.events(20)
        # It keeps no order itself.
        assert {event["message"] for event in events} == {f"zeile {n} grün" for n in range(20)}
        assert events[0]["extra"]["parcel"] == "P1"
        if secure and transport == "tcp":
            subject = events[0]["@metadata"]["input"]["tcp"]["tls"]["client"]["subject"]
            assert subject.startswith("CN=client,")
        await asyncio.to_thread(thread.join, 10)
