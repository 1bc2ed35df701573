"""elk/tls/on.env and off.env: Logstash's input by the one or the other, and the files that they name."""

import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values

from tests.paths import DICTIONARIES, PIPELINE, ROOT
from tests.polling import poll_until

# Where docker-compose.elk.yml mounts a service's folder of certificates.
MOUNTED = "/etc/pt/tls"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    environ = {"PATH": os.environ["PATH"], "TLS_DIR": str(folder)}
    subprocess.run([sys.executable, ROOT / "elk/setup/certificates.py"], env=environ, check=True, capture_output=True)
    return folder


@pytest.fixture
def logstash(certificates, tmp_path):
    """Start logstash_py as the compose file starts Logstash, with on.env or off.env: the port of its beats input."""
    running = []

    def start(state: str) -> int:
        ports = [free_port(), free_port()]
        given = {
            name: value.replace(MOUNTED, str(certificates / "logstash"))
            for name, value in dotenv_values(ROOT / f"elk/tls/{state}.env").items()
            if "." not in name
        }
        given |= {"PATH": os.environ["PATH"], "LOGSTASH_PIPELINE": str(PIPELINE.parent), "LOGSTASH_BIND": "127.0.0.1"}
        given |= {"LOGSTASH_PORT": str(ports[0]), "LOGSTASH_API_PORT": str(ports[1]), "LOG_GROUP": "pt"}
        given |= {"LOGSTASH_DICTIONARIES": str(DICTIONARIES), "LOGSTASH_WRITER_PASSWORD": "made-up"}
        command = [sys.executable, "-m", "logstash_py", "run", "--path.settings", ROOT / "elk/logstash/config"]
        command += ["--path.data", tmp_path, "-w", "1"]
        running.append(subprocess.Popen(command, env=given, stderr=(tmp_path / "log").open("w")))
        poll_until("the beats input to listen", lambda: listening(ports[0]))
        return ports[0]

    yield start
    for process in running:
        process.kill()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def listening(port: int) -> bool:
    """Without connecting, which Logstash would log: as the health check of docker-compose.elk.yml looks."""
    return any(f":{port:04X} 00000000:0000 0A" in line for line in Path("/proc/net/tcp").read_text().splitlines())


def is_taken(port: int, client: ssl.SSLContext | None = None) -> bool:
    """Whether a sender may begin a window of the Beats protocol: else its connection is closed."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(1)
        try:
            if client:
                connection = client.wrap_socket(connection, server_hostname="logstash")
            connection.sendall(b"2W\x00\x00\x00\x01")
            return connection.recv(1) != b""
        except TimeoutError:
            return True
        except (ssl.SSLError, ConnectionError):
            return False


def test_with_tls_a_sender_shows_a_certificate(logstash, certificates):
    port = logstash("on")
    client = ssl.create_default_context(cafile=certificates / "filebeat/ca.crt")
    assert not is_taken(port, client)
    assert not is_taken(port)
    client.load_cert_chain(certificates / "filebeat/filebeat.crt", certificates / "filebeat/filebeat.key")
    assert is_taken(port, client)


def test_without_tls_none_is_asked_for(logstash):
    assert is_taken(logstash("off"))


def test_the_files_of_on_env_are_made(certificates):
    made = {path.name for path in certificates.rglob("*.*")}
    on = dotenv_values(ROOT / "elk/tls/on.env")
    named = {name: value for name, value in on.items() if value.endswith((".crt", ".key"))}
    assert named
    assert {Path(value).name for value in named.values()} <= made
    for name, value in named.items():
        # Elasticsearch reads below its configuration alone, the others get theirs where their folder is mounted.
        assert str(Path(value).parent) == ("certs" if name.startswith("xpack.") else MOUNTED)


def test_off_env_says_nothing_that_on_env_does_not():
    off, on = (dotenv_values(ROOT / f"elk/tls/{state}.env") for state in ("off", "on"))
    assert off.keys() <= on.keys()
    assert {name: value.replace("http:", "https:").replace("false", "true") for name, value in off.items()} == {
        name: on[name] for name in off
    }
