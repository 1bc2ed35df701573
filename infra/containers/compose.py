"""The compose project: its files, what they are given, and `docker compose` run on them."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

from native.runtime import RuntimeFailure
from native.settings import Settings, SettingsError

APP_FILE, ELK_FILE = "docker-compose.yml", "docker-compose.elk.yml"
# A fork's own, added last where they are there: one for each side, which may be on another host.
OVERRIDE_FILES = {APP_FILE: "docker-compose.override.yml", ELK_FILE: "docker-compose.elk.override.yml"}

TAIL_LINES = 25


class ComposeFailure(RuntimeFailure):
    """docker, or docker compose, said no; the message is the end of what it printed."""


def files(settings: Settings) -> list[Path]:
    """The compose files of what runs here: the application's side, the Elastic side, or both. Raises SettingsError."""
    names = []
    if settings.choice("APP") == "here":
        names.append(APP_FILE)
    if settings.choice("ELK") == "here":
        names.append(ELK_FILE)
    if not names:
        raise SettingsError("APP=external and ELK=external leave nothing to run here. Correct .env.")
    names += [OVERRIDE_FILES[name] for name in names if (settings.checkout / OVERRIDE_FILES[name]).exists()]
    return [settings.checkout / name for name in names]


def environment(settings: Settings) -> dict[str, str]:
    """What the compose files' variables are read from: .env, and the environment that wins over it.

    `settings` says it all, so that compose and this package never read a value in two ways.
    """
    return {
        **{name: value for name, value in os.environ.items() if value},
        **settings.variables,
        "PT_STATE": str(settings.state),
        "COMPOSE_PROFILES": settings.variables.get("COMPOSE_PROFILES", "full"),
        "APP_VERSION": settings.app_version,
        "TLS_DIR": str(settings.tls_folder),
        # Filebeat's way to a Logstash of the same project is the compose file's to say.
        **({"LOGSTASH_HOST": ""} if settings.choice("ELK") == "here" else {}),
    }


def command(settings: Settings, *arguments: str) -> list[str]:
    of_files = [option for file in files(settings) for option in ("--file", str(file))]
    # An empty file in place of .env, which `environment` holds already.
    return ["docker", "compose", "--env-file", os.devnull, *of_files, *arguments]


def run(settings: Settings, *arguments: str, given: str = "") -> str:
    """`docker compose ARGUMENTS`, `given` on its standard input: what it printed. Raises ComposeFailure."""
    return docker(*command(settings, *arguments)[1:], given=given, env=environment(settings), cwd=settings.checkout)


def docker(*arguments: str, given: str = "", **options) -> str:
    """`docker ARGUMENTS`, `given` on its standard input: what it printed. Raises ComposeFailure."""
    try:
        done = subprocess.run(  # noqa: S603
            ["docker", *arguments],  # noqa: S607
            input=given,
            capture_output=True,
            text=True,
            **options,
        )
    except FileNotFoundError:
        raise ComposeFailure("`docker` is not on PATH.") from None
    if done.returncode:
        raise ComposeFailure(tail(done.stderr or done.stdout) or f"docker ended with status {done.returncode}")
    return done.stdout


def tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-TAIL_LINES:])


def config(settings: Settings) -> dict:
    """The compose document with all values put in and defaults written out. Raises ComposeFailure."""
    return json.loads(run(settings, "config", "--format", "json"))


def inspect(project: str) -> dict[str, dict]:
    """{service: docker's account of its container}, running or not. Raises ComposeFailure."""
    ids = docker("ps", "--all", "--quiet", "--no-trunc", *_of_project(project), "--filter", f"label={ONE_OFF}=False")
    if not ids:
        return {}
    try:
        found = json.loads(docker("container", "inspect", *ids.split()))
    except ComposeFailure:  # one of them was removed just now
        return inspect(project)
    return {container["Config"]["Labels"][SERVICE]: container for container in found}


def volumes(project: str) -> list[str]:
    """The project's volumes that exist."""
    return docker("volume", "ls", "--quiet", *_of_project(project)).split()


# The labels that compose puts on what it makes.
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"


def _of_project(project: str) -> tuple[str, str]:
    return "--filter", f"label={PROJECT}={project}"


def with_variables(settings: Settings, **variables: str) -> Settings:
    """`settings` with other values of some variables."""
    return replace(settings, variables={**settings.variables, **variables})
