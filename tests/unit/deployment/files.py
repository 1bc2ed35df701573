"""The files that say how the stack is put together, as the tests of this folder read them."""

import re
from functools import cache
from pathlib import Path

import yaml
from dotenv import dotenv_values

from containers.secret_files import SECRETS
from tests.paths import ROOT

COMPOSE_FILES = ("docker-compose.yml", "docker-compose.elk.yml")
NATIVE_FILE = "infra/native/process-compose.yml"

# ${NAME}, ${NAME:-default}, ${NAME:?reason}; Logstash's ${NAME:default}. `$${NAME}` is none, nor a script's `\${NAME}`.
NAME = re.compile(r"(?<![$\\])\$\{([A-Z][A-Z0-9_]*)")
REFERENCE = re.compile(r"(?<![$\\])\$\{(?P<name>[A-Z][A-Z0-9_]*)(?P<operator>:[-?]?)?(?P<rest>[^{}]*)\}")


def text(path: str | Path) -> str:
    """A file of the tree, without its comments."""
    return re.sub(r"^\s*#.*$|\s#\s.*$", "", (ROOT / path).read_text(), flags=re.MULTILINE)


def with_defaults(value: str) -> str:
    """A value of a compose file as it is when no variable is set."""
    while (filled := re.sub(r"\$\{\w+:-([^${}]*)\}", r"\1", value)) != value:
        value = filled
    return value


@cache
def services() -> dict[str, dict]:
    """{service: definition} of both compose files."""
    return {
        name: body
        for file in COMPOSE_FILES
        for name, body in yaml.safe_load((ROOT / file).read_text())["services"].items()
    }


@cache
def parts() -> dict[str, dict]:
    """{part: definition} of the native runtime."""
    return yaml.safe_load((ROOT / NATIVE_FILE).read_text())["processes"]


def is_job(definition: dict) -> bool:
    """Whether a service or part does something once."""
    if "availability" in definition:
        return definition["availability"]["restart"] != "always"
    return definition["restart"].startswith("on-failure")


def given_to(definition: dict) -> set[str]:
    """The variables that a service or part gets; of compose's env_file its secrets, and those of TLS=on and off."""
    names = set(definition.get("environment", {}))
    for file in definition.get("env_file", ()):
        if service := secrets_of(file):
            names |= set(SECRETS[service])
        else:
            for state in ("on", "off"):
                names |= dotenv_values(ROOT / file.replace("${TLS:-off}", state)).keys()
    return names


def secrets_of(file: str | dict) -> str | None:
    """The service whose secrets are in a file of an env_file."""
    found = isinstance(file, dict) and re.fullmatch(r"\$\{PT_STATE:-\.state\}/secrets/([a-z-]+)\.env", file["path"])
    return found[1] if found else None


def dockerfile(service: str) -> str:
    """The text of the Dockerfile that a service is built from; empty for an image of others."""
    build = services()[service].get("build")
    return text(Path(build["context"]) / build.get("dockerfile", "Dockerfile")) if build else ""


@cache
def example() -> dict[str, str]:
    """The variables of .env.example."""
    return dotenv_values(ROOT / ".env.example", interpolate=False)
