"""logstash.yml: the settings that we carry out. Any other key is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from socket import gethostname
from typing import Any

import yaml

from .errors import SettingsError

_LEVELS = ("fatal", "error", "warn", "info", "debug", "trace")
_VARIABLE = re.compile(r"\$\{([a-zA-Z_.][a-zA-Z0-9_.]*)(?::([^}]*))?\}")


def _positive(text: Any) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("must be 1 or more")
    return number


def _port(text: Any) -> int:
    # A range such as Logstash's default 9600-9700 stands for its first port.
    number = int(str(text).split("-")[0])
    if not 0 <= number <= 65535:
        raise ValueError("is no port")
    return number


def _level(text: Any) -> str:
    if text not in _LEVELS:
        raise ValueError(f"is none of {', '.join(_LEVELS)}")
    return str(text)


def _milliseconds(text: Any) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("must be 0 or more")
    return number


def _setting(name: str, default: Any, read: Callable[[Any], Any]) -> Any:
    return field(default=default, metadata={"name": name, "read": read})


@dataclass(frozen=True)
class Settings:
    """Names and defaults are Logstash's. `batch_delay` is in milliseconds."""

    workers: int = _setting("pipeline.workers", 2, _positive)
    batch_size: int = _setting("pipeline.batch.size", 125, _positive)
    batch_delay: int = _setting("pipeline.batch.delay", 50, _milliseconds)
    ecs: str = _setting("pipeline.ecs_compatibility", "v8", str)
    path_data: Path = _setting("path.data", Path("data"), Path)  # noqa: RUF009 a field, by way of a function
    path_config: str = _setting("path.config", "", str)
    api_host: str = _setting("api.http.host", "127.0.0.1", str)
    api_port: int = _setting("api.http.port", 9600, _port)
    log_level: str = _setting("log.level", "info", _level)
    node_name: str = _setting("node.name", gethostname(), str)

    def with_values(self, values: Mapping[str, Any], source: str) -> Settings:
        """These settings with some replaced, by their names in logstash.yml. Raises SettingsError, naming `source`."""
        known = {item.metadata["name"]: item for item in fields(self)}
        changed = {}
        for name, value in values.items():
            if name not in known:
                raise SettingsError(f"{source}: unknown setting {name}. Supported: {', '.join(known)}")
            try:
                changed[known[name].name] = known[name].metadata["read"](value)
            except (ValueError, TypeError) as error:
                raise SettingsError(f"{source}: {name}: {value!r} {error}") from None
        return replace(self, **changed)


def read(folder: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of `folder`/logstash.yml, with ${VAR} and ${VAR:default} replaced. Raises SettingsError."""
    path = folder / "logstash.yml"
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: {error}") from None
    if not isinstance(data, dict):
        raise SettingsError(f"{path}: settings are name: value lines")
    return Settings().with_values(_flat(data, str(path), environ), str(path))


def _flat(data: dict[str, Any], source: str, environ: Mapping[str, str], prefix: str = "") -> dict[str, Any]:
    """`pipeline: {batch: {size: 5}}` and `pipeline.batch.size: 5` are the same."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            flat |= _flat(value, source, environ, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = _VARIABLE.sub(_from(environ, source), value) if isinstance(value, str) else value
    return flat


def _from(environ: Mapping[str, str], source: str) -> Callable[[re.Match[str]], str]:
    def replace_variable(match: re.Match[str]) -> str:
        value = environ.get(match[1], match[2])
        if value is None:
            raise SettingsError(f"{source}: the variable {match[1]} is not set and has no default")
        return value

    return replace_variable
