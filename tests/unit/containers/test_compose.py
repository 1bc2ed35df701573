"""The compose files, as docker compose itself reads them, and what they are given."""

import shutil
import subprocess
from dataclasses import replace

import pytest

from containers import compose
from native.settings import SECRET_NAMES, SettingsError

needs_compose = pytest.mark.skipif(
    not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0,
    reason="no docker with its compose plugin is on PATH",
)


def names(settings, **variables):
    return [file.name for file in compose.files(compose.with_variables(settings, **variables))]


def test_the_files_of_what_runs_here(settings):
    assert names(settings) == ["docker-compose.yml", "docker-compose.elk.yml"]
    assert names(settings, ELK="external") == ["docker-compose.yml"]
    assert names(settings, APP="external") == ["docker-compose.elk.yml"]
    with pytest.raises(SettingsError, match="nothing to run"):
        names(settings, APP="external", ELK="external")


def test_a_forks_own_file_is_the_last(settings, tmp_path):
    (tmp_path / "docker-compose.override.yml").write_text("services: {}")
    assert names(replace(settings, checkout=tmp_path))[-1] == "docker-compose.override.yml"


def test_compose_is_given_what_the_settings_say(settings, monkeypatch):
    monkeypatch.setenv("A_FORK_HAS_IT", "")  # set but empty is not set
    settings = compose.with_variables(settings, LOG_RETENTION="7d", ELASTIC_PASSWORD="chosen")
    given = compose.environment(settings)
    assert given["LOG_RETENTION"] == "7d"
    assert given["COMPOSE_PROFILES"] == "full"
    assert given["ELASTIC_PASSWORD"] == "chosen"
    assert given["POSTGRES_PASSWORD"]  # a placeholder, before the first start
    assert "A_FORK_HAS_IT" not in given


@needs_compose
@pytest.mark.parametrize("tls", ["off", "on"])
@pytest.mark.parametrize("profile", ["full", "minimal"])
@pytest.mark.parametrize("here", [{}, {"ELK": "external"}, {"APP": "external"}], ids=["both", "app", "elk"])
def test_docker_compose_takes_the_files(settings, here, profile, tls):
    settings = compose.with_variables(settings, COMPOSE_PROFILES=profile, TLS=tls, **here)
    command = compose.command(settings, "config", "--quiet")
    done = subprocess.run(command, env=compose.environment(settings), capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    services = compose.config(settings)["services"]
    assert ("kibana" in services) == (profile == "full" and here.get("ELK") != "external")
    assert ("django" in services) == (here.get("APP") != "external")


@needs_compose
def test_no_password_has_a_default(settings):
    given = {name: value for name, value in compose.environment(settings).items() if name not in SECRET_NAMES}
    done = subprocess.run(compose.command(settings, "config", "--quiet"), env=given, capture_output=True, text=True)
    assert done.returncode != 0 and "make up" in done.stderr


@needs_compose
def test_every_port_is_on_loopback_unless_told_otherwise(settings):
    for name, service in compose.config(settings)["services"].items():
        assert {port["host_ip"] for port in service.get("ports", [])} <= {"127.0.0.1"}, name


@needs_compose
def test_every_server_is_restarted_checked_and_bounded(settings):
    config = compose.config(settings)
    for name, service in config["services"].items():
        if not service["restart"].startswith("on-failure"):
            assert service["restart"] == "unless-stopped", name
            assert 0 < int(service["mem_reservation"]) <= int(service["mem_limit"]), name
