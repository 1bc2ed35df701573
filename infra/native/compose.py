"""process-compose.yml with its values put in: what process-compose is started with."""

import os
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import quote

import yaml

from native import servers_user
from native.settings import Settings

TEMPLATE = Path(__file__).with_name("process-compose.yml")
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)(?::-(?P<default>[^}]*))?\}")

# Rotated by process-compose; plain lines, as the part printed them.
CONSOLE_LOG = {
    "disable_json": True,
    "no_color": True,
    "no_metadata": True,
    "fields_order": ["message"],
    "flush_each_line": True,
    "rotation": {"max_size_mb": 10, "max_backups": 2},
}

# Set for process-compose alone and inherited by its parts. Not PT_STATE, which a shell, make or a test run may have.
MARK = "PT_STACK"


class ComposeError(Exception):
    """process-compose.yml asks for something that is not there; the message names it."""


@cache
def template() -> dict:
    return yaml.safe_load(TEMPLATE.read_text())


def names() -> list[str]:
    """The parts, in the order of the file."""
    return list(template()["processes"])


def jobs() -> set[str]:
    """The parts that end: they do something once."""
    return {name for name, part in template()["processes"].items() if part["availability"]["restart"] != "always"}


def stop_order() -> list[list[str]]:
    """Stages of parts that stop together."""
    return template()["x-stop-order"]


def variables(settings: Settings) -> dict[str, str]:
    """Every value that process-compose.yml can name."""
    return {
        **settings.variables,
        **{name: str(port) for name, port in settings.ports.items()},
        **settings.secrets,
        # In a URL; the probe of Elasticsearch takes user and password no other way.
        "ELASTIC_PASSWORD_QUOTED": quote(settings.secrets["ELASTIC_PASSWORD"], safe=""),
        "ELASTICSEARCH_HEAP": settings.elasticsearch_heap,
        "APP_VERSION": settings.app_version,
        "LOG_GROUP": settings.group,
        "PT_STATE": str(settings.state),
        "CHECKOUT": str(settings.checkout),
    }


def render(settings: Settings) -> dict:
    """The document for process-compose, ready to be dumped as YAML. Raises ComposeError."""
    values = variables(settings)
    processes = {}
    for name, part in template()["processes"].items():
        part = _substitute(part, values, name)
        if part.pop("x-user", None):
            part["entrypoint"] = [*servers_user.command_prefix(), *part["entrypoint"]]
        part["environment"] = [f"{key}={value}" for key, value in part.get("environment", {}).items()]
        part.setdefault("working_dir", str(settings.checkout))
        part["log_location"] = str(settings.console_logs / f"{name}.log")
        part["log_configuration"] = CONSOLE_LOG
        processes[name] = part
    return {
        "version": "0.5",
        "is_strict": True,
        "disable_env_expansion": True,  # all values are in
        "shell": {"shell_command": "sh", "shell_argument": "-c"},
        "processes": processes,
    }


def environment(settings: Settings, tools: Mapping[str, Path]) -> dict[str, str]:
    """What every part inherits: no more than it takes to find programs, and the mark by which strays are known."""
    folders = [*(folder / "bin" for folder in tools.values()), Path(sys.executable).parent]
    kept = {name: os.environ[name] for name in ("HOME", "TZ", "LANG", "USER", "LOGNAME") if name in os.environ}
    return {
        "LANG": "C.UTF-8",
        **kept,
        "PATH": os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        "PT_STATE": str(settings.state),
        MARK: str(settings.state),
    }


def _substitute(value, values: Mapping[str, str], part: str):
    if isinstance(value, Mapping):
        return {key: _substitute(item, values, part) for key, item in value.items()}
    if isinstance(value, list):
        return [_substitute(item, values, part) for item in value]
    if not isinstance(value, str):
        return value

    def found(match: re.Match) -> str:
        name, default = match["name"], match["default"]
        if name in values:
            return values[name]
        if default is None:
            raise ComposeError(f"{TEMPLATE.name}, part {part}: ${{{name}}} has no value and no default.")
        return default

    return VARIABLE.sub(found, value)
