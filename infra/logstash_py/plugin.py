"""What plugins are: a name, options with types, and what the compiler asks of each kind.

A plugin class declares its options in `options`; an option that a class doesn't declare is an error, as is a value of
the wrong type. Real options that we don't carry out are not declared: asking for one is told, never skipped.
"""

from __future__ import annotations

import codecs as python_codecs
import contextlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, ClassVar

from . import event as events
from . import fieldref, sprintf
from .code import Code, function
from .errors import ConfigError, FieldError, InvalidReference, Position
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


def list_of(*choices: str) -> Callable[[Any], list[str]]:
    choice = one_of(*choices)
    return lambda value: [choice(item) for item in array(value)]


def path(value: Any) -> str:
    value = string(value)
    if not isinstance(value, str) or not os.access(value, os.R_OK):
        raise WrongValue(f"File does not exist or cannot be opened {value}")
    return value


def password(value: Any) -> str:
    """Never shown: errors name the option only."""
    value = _scalar(value)
    if isinstance(value, (list, dict)):
        raise WrongValue("This setting must be a password. Expected one string")
    return string(value)


_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*", re.IGNORECASE)


def size(value: Any) -> int:
    """A number of bytes: 1024, "10 MiB" (1024 times 1024), "10 MB" (1000 times 1000)."""
    match = _SIZE.fullmatch(str(_scalar(value)))
    if not match:
        raise WrongValue(f"This setting must be a bytes value, got {inspect(value)}")
    number_, unit, binary = match.groups()
    return int(float(number_) * (1024 if binary else 1000) ** " kmgt".index(unit.lower() or " "))


def charset(value: Any) -> str:
    """The name of a character encoding that Python knows, as most that Ruby knows are."""
    value = _scalar(value)
    try:
        return python_codecs.lookup(value).name
    except (LookupError, TypeError):
        raise WrongValue(f"This setting must be the name of a character encoding, got {inspect(value)}") from None


def codec(value: Any) -> Codec | type[Codec]:
    """A codec with options comes as an instance, one without as a name, which stands for its class."""
    value = _scalar(value)
    if isinstance(value, Codec):
        return value
    factory = find("codec", value) if isinstance(value, str) else None
    if factory is None:
        raise WrongValue(
            f"Couldn't find any codec plugin named '{value}'. Supported codecs: {', '.join(names('codec'))}"
        )
    return factory


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
    path_data: Path = Path("data")


@dataclass
class Metrics:
    """Counters of one plugin, as the monitoring API shows them."""

    events_in: int = 0
    events_out: int = 0
    matches: int = 0
    failures: int = 0
    # Time spent in a filter or an output; how long an input had to wait for the queue.
    seconds: float = 0.0


class Plugin:
    """Base of all plugins. Options are attributes; `given` holds the names of those that the configuration sets."""

    kind: ClassVar[str]
    name: ClassVar[str]
    options: ClassVar[dict[str, Option]] = {}
    # Options of Logstash's that we don't carry out, with the reason or the remedy: asking for one is an error.
    refused: ClassVar[dict[str, str]] = {}
    common: ClassVar[dict[str, Option]] = {"id": Option(string), "enable_metric": Option(boolean, True)}
    default_codec: ClassVar[str] = "plain"

    def __init__(self, values: dict[str, Any], positions: dict[str, Position], at: Position, context: Context) -> None:
        """`values` are the options as written. Raises ConfigError at the option's position."""
        self.at = at
        self.positions = positions
        self.context = context
        self.metrics = Metrics()
        self.given = frozenset(values)
        declared = self.common | self.options
        for name, value in values.items():
            if name in self.refused:
                raise ConfigError(f"{self.name}: the setting '{name}': {self.refused[name]}", positions[name])
            if name not in declared:
                message = f"Unknown setting '{name}' for {self.name}. Supported settings: {', '.join(sorted(declared))}"
                raise ConfigError(message, positions[name])
            try:
                setattr(self, name, declared[name].type(value))
            except WrongValue as error:
                message = f"Invalid setting for {self.name} {self.kind} plugin: {name} => … {error}"
                raise ConfigError(message, positions[name]) from None
            if isinstance(getattr(self, name), type):
                setattr(self, name, getattr(self, name)({}, {}, positions[name], context))
        for name, option in declared.items():
            if name in values:
                continue
            if option.required:
                message = f"Missing a required setting for the {self.name} {self.kind} plugin: {name}"
                raise ConfigError(message, at)
            setattr(self, name, option.default)
        if "codec" in declared and self.codec is None:
            self.codec = self.make_codec(self.default_codec)
        self.register()

    def register(self) -> None:
        """Checks and prepares what the options say. Raises ConfigError by way of `refuse`."""

    def refuse(self, option: str, message: str, stage: str = "register") -> ConfigError:
        return ConfigError(f"{self.name}: {message}", self.positions.get(option, self.at), stage)

    @property
    def ecs(self) -> bool:
        """Whether the plugin follows ECS. Raises ConfigError for a version that doesn't exist."""
        version = self.ecs_compatibility or self.context.ecs
        if version not in ECS_VERSIONS:
            raise self.refuse("ecs_compatibility", f"ECS {version} is not supported by this plugin.")
        return version != "disabled"

    def make_codec(self, name: str, **values: Any) -> Codec:
        """A codec that the configuration doesn't name."""
        return find("codec", name)(values, dict.fromkeys(values, self.at), self.at, self.context)


class Decoder:
    """One stream of bytes on its way to events: `decode` takes bytes as they come and gives what they complete, `flush`
    what is left at the stream's end or after a silence. What they give are events to be built (see event.build). `held`
    is how many bytes wait for the rest of their line."""

    held: int = 0

    def decode(self, data: bytes) -> list[Event]:
        raise NotImplementedError

    def flush(self) -> list[Event]:
        return []


class Codec(Plugin):
    """How events are written and read: `encode(event)` gives the bytes of one; `decoder()` is made for each stream."""

    kind = "codec"
    common: ClassVar[dict[str, Option]] = Plugin.common | {"ecs_compatibility": Option(string)}
    # Seconds of silence after which a decoder is to be flushed; None: never.
    auto_flush_interval: float | None = None

    def encode(self, event: Event) -> bytes:
        raise self.refuse("", f"the codec {self.name} can't write events")

    def decoder(self, *, stream: bool = False) -> Decoder:
        """`stream`: the bytes come in arbitrary pieces (a socket, the standard input), not one text at a time. Then
        plain reads as line does, and json as json_lines. Raises ConfigError for a codec that only writes."""
        raise self.refuse("", f"the codec {self.name} can't read events")


class Input(Plugin):
    """A source of events. `run(intake)` serves until it is cancelled and hands events to `intake.put`."""

    kind = "input"
    # Whether it takes connections or datagrams from a port: such an input runs in every worker process, which share the
    # port; any other runs in the first only.
    listens: ClassVar[bool] = False
    common: ClassVar[dict[str, Option]] = Plugin.common | {
        "add_field": Option(hash_, {}),
        "codec": Option(codec),
        "tags": Option(array, []),
        "type": Option(string),
        "ecs_compatibility": Option(string),
    }

    async def run(self, intake: Any) -> None:
        raise NotImplementedError

    def decorator(self) -> Callable[[Event], None]:
        """What `type`, `add_field` and `tags` do to an event."""

        def emit(code: Code) -> None:
            if self.type:
                type_ = code.field("type")
                with code.block(f"if not {type_.includes()}:"):
                    type_.set(repr(self.type))
            _add_fields(code, self.add_field)
            _add_tags(code, self.tags)

        return function("decorate", emit)

    def builder(self) -> Callable[..., Event]:
        """`build(data, fields)` makes an event of what a codec read: `fields` ({path: value}) are set where the event
        has nothing, then it is decorated."""
        decorate = self.decorator()

        def build(data: Event, fields: Mapping[fieldref.Path, Any]) -> Event:
            event = events.build(data)
            for reference, value in fields.items():
                if fieldref.get(event, reference) is None:
                    # There is no place for [host][name] where the event's `host` is a text.
                    with contextlib.suppress(FieldError):
                        fieldref.set_(event, reference, value)
            decorate(event)
            return event

        return build


class Output(Plugin):
    """Where events go. `prepare` makes of a few events what `send` takes, which should hold no more of them than it
    needs; `send` returns when all that was prepared is where it belongs: stored, written, or in the dead letter queue.
    """

    kind = "output"
    common: ClassVar[dict[str, Option]] = Plugin.common | {"codec": Option(codec)}

    async def start(self, dead_letters: Any) -> None:
        """Before the first event."""

    def prepare(self, events: list[Event]) -> list[Any]:
        return events

    async def send(self, prepared: list[Any]) -> None:
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
    # Whether it is so little work that a loop over the batch of its own would cost more than it saves.
    light: ClassVar[bool] = False
    common: ClassVar[dict[str, Option]] = Plugin.common | {
        "add_field": Option(hash_, {}),
        "remove_field": Option(array, []),
        "add_tag": Option(array, []),
        "remove_tag": Option(array, []),
        "periodic_flush": Option(boolean, False),
        "ecs_compatibility": Option(string),
    }

    def apply(self) -> Callable[[Event], Any]:
        raise NotImplementedError

    @property
    def decorates(self) -> bool:
        """Whether anything happens to an event on success."""
        return bool(self.add_field or self.remove_field or self.add_tag or self.remove_tag)

    def emit_matched(self, code: Code) -> None:
        """Writes what happens to an event on success: add_field, remove_field, add_tag, remove_tag."""
        _add_fields(code, self.add_field)
        for reference in self.remove_field:
            field = code.field(reference if isinstance(reference, str) else sprintf.compile(reference)({}))
            # Most events don't have most of them, and to ask is a third of the cost of a pop in vain.
            with code.block(f"if {field.includes()}:"):
                code.line(field.take())
        _add_tags(code, self.add_tag)
        if self.remove_tag:
            code.line(f"{code.bind(_untagged)}(event, [{', '.join(map(code.text, self.remove_tag))}])")

    def matched(self) -> Callable[[Event], None] | None:
        """What happens to an event on success, as a function. None when nothing does."""
        return function("matched", self.emit_matched) if self.decorates else None


class Inlined(Filter):
    """A filter that writes its work into the pipeline's function. `self.metrics` and the like are bound by name."""

    def emit(self, code: Code) -> None:
        """Writes the statements that filter the local variable `event`. They run to their end: no return, no
        continue."""
        raise NotImplementedError

    def apply(self) -> Callable[[Event], None]:
        return function(self.name, self.emit)


class Probe(Filter):
    """What compiles a `nodes.Probe`: each event is shown to `call`."""

    name = "probe"

    def __init__(self, call: Callable[[Event], None], *arguments: Any) -> None:
        self.call = call
        super().__init__(*arguments)

    def apply(self) -> Callable[[Event], None]:
        return self.call


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


def _add_fields(code: Code, fields: dict[str, Any]) -> None:
    for reference, value in fields.items():
        values = list(value.items()) if isinstance(value, dict) else array(value)
        for item in values:
            field = code.field(reference)
            new = code.local(code.text(list(item) if isinstance(item, tuple) else item))
            with code.block(f"if {field.includes()}:"):
                field.set(f"{code.bind(_appended)}({field.get()}, {new})")
            with code.block("else:"):
                field.set(new)


def _appended(old: Any, new: str) -> list[Any]:
    if old is None:
        return [new]
    if type(old) is dict:
        # Ruby's Array() of a hash.
        return [*([key, item] for key, item in old.items()), new]
    return [*old, new] if type(old) is list else [old, new]


def _add_tags(code: Code, tags: list[Any]) -> None:
    if tags:
        code.line(f"{code.bind(_tagged)}(event, [{', '.join(map(code.text, tags))}])")


def _tagged(event: Event, new: list[str]) -> None:
    """Unlike `event.tag`, this may add a tag twice."""
    old = event.get("tags")
    if old is None:
        event["tags"] = new
    elif type(old) is list:
        old.extend(new)
    else:
        event["tags"] = [old, *new]


def _untagged(event: Event, gone: list[str]) -> None:
    old = event.get("tags")
    if old is not None:
        event["tags"] = [tag for tag in (old if type(old) is list else [old]) if tag not in gone]


_FOLDERS = {"input": "inputs", "filter": "filters", "output": "outputs", "codec": "codecs"}
KINDS = tuple(_FOLDERS)


@cache
def _modules(kind: str) -> dict[str, str]:
    """The modules of a kind by the names of their plugins; a module has an underscore where Python has the name."""
    package = import_module(f".{_FOLDERS[kind]}", __package__)
    return {module.name.rstrip("_"): f"{package.__name__}.{module.name}" for module in iter_modules(package.__path__)}


def names(kind: str) -> list[str]:
    """The plugins of a kind, in alphabetical order."""
    return sorted(_modules(kind))


def find(kind: str, name: str) -> type[Any] | None:
    """The class of a plugin: the module of its name defines `plugin`."""
    module = _modules(kind).get(name)
    return import_module(module).plugin if module else None
