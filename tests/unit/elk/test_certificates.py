"""elk/setup/certificates.py: certificates that verify, what is kept and what is made anew."""

import os
import socket
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from tests.paths import ROOT

SETUP = ROOT / "elk/setup"
PARTS = ("elasticsearch", "kibana", "logstash", "filebeat")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A folder of certificates; a test that changes it takes a copy."""
    folder = tmp_path_factory.mktemp("tls")
    assert make(folder, names="logs.example.org, 192.0.2.7").returncode == 0
    return folder


def make(folder, *options, names="logs.example.org,192.0.2.7", **environ):
    given = {"PATH": os.environ["PATH"], "TLS_DIR": str(folder), "TLS_NAMES": names, **environ}
    command = [sys.executable, SETUP / "certificates.py", *options]
    return subprocess.run(command, env=given, capture_output=True, text=True, timeout=60)


@pytest.fixture
def folder(made, tmp_path):
    subprocess.run(["cp", "-a", f"{made}/.", tmp_path], check=True)
    return tmp_path


def serials(folder) -> dict[str, int]:
    files = [folder / "ca/ca.crt", *(folder / part / f"{part}.crt" for part in PARTS)]
    return {path.stem: x509.load_pem_x509_certificate(path.read_bytes()).serial_number for path in files}


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> dict:
    """The client's certificate as the server saw it. Raises ssl.SSLError where either refuses."""
    here, there = socket.socketpair()
    seen: list = []

    def serve():
        try:
            with server.wrap_socket(here, server_side=True) as connection:
                seen.append(connection.getpeercert())
                connection.send(b"x")
        except (ssl.SSLError, OSError) as error:
            seen.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(there, server_hostname=name) as connection:
            connection.recv(1)
    finally:
        thread.join(5)
    if isinstance(seen[0], Exception):
        raise seen[0]
    return seen[0]


def context(folder, part, purpose, authority=None):
    made = ssl.create_default_context(purpose, cafile=authority or folder / part / "ca.crt")
    made.load_cert_chain(folder / part / f"{part}.crt", folder / part / f"{part}.key")
    return made


@pytest.mark.parametrize("name", ["logstash", "localhost", "127.0.0.1", "logs.example.org", "192.0.2.7"])
def test_filebeat_and_logstash_verify_each_other(made, name):
    server = context(made, "logstash", ssl.Purpose.CLIENT_AUTH)
    server.verify_mode = ssl.CERT_REQUIRED
    certificate = handshake(server, context(made, "filebeat", ssl.Purpose.SERVER_AUTH), name)
    assert certificate["subject"] == ((("commonName", "filebeat"),),)


def test_a_name_that_is_not_asked_for_is_refused(made):
    server = context(made, "logstash", ssl.Purpose.CLIENT_AUTH)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(server, context(made, "filebeat", ssl.Purpose.SERVER_AUTH), "other.example.org")


def test_a_server_of_another_authority_is_refused(made, tmp_path):
    make(tmp_path)
    server = context(tmp_path, "logstash", ssl.Purpose.CLIENT_AUTH)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, context(made, "filebeat", ssl.Purpose.SERVER_AUTH), "logstash")


def test_kibanas_certificate_is_no_clients(made):
    """What is taken from Kibana's folder can't send lines to Logstash."""
    server = context(made, "logstash", ssl.Purpose.CLIENT_AUTH)
    server.verify_mode = ssl.CERT_REQUIRED
    with pytest.raises(ssl.SSLError):
        handshake(server, context(made, "kibana", ssl.Purpose.SERVER_AUTH), "logstash")


def test_keys_are_private_and_the_authoritys_goes_nowhere(made):
    keys = {path.relative_to(made).as_posix(): path.stat().st_mode & 0o777 for path in made.rglob("*.key")}
    assert keys == {"ca/ca.key": 0o600, **{f"{part}/{part}.key": 0o600 for part in PARTS}}
    if os.geteuid() == 0:
        assert {(made / part / f"{part}.key").stat().st_uid for part in PARTS} == {1000}
        assert (made / "ca/ca.key").stat().st_uid == 0
    assert (made / "filebeat/filebeat.key").read_text().startswith("-----BEGIN PRIVATE KEY-----")  # PKCS #8
    assert [path.name for path in (made / "trust").iterdir()] == ["ca.crt"]


def test_what_is_good_stays(folder):
    before = serials(folder)
    done = make(folder)
    assert done.returncode == 0, done.stdout
    assert serials(folder) == before


def test_other_names_give_the_servers_other_certificates(folder):
    before = serials(folder)
    make(folder, names="logs2.example.org")
    after = serials(folder)
    assert {part for part in after if after[part] != before[part]} == {"elasticsearch", "kibana", "logstash"}


def test_renewal_keeps_the_authority(folder):
    before = serials(folder)
    make(folder, "--renew")
    after = serials(folder)
    assert {part for part in after if after[part] == before[part]} == {"ca"}


def test_another_authority_gives_other_certificates(folder):
    before = serials(folder)
    (folder / "ca/ca.key").unlink()
    done = make(folder)
    assert "another authority" in done.stdout
    assert not before.items() & serials(folder).items()
    for part in (*PARTS, "trust"):
        assert (folder / part / "ca.crt").read_bytes() == (folder / "ca/ca.crt").read_bytes()


@pytest.mark.parametrize("days, anew", [(31, False), (29, True)])
def test_what_ends_within_30_days_is_made_anew(folder, monkeypatch, days, anew):
    monkeypatch.syspath_prepend(str(SETUP))
    import certificates

    monkeypatch.setattr(certificates, "CERTIFICATE_DAYS", days)
    certificates.make_all(folder, ["logs.example.org"], renew=True)
    before = serials(folder)
    certificates.make_all(folder, ["logs.example.org"])
    after = serials(folder)
    assert all((after[part] != before[part]) == anew for part in PARTS)
    ends = x509.load_pem_x509_certificate((folder / "logstash/logstash.crt").read_bytes()).not_valid_after_utc
    assert abs(ends - datetime.now(UTC) - timedelta(days=days)) < timedelta(hours=1)


def test_with_tls_off_nothing_is_made(tmp_path):
    done = make(tmp_path / "tls", TLS="off")
    assert done.returncode == 0 and "TLS=off" in done.stdout
    assert not (tmp_path / "tls").exists()


def test_a_wrong_name_is_told(tmp_path):
    done = make(tmp_path, names="logs.example.org,https://kibana")
    assert done.returncode == 1
    assert "TLS_NAMES: https://kibana is neither a host name nor an address" in done.stdout
