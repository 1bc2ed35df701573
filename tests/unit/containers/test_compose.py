"""The compose files, as docker compose itself reads them, and what they are given."""

import json
import os
import shutil
import subprocess
from dataclasses import replace

import pytest

from containers import compose, secret_files
from native import state
from native.settings import SECRET_NAMES, SettingsError
from tests.paths import ROOT

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
    settings = compose.with_variables(settings, LOG_RETENTION="7d")
    given = compose.environment(settings)
    assert given["LOG_RETENTION"] == "7d"
    assert given["COMPOSE_PROFILES"] == "full"
    assert given["PT_STATE"] == str(settings.state)
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


def by_hand(state_folder) -> dict[str, dict]:
    """{service: its environment}, as `docker compose` of both files has it where make gives it nothing."""
    files = [option for name in (compose.APP_FILE, compose.ELK_FILE) for option in ("-f", ROOT / name)]
    # Without the .env that this checkout may have.
    command = ["docker", "compose", "--env-file", os.devnull, *files, "config", "--format", "json"]
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_CONFIG") if name in os.environ}
    environ |= {"COMPOSE_PROFILES": "full", "PT_STATE": str(state_folder)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return {name: service.get("environment") or {} for name, service in json.loads(done.stdout)["services"].items()}


@needs_compose
def test_before_the_first_start_no_service_has_a_password(tmp_path):
    for name, environment in by_hand(tmp_path / "none").items():
        assert environment.keys().isdisjoint(SECRET_NAMES), name


@needs_compose
def test_each_service_has_the_secrets_that_it_uses_and_no_other(settings):
    odd = "p@ss/w:rd$x ${HOME} # \"'\\n"  # of .env: compose has to read it as it is
    settings = compose.with_variables(settings, ELASTIC_PASSWORD=odd)
    state.prepare_home(settings)
    state.generate_secrets(settings)
    secret_files.write(settings)
    assert settings.secrets["ELASTIC_PASSWORD"] == odd
    for name, environment in by_hand(settings.state).items():
        # `config` writes $$ for $, so that a compose file of its output means the same.
        found = {key: value.replace("$$", "$") for key, value in environment.items() if key in SECRET_NAMES}
        assert found == {key: settings.secrets[key] for key in secret_files.SECRETS.get(name, ())}, name


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
