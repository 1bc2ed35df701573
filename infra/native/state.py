"""The state folder: who may enter what, and the secrets in it.

As an ordinary user it is mode 700. As root it belongs to root and to the servers' group: the servers (servers_user.py)
have folders of their own in it, and read the log files that the Python parts write, by the group.
"""

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from native import servers_user
from native.settings import CHECKOUT, SECRET_NAMES, Settings, SettingsError, default_state

# {service: {log file: stream}}. Each service has a folder of log files and a data stream.
CATALOGUE = yaml.safe_load((CHECKOUT / "elk/logstash/dictionaries/services.yml").read_text())
SERVICES = tuple(CATALOGUE)
# What `clean` removes: nothing else, should PT_STATE name a folder that holds other things too.
CONTENTS = ("logs", "data", "run", "console", "secrets.env", "secrets", "lock")


def umask() -> int:
    """For all parts: files for the user alone; as root for the servers' group too."""
    return 0o027 if servers_user.dropped() else 0o077


def prepare(settings: Settings) -> None:
    """Make the folders. Safe to repeat: what is there keeps its content."""
    state = settings.state
    state.parent.mkdir(parents=True, exist_ok=True)
    shared = [state, settings.logs, settings.data, settings.run]
    shared += [settings.logs / service for service in SERVICES]
    private = [settings.console_logs]
    private += [settings.data / part for part in ("django", "celerybeat", "logstash")]
    servers = [
        settings.logs / "nginx",
        settings.run / "elasticsearch",
        settings.run / "nginx",
        settings.run / "filebeat",
    ]
    servers += [settings.data / part for part in ("elasticsearch", "redis", "filebeat")]
    for folder in [*shared, *private, *servers]:
        folder.mkdir(mode=0o700, exist_ok=True)
    if servers_user.dropped():
        for folder in shared:
            os.chown(folder, 0, servers_user.SERVERS_ID)
            folder.chmod(0o2750)  # the set-group-id bit hands the group on to new files
        for folder in servers:
            os.chown(folder, servers_user.SERVERS_ID, servers_user.SERVERS_ID)
    _link(settings)


def prepare_home(settings: Settings) -> None:
    """Make the state folder alone, for what a runtime keeps beside its volumes."""
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    _link(settings)


def make_dotenv(settings: Settings) -> Settings:
    """Make .env from .env.example where there is none, with the runtime that was chosen in it; the settings with it."""
    path = settings.checkout / ".env"
    if path.exists():
        return settings
    example = (settings.checkout / ".env.example").read_text()
    path.write_text(re.sub(r"^RUNTIME=.*$", f"RUNTIME={settings.runtime}", example, flags=re.MULTILINE))
    return Settings.load(settings.checkout, settings.environ)


def _link(settings: Settings) -> None:
    """As root the state lies elsewhere by default: `.state` in the checkout leads there."""
    link = settings.checkout / ".state"
    if settings.state == default_state(settings.checkout) != link and (link.is_symlink() or not link.exists()):
        link.unlink(missing_ok=True)
        link.symlink_to(settings.state)


def generate_secrets(settings: Settings) -> None:
    """Write secrets.env, or the names that are missing in it. Never overwrites a value, never prints one."""
    path = settings.secrets_file
    kept = path.read_text() if path.exists() else ""
    names = {line.partition("=")[0] for line in kept.splitlines()}
    if missing := [name for name in SECRET_NAMES if name not in names]:
        write_private(path, kept + _lines(generate(missing)))


def generate(names: Iterable[str]) -> dict[str, str]:
    return {name: secrets.token_urlsafe(32) for name in names}


def check_rotation(settings: Settings, names: Iterable[str]) -> None:
    """Raise SettingsError when one of these passwords is not ours to change."""
    if given := [name for name in names if name in settings.variables]:
        raise SettingsError(
            f"{', '.join(given)}: set in .env or the environment, where it must be changed. Nothing was."
        )


def replace_secrets(settings: Settings, values: Mapping[str, str]) -> None:
    """Put new values into secrets.env, where each of the names stands already."""
    kept = settings.secrets_file.read_text().splitlines(keepends=True)
    others = [line for line in kept if line.partition("=")[0] not in values]
    write_private(settings.secrets_file, "".join(others) + _lines(values))


def _lines(values: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner alone, at once or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:  # noqa: PTH123
        file.write(text)
    fresh.replace(path)


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """One `up`, `down` or `rotate-passwords` at a time."""
    with (settings.state / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove(settings: Settings) -> None:
    """Remove everything that the stack keeps."""
    for name in CONTENTS:
        path = settings.state / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if settings.state.is_dir() and not any(settings.state.iterdir()):
        settings.state.rmdir()
    link: Path = settings.checkout / ".state"
    if link.is_symlink() and not link.exists():
        link.unlink()
