import os
import subprocess
from pathlib import Path

import pytest

from native.settings import Settings, SettingsError, free_ports


def load(checkout: Path, dotenv: str = "", **environ: str) -> Settings:
    (checkout / ".env").write_text(dotenv)
    return Settings.load(checkout, environ)


def test_the_environment_wins_over_dotenv_which_wins_over_the_default(tmp_path):
    settings = load(tmp_path, "NGINX_PORT=8081\nREDIS_PORT=6380\n", NGINX_PORT="8082")
    assert (settings.nginx_port, settings.redis_port, settings.django_port) == (8082, 6380, 8000)


def test_an_empty_variable_counts_as_not_set(tmp_path):
    settings = load(tmp_path, "NGINX_PORT=8081\nFLOWER_PORT=\n", NGINX_PORT="")
    assert (settings.nginx_port, settings.flower_port) == (8081, 5555)


def test_a_dollar_in_dotenv_is_a_dollar(tmp_path):
    assert load(tmp_path, "CARRIER_URL=http://a/$x${y}\n").variables["CARRIER_URL"] == "http://a/$x${y}"


def test_all_wrong_ports_are_named_at_once(tmp_path):
    with pytest.raises(SettingsError) as error:
        load(tmp_path, "REDIS_PORT=70000\n", NGINX_PORT="http")
    assert "NGINX_PORT=http" in str(error.value)
    assert "REDIS_PORT=70000" in str(error.value)


def test_a_relative_state_folder_is_the_checkouts(tmp_path):
    assert load(tmp_path, PT_STATE="elsewhere").state == tmp_path / "elsewhere"


@pytest.mark.skipif(os.geteuid() != 0, reason="root's default")
def test_roots_state_is_a_folder_of_its_own_for_each_checkout(tmp_path):
    (tmp_path / "other").mkdir()
    here, there = load(tmp_path).state, load(tmp_path / "other").state
    assert here != there
    assert here.parent == there.parent == Path("/var/lib/parcel-tracking")


def test_free_ports_make_a_stack_that_shares_no_port_with_the_default_one(tmp_path):
    second = load(tmp_path, **free_ports())
    assert len(set(second.ports.values())) == len(second.ports)
    assert not set(second.ports.values()) & set(load(tmp_path).ports.values())


def test_secrets_before_the_first_start_say_who_writes_them(tmp_path):
    with pytest.raises(SettingsError, match=r"secrets\.env has no ELASTIC_PASSWORD.*make up"):
        _ = load(tmp_path, PT_STATE=str(tmp_path / "state")).secrets


def test_the_version_is_what_git_calls_the_checkout(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    assert load(tmp_path).app_version == "unknown"
    git("init")
    git("commit", "--allow-empty", "--message", "the first")
    git("tag", "v1.2.0")
    assert load(tmp_path).app_version == "v1.2.0"
    assert load(tmp_path, APP_VERSION="2025-02").app_version == "2025-02"
