"""The two compose files as two projects, which stand for two hosts: only the Beats port is open between them.

The Elastic side is docker-compose.elk.yml alone, with TLS; of its certificates the application's side has only the
folder `filebeat`. Of docker-compose.yml alone Filebeat is started. Needs an engine, and the images of STACK_VERSION
(default: the stand-ins of `python -m tests.containers.images`).
"""

import ipaddress
import json
import os
import re
import shutil
import subprocess
import uuid
from dataclasses import dataclass

import pytest
from elasticsearch import Elasticsearch

from containers import secret_files
from native.settings import SECRET_NAMES, Settings, free_ports
from native.state import generate, prepare_home
from tests.containers.images.__main__ import IMAGES, TAG
from tests.paths import ROOT
from tests.polling import poll_until

VERSION = os.environ.get("STACK_VERSION", TAG)
NEEDED = [f"{IMAGES[name]}:{VERSION}" for name in ("elasticsearch", "logstash", "filebeat")]
LINES = 500
# Filebeat's container reaches the host of the other project by the gateway of its own network.
OVERLAY = """
services:
  filebeat: {{image: {project}-filebeat}}
networks:
  default: {{ipam: {{config: [{{subnet: {subnet}, gateway: {gateway}}}]}}}}
"""


def missing() -> str | None:
    """Why it can't be tried here."""
    if not shutil.which("docker"):
        return "`docker` is not on PATH"
    done = subprocess.run(["docker", "image", "inspect", "--format", "x", *NEEDED], capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else None


pytestmark = pytest.mark.skipif(missing() is not None, reason=f"no engine or no images: {missing()}")


@dataclass
class Host:
    """One compose project."""

    project: str
    files: list
    environ: dict[str, str]

    def compose(self, *arguments: str, check: bool = True) -> str:
        files = [option for file in self.files for option in ("--file", file)]
        return docker(
            "compose", "--env-file", os.devnull, "-p", self.project, *files, *arguments, env=self, check=check
        )

    def remove(self) -> None:
        self.compose("down", "--volumes", "--timeout", "5", check=False)


def secrets(state_folder) -> dict[str, str]:
    """Secrets of a host, and the folder where its services find theirs."""
    environ = {**generate(SECRET_NAMES), "PT_STATE": str(state_folder)}
    settings = Settings.load(environ=environ)
    prepare_home(settings)
    secret_files.write(settings)
    return environ


def docker(*arguments, env: Host | None = None, check: bool = True, **options) -> str:
    environ = {**os.environ, **(env.environ if env else {})}
    done = subprocess.run(
        ["docker", *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=600, **options
    )
    assert not check or done.returncode == 0, f"docker {' '.join(map(str, arguments))}:\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def subnets():
    """Free ones, as the engine itself chooses them: {name: subnet}."""
    names = {name: f"pt-probe-{uuid.uuid4().hex[:6]}" for name in ("ELK_SUBNET", "APP_SUBNET", "FILEBEAT")}
    try:
        for network in names.values():
            docker("network", "create", network)
        found = json.loads(docker("network", "inspect", *names.values()))
        subnets = {network["Name"]: network["IPAM"]["Config"][0]["Subnet"] for network in found}
        return {name: ipaddress.ip_network(subnets[network]) for name, network in names.items()}
    finally:
        docker("network", "rm", *names.values(), check=False)


@pytest.fixture(scope="module")
def elk(subnets, tmp_path_factory):
    gateway = next(subnets["FILEBEAT"].hosts())
    environ = {
        **free_ports(),
        **secrets(tmp_path_factory.mktemp("elk")),
        **{name: str(subnets[name]) for name in ("ELK_SUBNET", "APP_SUBNET")},
        "STACK_VERSION": VERSION,
        "COMPOSE_PROFILES": "minimal",
        "TLS": "on",
        "TLS_DIR": str(tmp_path_factory.mktemp("tls")),
        "TLS_NAMES": f"logs.example.org,{gateway}",
        "ELK_BIND": "127.0.0.1",
        "LOGSTASH_BIND": "0.0.0.0",  # noqa: S104
    }
    host = Host(f"pt-elk-{uuid.uuid4().hex[:6]}", ["docker-compose.elk.yml"], environ)
    try:
        host.compose("up", "--build", "--detach", "--wait")
        yield host
    finally:
        host.remove()


@pytest.fixture(scope="module")
def app(elk, subnets, tmp_path_factory):
    """Filebeat, with a log file of LINES lines; it knows of the other host an address, a port and an authority."""
    folder = tmp_path_factory.mktemp("app")
    shutil.copytree(f"{elk.environ['TLS_DIR']}/filebeat", folder / "tls/filebeat")
    if os.geteuid() == 0:
        os.chown(folder / "tls/filebeat/filebeat.key", 1000, 0)
    project, gateway = f"{elk.project}-app", next(subnets["FILEBEAT"].hosts())
    (folder / "overlay.yml").write_text(OVERLAY.format(project=project, subnet=subnets["FILEBEAT"], gateway=gateway))
    environ = {
        **secrets(folder / "state"),
        "STACK_VERSION": VERSION,
        "TLS": "on",
        "TLS_DIR": str(folder / "tls"),
        "LOGSTASH_HOST": str(gateway),
        "LOGSTASH_PORT": elk.environ["LOGSTASH_PORT"],
    }
    host = Host(project, ["docker-compose.yml", str(folder / "overlay.yml")], environ)
    try:
        host.compose("build", "filebeat")
        opened = f"INFO|config.logging|2025-02-02T12:00:00.000|app.log[1] opened for {uuid.uuid4()}\n"
        lines = (f"INFO|apps.parcels.views|2025-02-02T12:00:01.123|line {n}\n" for n in range(LINES - 1))
        write(host, opened + "".join(lines))
        host.compose("up", "--detach", "--no-deps", "filebeat")
        yield host
    finally:
        host.remove()
        docker("volume", "rm", "--force", f"{project}_logs", check=False)
        docker("image", "rm", "--force", f"{project}-filebeat", check=False)


def write(app: Host, lines: str) -> None:
    """Append to app.log in the volume of the logs, which Filebeat has read-only."""
    command = ["run", "--rm", "-i", "--user", "0", "--volume", f"{app.project}_logs:/logs", "--entrypoint", "sh"]
    append = "mkdir -p /logs/django && cat >> /logs/django/app.log"
    docker(*command, f"{app.project}-filebeat", "-c", append, input=lines)


def test_every_line_arrives(elk, app):
    port, authority = elk.environ["ELASTICSEARCH_PORT"], f"{elk.environ['TLS_DIR']}/ca/ca.crt"
    client = Elasticsearch(
        f"https://127.0.0.1:{port}", basic_auth=("pt_reader", elk.environ["PT_READER_PASSWORD"]), ca_certs=authority
    )

    def count() -> int:
        # 503 while the first shard starts.
        return client.options(ignore_status=503).count(index="logs-*-pt").get("count", 0)

    poll_until(f"{LINES} documents", lambda: count() >= LINES, seconds=90)
    assert count() == LINES


def test_only_the_beats_port_is_open(elk, app):
    gateway = app.environ["LOGSTASH_HOST"]
    ports = {name: elk.environ[name] for name in ("LOGSTASH_PORT", "LOGSTASH_API_PORT", "ELASTICSEARCH_PORT")}
    addresses = {name: (gateway, port) for name, port in ports.items()}
    inspected = json.loads(docker("inspect", f"{elk.project}-elasticsearch-1"))[0]
    [network] = inspected["NetworkSettings"]["Networks"].values()
    addresses["Elasticsearch's own address"] = (network["IPAddress"], "9200")
    script = "; ".join(
        f"timeout 3 bash -c '</dev/tcp/{host}/{port}' 2>/dev/null && echo 'open: {name.replace(chr(39), '')}'"
        for name, (host, port) in addresses.items()
    )
    answer = app.compose("exec", "-T", "filebeat", "bash", "-c", f"{script}; true")
    assert re.findall("open: (.*)", answer) == ["LOGSTASH_PORT"]


def test_a_server_without_the_name_is_refused(elk, app):
    """Full verification: Logstash's certificate no longer names the address that Filebeat sends to."""
    elk.environ["TLS_NAMES"] = "logs.example.org"
    elk.compose("run", "--rm", "certificates")
    elk.compose("restart", "logstash")
    write(app, "INFO|apps.parcels.views|2025-02-02T12:00:02.123|it connects again for this\n")
    told = poll_until(
        "Filebeat to refuse the certificate",
        lambda: re.search(r"x509: certificate is valid for [^\"]*", app.compose("logs", "filebeat")),
        seconds=90,
    )
    assert app.environ["LOGSTASH_HOST"] in told[0].rpartition("not ")[2]
