"""The Docker runtime's view of containers."""

import stat

import pytest

from containers import runtime, secret_files
from native import state
from native.runtime import RuntimeFailure
from native.settings import SettingsError

SERVER, JOB = {"restart": "unless-stopped"}, {"restart": "on-failure:2"}


@pytest.mark.parametrize(
    ("service", "status", "state"),
    [
        (SERVER, {"Status": "running"}, "healthy"),  # without a health check
        (SERVER, {"Status": "running", "Health": {"Status": "starting"}}, "starting"),
        (SERVER, {"Status": "running", "Health": {"Status": "healthy"}}, "healthy"),
        (SERVER, {"Status": "running", "Health": {"Status": "unhealthy"}}, "unhealthy"),
        (SERVER, {"Status": "restarting"}, "restarting"),
        (SERVER, {"Status": "exited", "ExitCode": 0}, "stopped"),
        (SERVER, {"Status": "exited", "ExitCode": 137}, "failed"),
        (JOB, {"Status": "running"}, "starting"),
        (JOB, {"Status": "exited", "ExitCode": 0}, "done"),
        (JOB, {"Status": "exited", "ExitCode": 1}, "failed"),
        (JOB, {"Status": "created"}, "pending"),
    ],
)
def test_states(service, status, state):
    assert runtime._state(service, {"State": status}) == state


def test_a_service_without_a_container_is_pending():
    assert runtime._state(SERVER, None) == "pending"


def test_images_that_are_pulled():
    services = {"redis": {}, "django": {"build": {}}, "celery": {"pull_policy": "never"}}
    assert runtime.pulled({"services": services}) == ["redis"]


def test_memory_is_the_percentage_of_each_containers_limit(settings, engine, monkeypatch):
    running, stopped = {"Id": "aaa", "State": {"Running": True}}, {"Id": "bbb", "State": {"Running": False}}
    monkeypatch.setattr(runtime, "_containers", lambda _: {"django": running, "celery": stopped})
    engine({"stats --no-stream --no-trunc --format {{.ID}} {{.MemPerc}} aaa": "aaa 24.01%\n"})
    assert runtime.memory(settings) == {"django": 24.01}


def test_nothing_starts_without_an_engine(settings, engine):
    engine({"version --format {{json .}}": None})
    with pytest.raises(RuntimeFailure, match=r"Nothing was started:\n  ✗ No Docker engine answers"):
        runtime.up(settings, print)
    assert not settings.state.exists()


def test_secrets_are_for_their_owner_alone(settings):
    state.prepare_home(settings)
    state.generate_secrets(settings)
    secret_files.write(settings)
    folder = settings.state / "secrets"
    for path in (settings.secrets_file, *folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(settings.state.stat().st_mode) == stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.stem for path in folder.iterdir()} == secret_files.SECRETS.keys()
    assert set(runtime.PASSWORDS) == {name for name in settings.secrets if name.endswith("_PASSWORD")}


def test_a_password_of_dotenv_is_not_ours_to_change(settings, tmp_path):
    given = settings.load(settings.checkout, {**settings.environ, "DEMO_PASSWORD": "mine"})
    with pytest.raises(SettingsError, match=r"DEMO_PASSWORD: set in .env or the environment"):
        state.check_rotation(given, runtime.PASSWORDS)


def test_new_passwords_replace_the_old_ones_and_the_rest_stays(settings):
    state.prepare_home(settings)
    state.generate_secrets(settings)
    before = dict(settings.secrets)
    secret_files.write(settings)
    state.replace_secrets(settings, {"DEMO_PASSWORD": "new"})
    settings = settings.load(settings.checkout, settings.environ)
    assert settings.secrets == {**before, "DEMO_PASSWORD": "new"}
    secret_files.write(settings)
    assert 'DEMO_PASSWORD="new"\n' in (settings.state / "secrets/migrate.env").read_text()
    assert stat.S_IMODE(settings.secrets_file.stat().st_mode) == 0o600


def test_clean_removes_the_files_of_the_services_too(settings):
    state.prepare_home(settings)
    state.generate_secrets(settings)
    secret_files.write(settings)
    state.remove(settings)
    assert not settings.state.exists()
