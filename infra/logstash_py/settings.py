"""logstash.yml, pipelines.yml and the command line: the settings that we carry out, those that we may leave be, and no
others.

Names and defaults are Logstash's (its documentation of logstash.yml and pipelines.yml). Each setting of Logstash's is
one of: carried out (a field of Settings); left be with a note, where that changes no guarantee (_LEFT_BE); refused,
where it would (_REFUSED). Anything else is a mistake and told with file and line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from socket import gethostname
from typing import Any

import yaml

from .errors import SettingsError

_VARIABLE = re.compile(r"\$\{([a-zA-Z_.][a-zA-Z0-9_.]*)(?::([^}]*))?\}")
_UNITS = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40}
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3}


def _positive(value: Any) -> int:
    number = int(value)
    if number < 1:
        raise ValueError("must be 1 or more")
    return number


def _port(value: Any) -> int:
    # A range such as Logstash's default 9600-9700 stands for its first port.
    number = int(str(value).split("-")[0])
    if not 0 <= number <= 65535:
        raise ValueError("is no port")
    return number


def _milliseconds(value: Any) -> int:
    number = int(value)
    if number < 0:
        raise ValueError("must be 0 or more")
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise ValueError("is no text")
    return str(value)


def _identifier(value: Any) -> str:
    # It names a folder.
    if not isinstance(value, str) or not re.fullmatch(r"[\w.-]+", value) or value.startswith("."):
        raise ValueError("is no name of letters, digits, '_', '-' and '.'")
    return value


def _boolean(value: Any) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise ValueError("is neither true nor false")


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        text = str(value).lower() if isinstance(value, bool) else value
        if text not in choices:
            raise ValueError(f"is none of {', '.join(choices)}")
        return text

    return read


def _seconds(value: Any) -> float:
    match = re.fullmatch(r"(\d+)(d|h|m|s|ms)", str(value))
    if not match or not int(match[1]):
        raise ValueError("is no time such as 3s or 500ms")
    return int(match[1]) * _SECONDS[match[2]]


def _bytes(value: Any) -> int:
    match = re.fullmatch(r"(\d+)\s*([kmgt]?b)?", str(value).lower())
    if not match or not int(match[1]):
        raise ValueError("is no size such as 1024mb")
    return int(match[1]) * _UNITS[match[2] or "b"]


def _folder(value: Any) -> Path:
    return Path(_text(value))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _setting(name: str, default: Any, read: Callable[[Any], Any], *, pipeline: bool = False) -> Any:
    """`pipeline`: it may differ between the pipelines of pipelines.yml."""
    metadata = {"name": name, "read": read, "pipeline": pipeline}
    return field(metadata=metadata, **({"default_factory": default} if callable(default) else {"default": default}))


@dataclass(frozen=True)
class Settings:
    """Of a process, or of one pipeline in it. `batch_delay` is in milliseconds, `reload_interval` in seconds."""

    pipeline_id: str = _setting("pipeline.id", "main", _identifier, pipeline=True)
    path_config: str = _setting("path.config", "", _text, pipeline=True)
    config_string: str = _setting("config.string", "", _text, pipeline=True)
    workers: int = _setting("pipeline.workers", _cores, _positive, pipeline=True)
    batch_size: int = _setting("pipeline.batch.size", 125, _positive, pipeline=True)
    batch_delay: int = _setting("pipeline.batch.delay", 50, _milliseconds, pipeline=True)
    ordered: str = _setting("pipeline.ordered", "auto", _one_of("auto", "true", "false"), pipeline=True)
    ecs: str = _setting("pipeline.ecs_compatibility", "v8", _one_of("disabled", "v1", "v8"), pipeline=True)
    reloadable: bool = _setting("pipeline.reloadable", True, _boolean, pipeline=True)
    dead_letter_max_bytes: int = _setting("dead_letter_queue.max_bytes", 1 << 30, _bytes, pipeline=True)
    path_data: Path = _setting("path.data", lambda: Path("data"), _folder)  # noqa: RUF009 a field, by way of a function
    path_dead_letters: Path | None = _setting("path.dead_letter_queue", None, _folder)  # noqa: RUF009
    reload_automatic: bool = _setting("config.reload.automatic", False, _boolean)
    reload_interval: float = _setting("config.reload.interval", 3.0, _seconds)
    api_enabled: bool = _setting("api.enabled", True, _boolean)
    api_host: str = _setting("api.http.host", "127.0.0.1", _text)
    api_port: int = _setting("api.http.port", 9600, _port)
    log_level: str = _setting("log.level", "info", _one_of("fatal", "error", "warn", "info", "debug", "trace"))
    log_format: str = _setting("log.format", "plain", _one_of("plain", "json"))
    node_name: str = _setting("node.name", gethostname, _text)
    # What was asked for and is left be, with the reason, for the log.
    notes: tuple[str, ...] = ()

    @property
    def dead_letter_folder(self) -> Path:
        return (self.path_dead_letters or self.path_data / "dead_letter_queue") / self.pipeline_id

    def with_values(self, values: Mapping[str, Any], source: str) -> Settings:
        """These settings with some replaced, by their names. Raises SettingsError that begins with `source`."""
        return self._with([_Value(name, value, source) for name, value in values.items()])

    def _with(self, values: Iterable[_Value], *, pipeline: bool = False) -> Settings:
        changed: dict[str, Any] = {}
        notes = list(self.notes)
        for name, value, source in values:
            known = _KNOWN.get(name)
            if known is None:
                note = _leave_be(name, value, source)
                if note:
                    notes.append(note)
                continue
            if pipeline and not known.metadata["pipeline"]:
                raise SettingsError(f"{source}: {name} can't differ between pipelines: set it in logstash.yml")
            try:
                changed[known.name] = known.metadata["read"](value)
            except (ValueError, TypeError) as error:
                raise SettingsError(f"{source}: {name}: {value!r} {error}") from None
        return replace(self, **changed, notes=tuple(notes))


_KNOWN = {item.metadata["name"]: item for item in fields(Settings) if item.metadata}


@dataclass(frozen=True, slots=True)
class _Value:
    name: str
    value: Any
    source: str

    def __iter__(self) -> Any:
        return iter((self.name, self.value, self.source))


_ACKNOWLEDGED = "an event is acknowledged to its sender only after it is stored, so no queue of ours can lose it"
_API = "the monitoring API on api.http.port tells the figures"
_JVM = "it tunes Logstash's own machinery"

# Settings of Logstash's that may be left be: name, or the beginning of names with a dot at the end → why that is safe.
_LEFT_BE = {
    "queue.": _ACKNOWLEDGED,
    "path.queue": _ACKNOWLEDGED,
    "dead_letter_queue.enable": "events that can't be stored are always kept in the dead letter queue",
    "dead_letter_queue.flush_interval": "each dead letter is on disk before its event is acknowledged",
    "dead_letter_queue.flush_check_interval": "each dead letter is on disk before its event is acknowledged",
    "dead_letter_queue.storage_policy": "a full dead letter queue holds the pipeline up and drops nothing",
    "pipeline.unsafe_shutdown": "what isn't stored at the end is not acknowledged, and its sender sends it again",
    "pipeline.recoverable": "a worker that dies is always started again",
    "pipeline.separate_logs": "all logs go to the standard error",
    "pipeline.plugin_classloaders": _JVM,
    "pipeline.buffer.type": _JVM,
    "pipeline.batch.output_chunking.growth_threshold_factor": _JVM,
    "path.logs": "all logs go to the standard error",
    "log.format.json.fix_duplicate_message_fields": "our JSON logs have no such duplicates",
    "slowlog.": "there is no slow log",
    "metric.": _API,
    "monitoring.": _API,
    "xpack.monitoring.": _API,
    "xpack.geoip.": "there is no geoip filter",
    "geoip.": "there is no geoip filter",
    "api.environment": "it is a label only",
    "api.auth.": "it is asked for only by api.auth.type: basic",
    "api.ssl.": "it is asked for only by api.ssl.enabled: true",
    "xpack.management.": "it is asked for only by xpack.management.enabled: true",
    "keystore.": "${VAR} takes its value from the environment only, and says so when it is missing",
    "config.debug": "it only logs more",
    "allow_superuser": "",
}
# Of these, only some values can be left be: name → (those values, what to say of any other).
_REFUSED: dict[str, tuple[tuple[Any, ...], str]] = {
    "dead_letter_queue.storage_policy": (("drop_newer",), "no dead letter is dropped for another"),
    "dead_letter_queue.retain.age": ((), "no dead letter is dropped for its age; see the command dlq purge"),
    "api.auth.type": (("none",), "the monitoring API has no authentication: leave it on loopback"),
    "api.ssl.enabled": ((False, "false"), "the monitoring API has no TLS: leave it on loopback"),
    "xpack.management.enabled": ((False, "false"), "pipelines are read from files only"),
    "config.support_escapes": ((False, "false"), "escapes in strings stay as they are"),
    "config.field_reference.escape_style": (("none",), "field references have no escapes"),
    "config.test_and_exit": ((False, "false"), "use the command check"),
    "path.plugins": (([], ""), "plugins of Logstash's can't run here"),
    "modules": (([], None), "there are no modules"),
    "cloud.id": ((), "give the elasticsearch output hosts, user and password"),
    "cloud.auth": ((), "give the elasticsearch output hosts, user and password"),
    "interactive": ((None,), "there is no interactive shell"),
}


def _leave_be(name: str, value: Any, source: str) -> str:
    """Why a setting that we don't carry out may be left be; "" when there is nothing to say. Raises SettingsError."""
    if name in _REFUSED:
        harmless, reason = _REFUSED[name]
        if value not in harmless:
            raise SettingsError(f"{source}: {name}: {value} is not supported: {reason}")
        return ""
    if name == "allow_superuser":
        if value in (False, "false") and os.geteuid() == 0:
            raise SettingsError(f"{source}: allow_superuser: false forbids to run as root: run as another user")
        return ""
    for known, reason in _LEFT_BE.items():
        if name == known or (known.endswith(".") and name.startswith(known)):
            return f"{source}: {name} has no effect: {reason}"
    raise SettingsError(f"{source}: unknown setting {name}. Supported: {', '.join(_KNOWN)}")


def read(folder: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of `folder`/logstash.yml, with ${VAR} and ${VAR:default} replaced. Raises SettingsError."""
    path = folder / "logstash.yml"
    node = _compose(path)
    if node is None:
        return Settings()
    if not isinstance(node, yaml.MappingNode):
        raise SettingsError(f"{path}:1: settings are name: value lines")
    return Settings()._with(_values(node, str(path), environ))


def read_pipelines(folder: Path, defaults: Settings, environ: Mapping[str, str]) -> list[Settings]:
    """The settings of each pipeline in `folder`/pipelines.yml; what one doesn't set is as in `defaults`.

    Raises SettingsError.
    """
    path = folder / "pipelines.yml"
    node = _compose(path)
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise SettingsError(f"{path}:1: pipelines are a list, each item of name: value lines with a pipeline.id")
    pipelines: dict[str, Settings] = {}
    for item in node.value:
        at = f"{path}:{item.start_mark.line + 1}"
        if not isinstance(item, yaml.MappingNode):
            raise SettingsError(f"{at}: a pipeline is name: value lines with a pipeline.id")
        values = list(_values(item, str(path), environ))
        if not any(value.name == "pipeline.id" for value in values):
            raise SettingsError(f"{at}: this pipeline has no pipeline.id")
        # Where one of the two is set for all, the other is what this pipeline sets.
        pipeline = replace(defaults, path_config="", config_string="")._with(values, pipeline=True)
        if bool(pipeline.path_config) == bool(pipeline.config_string):
            raise SettingsError(f"{at}: {pipeline.pipeline_id}: give either path.config or config.string")
        if pipeline.pipeline_id in pipelines:
            raise SettingsError(f"{at}: a second pipeline with the id {pipeline.pipeline_id}")
        pipelines[pipeline.pipeline_id] = pipeline
    return list(pipelines.values())


def _compose(path: Path) -> yaml.Node | None:
    try:
        return yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(f"{path}:{line}: {error.problem or 'this is no YAML'}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _values(node: yaml.MappingNode, path: str, environ: Mapping[str, str], prefix: str = "") -> Iterable[_Value]:
    """`pipeline: {batch: {size: 5}}` and `pipeline.batch.size: 5` are the same."""
    for key, value in node.value:
        name, source = f"{prefix}{key.value}", f"{path}:{key.start_mark.line + 1}"
        if isinstance(value, yaml.MappingNode):
            yield from _values(value, path, environ, f"{name}.")
        else:
            plain = yaml.SafeLoader("").construct_object(value, deep=True)
            yield _Value(name, _substitute(plain, environ, source) if isinstance(plain, str) else plain, source)


def _substitute(text: str, environ: Mapping[str, str], source: str) -> str:
    def variable(match: re.Match[str]) -> str:
        value = environ.get(match[1], match[2])
        if value is None:
            raise SettingsError(f"{source}: the variable {match[1]} is not set and has no default")
        return value

    return _VARIABLE.sub(variable, text)
