"""What is told before any container starts."""

import json
import socket

import pytest

from containers import preflight
from native.preflight import GIB


def told(problems) -> str:
    return "\n".join(map(str, problems))


# The engine


@pytest.mark.parametrize(
    ("text", "numbers"), [("v2.40.3", (2, 40, 3)), ("20.10.24+dfsg1", (20, 10, 24)), ("2.29.1-desktop.1", (2, 29, 1))]
)
def test_versions(text, numbers):
    assert preflight.version(text) == numbers


def test_an_engine_that_will_do(engine):
    engine({})
    assert preflight.engine_problems() == []


def test_no_docker_at_all(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    [problem] = preflight.engine_problems()
    assert "`docker` is not on PATH" in problem.what and "RUNTIME=native" in problem.remedy


def test_an_engine_that_does_not_answer(engine):
    engine({"version --format {{json .}}": None})
    [problem] = preflight.engine_problems()
    assert "No Docker engine answers: it says no" in problem.what


def test_an_old_engine_and_an_old_compose_are_told_together(engine):
    engine({"version --format {{json .}}": '{"Server": {"Version": "19.03.1"}}', "compose version --short": "2.3.0"})
    first, second = preflight.engine_problems()
    assert "engine is 19.03.1, 20.10 or later" in first.what
    assert "compose is 2.3.0, 2.24.4 or later" in second.what


def test_an_engine_without_compose(engine):
    engine({"compose version --short": None})
    assert "no compose plugin; 2.24.4 or later is needed" in told(preflight.engine_problems())


# Ports


def test_a_taken_port_is_told_with_its_variable(settings):
    with socket.socket() as server:
        server.bind(("127.0.0.1", settings.nginx_port))
        server.listen()
        config = {"services": {"nginx": {"ports": [{"host_ip": "127.0.0.1", "published": str(settings.nginx_port)}]}}}
        [problem] = preflight.port_problems(settings, config)
    assert f"Port {settings.nginx_port} (NGINX_PORT) is taken by" in problem.what
    assert "set NGINX_PORT in .env" in problem.remedy
    assert preflight.port_problems(settings, config) == []


def test_an_address_that_is_not_this_machines(settings):
    config = {"services": {"kibana": {"ports": [{"host_ip": "192.0.2.1", "published": "5601"}]}}}
    assert "Port 5601 (KIBANA_PORT) cannot be opened on 192.0.2.1" in told(preflight.port_problems(settings, config))


# Subnets


def network(name, subnet, **labels):
    return {"Name": name, "Id": f"{name}-1234567890", "Labels": labels, "IPAM": {"Config": [{"Subnet": subnet}]}}


ASKED = {
    "name": "ours",
    "networks": {"elk-net": {"ipam": {"config": [{"subnet": "172.19.1.0/24"}]}}, "default": {"ipam": {}}},
}


@pytest.fixture
def routes(tmp_path, monkeypatch):
    """routes(lines): what the machine's routing table holds."""

    def routes(*lines):
        path = tmp_path / "route"
        path.write_text("\n".join(["Iface Destination Gateway Flags RefCnt Use Metric Mask MTU", *lines]) + "\n")
        monkeypatch.setattr(preflight, "ROUTES", path)

    routes()
    return routes


def with_networks(engine, *networks):
    engine({"network ls --quiet": "a", "network inspect a": json.dumps(networks)})


def test_a_free_subnet(settings, engine, routes):
    with_networks(engine, network("other", "172.19.2.0/24"))
    assert list(preflight.subnet_problems(settings, ASKED)) == []


def test_a_subnet_of_another_docker_network(settings, engine, routes):
    with_networks(engine, network("other", "172.19.0.0/16"))
    [problem] = preflight.subnet_problems(settings, ASKED)
    assert problem.what == "ELK_SUBNET is 172.19.1.0/24, which overlaps 172.19.0.0/16, the docker network other."
    assert problem.remedy == "Set ELK_SUBNET in .env to a free one, such as 172.31.255.0/24."


def test_the_networks_of_this_project_are_no_obstacle(settings, engine, routes):
    with_networks(engine, network("ours_elk-net", "172.19.1.0/24", **{"com.docker.compose.project": "ours"}))
    routes("br-ours_elk-net 000113AC 00000000 0001 0 0 0 00FFFFFF 0")  # its bridge, which Docker names by the id
    assert list(preflight.subnet_problems(settings, ASKED)) == []


def test_a_subnet_that_this_machine_has_a_route_to(settings, engine, routes):
    with_networks(engine)
    routes(
        "eth0 00000000 0100000A 0003 0 0 0 00000000 0",  # the default route overlaps everything
        "tun0 000010AC 00000000 0001 0 0 0 0000F0FF 0",  # 172.16.0.0/12
    )
    [problem] = preflight.subnet_problems(settings, ASKED)
    assert "overlaps 172.16.0.0/12, this machine's route by tun0." in problem.what


# Memory

MINIMAL = {"web": {"restart": "unless-stopped", "mem_reservation": str(GIB), "mem_limit": str(3 * GIB)}}
FULL = {
    **MINIMAL,
    "kibana": {"restart": "unless-stopped", "mem_limit": str(2 * GIB)},
    "setup": {"restart": "on-failure:2", "mem_limit": str(9 * GIB)},
}


def test_a_services_reservation_counts_else_its_limit_and_no_job():
    assert preflight.memory({"services": FULL}) == 3 * GIB


def test_too_little_memory_and_what_fits(settings, engine, monkeypatch):
    def config(asked):
        minimal = asked.variables.get("COMPOSE_PROFILES") == "minimal" or asked.variables.get("ELK") == "external"
        return {"services": MINIMAL if minimal else FULL}

    monkeypatch.setattr(preflight.compose, "config", config)
    engine({"info --format {{.MemTotal}}": str(2 * GIB)})  # a machine of its own, smaller than ours
    [problem] = preflight.memory_problems(settings, config(settings))
    assert problem.what == "2.0 GiB of memory are available to containers, 3.0 GiB are needed."
    assert problem.remedy.startswith("COMPOSE_PROFILES=minimal needs 1.0 GiB and fits; ELK=external needs 1.0 GiB")
    engine({"info --format {{.MemTotal}}": str(GIB // 2)})
    assert "fits" not in told(preflight.memory_problems(settings, config(settings)))
    engine({"info --format {{.MemTotal}}": str(3 * GIB)})
    monkeypatch.setattr(preflight.psutil, "virtual_memory", lambda: type("", (), {"available": 4 * GIB}))
    assert preflight.memory_problems(settings, config(settings)) == []


# Logstash and secrets


@pytest.mark.parametrize(
    ("host", "services", "what"),
    [
        ("127.0.0.1", {}, "LOGSTASH_HOST=127.0.0.1 is Filebeat's own container"),
        ("logstash", {}, "LOGSTASH_HOST does not say where Logstash is"),
        ("logstash", {"logstash": {}}, None),
        ("logs.example.org", {}, None),
    ],
)
def test_where_filebeat_sends(settings, host, services, what):
    config = {"services": {"filebeat": {"environment": {"LOGSTASH_HOST": host}}, **services}}
    found = told(preflight.logstash_problems(settings, config))
    assert what in found if what else not found


def test_volumes_whose_passwords_are_gone(settings, engine):
    engine({"volume ls --quiet --filter label=com.docker.compose.project=ours": "ours_postgres"})
    [problem] = preflight.secret_problems(settings, {"name": "ours"})
    assert f"{settings.secrets_file} is not there; the volumes ours_postgres may hold data" in problem.what
    assert "make clean" in problem.remedy
    settings.state.mkdir()
    settings.secrets_file.write_text("")
    assert preflight.secret_problems(settings, {"name": "ours"}) == []
