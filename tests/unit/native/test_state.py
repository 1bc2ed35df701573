import os
import stat

import pytest

from native import servers_user, state
from native.settings import SECRET_NAMES


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_generated_once_for_their_owner_alone(settings):
    state.prepare(settings)
    state.generate_secrets(settings)
    assert mode(settings.secrets_file) == 0o600
    assert set(settings.secrets) == set(SECRET_NAMES)
    assert len(set(settings.secrets.values())) == len(SECRET_NAMES)

    written = settings.secrets_file.read_text()
    state.generate_secrets(settings)
    assert settings.secrets_file.read_text() == written


def test_a_secret_that_is_new_is_added_and_the_others_stay(settings):
    state.prepare(settings)
    settings.secrets_file.write_text("ELASTIC_PASSWORD=kept\n")
    state.generate_secrets(settings)
    assert settings.secrets["ELASTIC_PASSWORD"] == "kept"
    assert mode(settings.secrets_file) == 0o600


def test_others_cannot_enter_the_state_folder(settings):
    state.prepare(settings)
    assert mode(settings.state) & 0o007 == 0
    assert mode(settings.console_logs) & 0o077 == 0
    state.prepare(settings)  # again, with everything there


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_the_servers_user_may_read_a_services_log_and_not_its_data(settings):
    state.prepare(settings)
    log = settings.logs / "django" / "app.log"
    before = os.umask(state.umask())
    try:
        log.write_text("")
    finally:
        os.umask(before)
    assert log.stat().st_gid == servers_user.SERVERS_ID
    assert mode(log) == 0o640
    assert (settings.data / "elasticsearch").stat().st_uid == servers_user.SERVERS_ID
    assert mode(settings.data / "django") == 0o700
    assert (settings.data / "django").stat().st_uid == 0


def test_clean_removes_what_the_stack_keeps_and_nothing_else(settings):
    state.prepare(settings)
    state.generate_secrets(settings)
    stranger = settings.state / "thesis.txt"
    stranger.write_text("")
    state.remove(settings)
    assert list(settings.state.iterdir()) == [stranger]
    stranger.unlink()
    state.remove(settings)
    assert not settings.state.exists()
