"""Which runtime the make targets drive."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from native import state
from native.settings import Settings, SettingsError
from stack import counting, runtimes
from tests.paths import ROOT


def load(checkout, monkeypatch, usable: bool, **environ) -> Settings:
    """What `make` would find in a checkout, on a machine where Docker is usable or not."""
    monkeypatch.setattr(runtimes.preflight, "engine_problems", lambda: [] if usable else ["no engine"])
    monkeypatch.delenv("RUNTIME", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return runtimes.load_settings(checkout)


@pytest.mark.parametrize(("usable", "runtime"), [(True, "docker"), (False, "native")])
def test_the_first_up_takes_what_is_there_and_keeps_the_choice(tmp_path, monkeypatch, usable, runtime):
    (tmp_path / ".env.example").write_text((ROOT / ".env.example").read_text())
    settings = load(tmp_path, monkeypatch, usable)
    assert settings.runtime == runtime
    state.make_dotenv(settings)
    assert f"\nRUNTIME={runtime}\n" in (tmp_path / ".env").read_text()
    assert load(tmp_path, monkeypatch, not usable).runtime == runtime


def test_the_environment_decides(tmp_path, monkeypatch):
    assert load(tmp_path, monkeypatch, usable=True, RUNTIME="native").runtime == "native"


def test_a_dotenv_that_names_none_means_native(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("NGINX_PORT=8081\n")
    assert load(tmp_path, monkeypatch, usable=True).runtime == "native"


def test_a_runtime_that_there_is_not(tmp_path):
    with pytest.raises(SettingsError, match=r"RUNTIME=podman: it is one of native, docker\."):
        Settings.load(tmp_path, {"RUNTIME": "podman"})


@pytest.mark.parametrize("runtime", runtimes.RUNTIMES.values(), ids=runtimes.RUNTIMES)
def test_what_one_runtime_offers_the_other_does_too(runtime):
    offered = ("up", "down", "remove", "kept", "parts", "places", "unrouted", "unrouted_place", "show_logs")
    asked = ("filebeat_figures", "filebeat_place", "memory", "run_in")  # by doctor
    assert all(callable(getattr(runtime, name)) for name in (*offered, *asked, "rotate_passwords"))


def test_elasticsearch_is_asked_by_tls_where_it_speaks_that(tmp_path):
    native = Settings.load(tmp_path, {"TLS": "on", "RUNTIME": "native"})
    assert (native.elasticsearch_url, native.ca_file) == ("http://127.0.0.1:9200", None)
    docker = replace(native, variables={**native.variables, "RUNTIME": "docker", "ELK_BIND": "0.0.0.0"})  # noqa: S104
    assert docker.elasticsearch_url == "https://127.0.0.1:9200"
    assert docker.ca_file == tmp_path / "tls/trust/ca.crt"


@pytest.fixture
def container(tmp_path, monkeypatch):
    """The settings of both runtimes, on the same files; the container's Python has the standard library alone."""

    def run(_settings, program, *arguments, given):
        command = [sys.executable, "-I", *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout

    monkeypatch.setattr(counting, "in_log_volume", run)
    monkeypatch.setattr(counting, "LOGS", str(tmp_path / "logs"))
    monkeypatch.setattr(counting, "FILEBEAT_DATA", str(tmp_path / "data" / "filebeat"))
    docker = Settings.load(tmp_path, {"RUNTIME": "docker"})
    return docker, Settings.load(tmp_path, {"RUNTIME": "native", "PT_STATE": str(tmp_path)})


def test_counting_in_a_container_is_the_same_count(tmp_path, container):
    docker, native = container
    log = tmp_path / "logs" / "django" / "app.log"
    log.parent.mkdir(parents=True)
    log.write_text("INFO|config.logging|2025-02-02T12:34:56.123|0a1b2c3d app.log[1] opened\none\n\ttwo\n")
    [(there, records)] = counting.counter(docker)({}).items()
    [(here, _)] = counting.counter(native)({}).items()
    assert records == 2
    assert (there.service, there.fingerprint, there.size) == (here.service, here.fingerprint, here.size)
    assert counting.counter(docker)({there.fingerprint: there.size}) == {there: 0}


def test_a_look_in_a_container_is_the_same_look(tmp_path, container):
    docker, native = container
    log = tmp_path / "logs" / "django" / "app.log"
    log.parent.mkdir(parents=True)
    log.write_text("INFO|config.logging|2025-02-02T12:34:56.123|0a1b2c3d app.log[1] opened\none\n\ttwo\n")
    registry = tmp_path / "data" / "filebeat" / "registry" / "filebeat"
    registry.mkdir(parents=True)
    fingerprint = hashlib.sha256(log.read_bytes()[:64]).hexdigest()
    change = {"k": f"filestream::pt-django-app::fingerprint::{fingerprint}", "v": {"cursor": {"offset": 79}}}
    (registry / "log.json").write_text('{"op":"set","id":1}\n' + json.dumps(change) + "\n")
    there, here = counting.look(docker).readings[0], counting.look(native).readings[0]
    assert there.shipped_bytes == 79 and there.path == str(log)
    assert replace(there, path=here.path, rate=here.rate) == here
