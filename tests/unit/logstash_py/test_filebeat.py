"""The real Filebeat, over TLS with certificates on both sides. Skipped where the native toolchain hasn't built it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from native.settings import default_cache

from .certificates import Certificates
from .conftest import free_port
from .running import running

FILEBEATS = sorted(default_cache().glob("filebeat/*/bin/filebeat"))
pytestmark = pytest.mark.skipif(
    not FILEBEATS, reason="no Filebeat in the cache of the native toolchain: run `make up` once"
)

SETTINGS = """
filebeat.inputs:
  - {{type: filestream, id: t, paths: ["{folder}/in.log"], prospector.scanner.check_interval: 100ms,
      prospector.scanner.fingerprint.length: 64}}
output.logstash:
  hosts: ["127.0.0.1:{port}"]
  compression_level: {compression}
  ssl: {ssl}
  backoff: {{init: 200ms, max: 500ms}}
path: {{home: {folder}, data: {folder}/data, logs: {folder}/logs}}
logging: {{to_files: false, to_stderr: true, level: info}}
queue.mem.flush.timeout: 50ms
"""


@contextlib.asynccontextmanager
async def filebeat(folder: Path, port: int, ssl: str, compression: int = 3) -> AsyncIterator[None]:
    settings = folder / "filebeat.yml"
    settings.write_text(SETTINGS.format(folder=folder, port=port, ssl=ssl, compression=compression))
    settings.chmod(0o600)
    with (folder / "filebeat.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(FILEBEATS[-1]), "-c", str(settings), "--strict.perms=false", stdout=log, stderr=log
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()


def config(port: int, certificates: Certificates) -> str:
    options = f"enrich => all {certificates.asking('required')}"
    return f'input {{ beats {{ host => "127.0.0.1" port => {port} {options} }} }}'


@pytest.mark.asyncio
@pytest.mark.parametrize("compression", [0, 3])
async def test_filebeat_delivers_with_its_certificate(tmp_path: Path, compression: int) -> None:
    certificates, port = Certificates(tmp_path), free_port()
    (tmp_path / "in.log").write_text("".join(f"line {n} grün {'x' * 60}\n" for n in range(500)))
    keys = f'{{certificate_authorities: ["{certificates.ca}"], certificate: {certificates.client}, key: '
    async with (
        running(config(port, certificates)) as one,
        filebeat(tmp_path, port, f"{keys}{certificates.client_key}}}", compression),
    ):
        events = await one.events(500)
        assert [int(event["message"].split()[1]) for event in events] == list(range(500))
        metadata = events[0]["@metadata"]
        assert metadata["tls_peer"] == {"status": "verified"}
        assert metadata["input"]["beats"]["tls"]["client"]["subject"].startswith("CN=client,")
        assert metadata["beat"] == "filebeat"
        assert events[0]["tags"] == ["beats_input_codec_plain_applied"]


@pytest.mark.asyncio
@pytest.mark.parametrize("compression", [0, 3])
async def test_filebeat_takes_acknowledgements_of_parts(tmp_path: Path, compression: int, caplog) -> None:
    """Windows of some 8 MiB come in a dozen parts, each acknowledged by itself: nothing is sent twice."""
    port = free_port()
    lengths = [4000] * 2000 + [3_000_000] + [4000] * 2000
    (tmp_path / "in.log").write_text("".join(f"{n} {'x' * length}\n" for n, length in enumerate(lengths)))
    async with (
        running(f'input {{ beats {{ host => "127.0.0.1" port => {port} }} }}') as one,
        filebeat(tmp_path, port, "{enabled: false}", compression),
    ):
        events = await one.events(len(lengths))
        assert [int(event["message"].split()[0]) for event in events] == list(range(len(lengths)))
        assert all(len(event["message"]) > length for event, length in zip(events, lengths, strict=True))
        # All of it is acknowledged, so that the next line comes alone.
        with (tmp_path / "in.log").open("a") as log:
            log.write("last\n")
        assert [event["message"] for event in await one.events(1)] == ["last"]
        assert one.intake.events_in == len(lengths) + 1
        assert "closed" not in caplog.text


@pytest.mark.asyncio
async def test_filebeat_without_a_certificate_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    certificates, port = Certificates(tmp_path), free_port()
    (tmp_path / "in.log").write_text("x" * 100 + "\n")
    async with (
        running(config(port, certificates)) as one,
        filebeat(tmp_path, port, f'{{certificate_authorities: ["{certificates.ca}"]}}'),
    ):
        await one.until("a refusal", lambda: "refused: TLS: the peer sent no certificate" in caplog.text)
        assert one.intake.events_in == 0
