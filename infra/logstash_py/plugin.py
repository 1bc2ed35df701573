"""What plugins are: a name, options with types, and what the compiler asks of each kind.

A plugin class declares its options in `options`; an option that a class doesn't declare is an error, as is a value of
the wrong type. Real options that we don't carry out are not declared: asking for one is told, never skipped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, ClassVar

from . import fieldref, sprintf
from .errors import ConfigError, InvalidReference, Position
from .event import Event
from .text import inspect

ECS_VERSIONS = ("disabled", "v1", "v8")


class WrongValue(ValueError):
    """An option's value has the wrong type. The text says what was expected."""


# Types of options: callables from a configuration value (str, int, float, list, dict, or a codec) to the option's
# value.


def _scalar(value: Any) -> Any:
    """Logstash takes an array of one for its element."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def string(value: Any) -> Any:
    """Hashes pass, as in Logstash: what they then do is up to the plugin."""
    value = _scalar(value)
    if isinstance(value, list):
        raise WrongValue(f"This setting must be a string. Expected string, got {inspect(value)}")
    return value if isinstance(value, (str, dict)) else sprintf.compile(value)({})


def number(value: Any) -> int | float:
    value = _scalar(value)
    if isinstance(value, str):
        for convert in (int, float):
            try:
                return convert(value)
            except ValueError:
                continue
    if isinstance(value, (int, float)):
        return value
    raise WrongValue(f"This setting must be a number. Expected number, got {inspect(value)} (type {value})")


def boolean(value: Any) -> bool:
    value = _scalar(value)
    if value in ("true", "false"):
        return value == "true"
    raise WrongValue(f"This setting must be a boolean. Expected boolean 'true' or 'false', got {inspect(value)}")


def array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def hash_(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    items = array(value)
    if len(items) % 2:
        raise WrongValue(
            f"This setting must be a hash. This field must contain an even number of items, got {len(items)}"
        )
    return dict(zip(map(str, items[::2]), items[1::2], strict=True))


def field_reference(value: Any) -> str:
    value = string(value)
    try:
        fieldref.parse(value)
    except InvalidReference:
        message = f"This setting must be a field_reference. Expected a valid field reference, got `{inspect(value)}`"
        raise WrongValue(message) from None
    return value


def one_of(*choices: str) -> Callable[[Any], str]:
    def choice(value: Any) -> str:
        value = _scalar(value)
        if value not in choices:
            raise WrongValue(
                f"This setting must be a {inspect(list(choices))}. Expected one of {inspect(list(choices))}, "
                f"got {inspect(array(value))}"
            )
        return value

    return choice


def codec(value: Any) -> Codec:
    """A codec with options comes as an instance, one without as a name."""
    value = _scalar(value)
    if isinstance(value, Codec):
        return value
    factory = find("codec", value) if isinstance(value, str) else None
    if factory is None:
        raise WrongValue(
            f"Couldn't find any codec plugin named '{value}'. Supported codecs: {', '.join(names('codec'))}"
        )
    return factory({}, {}, Position("", 0, 0), Context())


@dataclass(frozen=True)
class Option:
    """One option of a plugin. `type` converts and checks; a plugin reads `default` when the option isn't given."""

    type: Callable[[Any], Any]
    default: Any = None
    required: bool = False


@dataclass
class Context:
    """What a plugin may know of the pipeline that it is in."""

    ecs: str = "v8"
    pipeline_id: str = "main"
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass
class Metrics:
    """Counters of one plugin, as the monitoring API shows them."""

    events_in: int = 0
    events_out: int = 0
    matches: int = 0
    failures: int = 0


class Plugin:
    """Base of all plugins. Options are attributes; `given` holds the names of those that the configuration sets."""

    kind: ClassVar[str]
    name: ClassVar[str]
    options: ClassVar[dict[str, Option]] = {}
    common: ClassVar[dict[str, Option]] = {"id": Option(string), "enable_metric": Option(boolean, True)}

    def __init__(self, values: dict[str, Any], positions: dict[str, Position], at: Position, context: Context) -> None:
        """`values` are the options as written. Raises ConfigError at the option's position."""
        self.at = at
        self.positions = positions
        self.context = context
        self.metrics = Metrics()
        self.given = frozenset(values)
        declared = self.common | self.options
        for name, value in values.items():
            if name not in declared:
                message = f"Unknown setting '{name}' for {self.name}. Supported settings: {', '.join(sorted(declared))}"
                raise ConfigError(message, positions[name])
            try:
                setattr(self, name, declared[name].type(value))
            except WrongValue as error:
                message = f"Invalid setting for {self.name} {self.kind} plugin: {name} => … {error}"
                raise ConfigError(message, positions[name]) from None
        for name, option in declared.items():
            if name in values:
                continue
            if option.required:
                message = f"Missing a required setting for the {self.name} {self.kind} plugin: {name}"
                raise ConfigError(message, at)
            setattr(self, name, option.default)
        self.register()

    def register(self) -> None:
        """Checks and prepares what the options say. Raises ConfigError by way of `refuse`."""

    def refuse(self, option: str, message: str, stage: str = "register") -> ConfigError:
        return ConfigError(f"{self.name}: {message}", self.positions.get(option, self.at), stage)


class Codec(Plugin):
    """How events are written: `encode(event)` gives the bytes of one."""

    kind = "codec"
    common: ClassVar[dict[str, Option]] = {"id": Option(string), "enable_metric": Option(boolean, True)}

    def encode(self, event: Event) -> bytes:
        raise NotImplementedError


class Input(Plugin):
    """A source of events. `run(intake)` serves until it is cancelled and hands batches of events to `intake.put`."""

    kind = "input"
    common: ClassVar[dict[str, Option]] = Plugin.common | {
        "add_field": Option(hash_, {}),
        "tags": Option(array, []),
        "type": Option(string),
        "ecs_compatibility": Option(string),
    }

    async def run(self, intake: Any) -> None:
        raise NotImplementedError


class Output(Plugin):
    """Where events go. `send` returns when all of them are where they belong: stored, written, or in the dead letter
    queue."""

    kind = "output"

    async def start(self, dead_letters: Any) -> None:
        """Before the first event."""

    async def send(self, events: list[Event]) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        """After the last event."""


class Filter(Plugin):
    """A filter. `apply()` gives what the compiler calls for each event, by the class's `effect`:

    - `change`: nothing is returned,
    - `cancel`: true is returned for an event to drop,
    - `generate`: the list of events that go on, the event itself included, is returned.
    """

    kind = "filter"
    effect: ClassVar[str] = "change"
    common: ClassVar[dict[str, Option]] = Plugin.common | {
        "add_field": Option(hash_, {}),
        "remove_field": Option(array, []),
        "add_tag": Option(array, []),
        "remove_tag": Option(array, []),
        "periodic_flush": Option(boolean, False),
        "ecs_compatibility": Option(string),
    }

    @property
    def ecs(self) -> bool:
        """Whether the plugin follows ECS. Raises ConfigError for a version that doesn't exist."""
        version = self.ecs_compatibility or self.context.ecs
        if version not in ECS_VERSIONS:
            raise self.refuse("ecs_compatibility", f"ECS {version} is not supported by this plugin.")
        return version != "disabled"

    def apply(self) -> Callable[[Event], Any]:
        raise NotImplementedError

    def matched(self) -> Callable[[Event], None] | None:
        """What happens to an event on success: add_field, remove_field, add_tag, remove_tag. None when nothing does."""
        steps: list[Callable[[Event], None]] = []
        for reference, value in self.add_field.items():
            values = list(value.items()) if isinstance(value, dict) else array(value)
            for item in values:
                steps.append(_add_field(reference, list(item) if isinstance(item, tuple) else item))
        steps += [_remove_field(reference) for reference in self.remove_field]
        if self.add_tag:
            steps.append(_add_tags(self.add_tag))
        if self.remove_tag:
            steps.append(_remove_tags(self.remove_tag))
        if not steps:
            return None
        if len(steps) == 1:
            return steps[0]

        def decorate(event: Event) -> None:
            for step in steps:
                step(event)

        return decorate


def target(reference: str) -> tuple[Callable[[Event], Any], ...]:
    """(get, set, includes, remove) for a reference that may hold sprintf; malformed ones raise InvalidReference at run
    time."""
    if sprintf.is_constant(reference):
        try:
            path = fieldref.parse(reference)
        except InvalidReference as error:
            message = str(error)

            def fail(*args: Any) -> Any:
                raise InvalidReference(message)

            return fail, fail, fail, fail
        return fieldref.getter(path), fieldref.setter(path), fieldref.includer(path), fieldref.remover(path)
    name = sprintf.compile(reference)
    return (
        lambda event: fieldref.get(event, fieldref.parse(name(event))),
        lambda event, value: fieldref.set_(event, fieldref.parse(name(event)), value),
        lambda event: fieldref.includes(event, fieldref.parse(name(event))),
        lambda event: fieldref.remove(event, fieldref.parse(name(event))),
    )


def _add_field(reference: str, value: Any) -> Callable[[Event], None]:
    get, set_, includes, _ = target(reference)
    text = sprintf.compile(value)

    def add_field(event: Event) -> None:
        new = text(event)
        if not includes(event):
            set_(event, new)
            return
        old = get(event)
        if old is None:
            old = []
        elif type(old) is dict:
            # Ruby's Array() of a hash.
            old = [[key, item] for key, item in old.items()]
        elif type(old) is not list:
            old = [old]
        set_(event, [*old, new])

    return add_field


def _remove_field(reference: Any) -> Callable[[Event], None]:
    return target(reference if isinstance(reference, str) else sprintf.compile(reference)({}))[3]


def _add_tags(tags: list[Any]) -> Callable[[Event], None]:
    texts = [sprintf.compile(tag) for tag in tags]

    def add_tags(event: Event) -> None:
        old = event.get("tags")
        new = [text(event) for text in texts]
        if old is None:
            event["tags"] = new
        elif type(old) is list:
            old.extend(new)
        else:
            event["tags"] = [old, *new]

    return add_tags


def _remove_tags(tags: list[Any]) -> Callable[[Event], None]:
    texts = [sprintf.compile(tag) for tag in tags]

    def remove_tags(event: Event) -> None:
        old = event.get("tags")
        if old is None:
            return
        gone = {text(event) for text in texts}
        event["tags"] = [tag for tag in (old if type(old) is list else [old]) if tag not in gone]

    return remove_tags


_FOLDERS = {"input": "inputs", "filter": "filters", "output": "outputs", "codec": "codecs"}


def names(kind: str) -> list[str]:
    """The plugins of a kind, in alphabetical order."""
    package = import_module(f".{_FOLDERS[kind]}", __package__)
    return sorted(module.name.rstrip("_") for module in iter_modules(package.__path__))


def find(kind: str, name: str) -> type[Any] | None:
    """The class of a plugin: the module of its name (with an underscore where Python has the name) defines `plugin`."""
    if name not in names(kind):
        return None
    folder = _FOLDERS[kind]
    package = import_module(f".{folder}", __package__)
    modules = {module.name.rstrip("_"): module.name for module in iter_modules(package.__path__)}
    return import_module(f".{folder}.{modules[name]}", __package__).plugin
