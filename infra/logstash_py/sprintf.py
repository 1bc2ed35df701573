"""sprintf: `%{field}`, `%{[a][b]}`, `%{+YYYY.MM.dd}`, `%{{java time}}`. Compiled once to a closure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from . import fieldref
from .dates import format as date_format
from .errors import InvalidReference
from .fieldref import Event
from .text import ruby_text, to_json, to_text
from .timestamp import Timestamp

Sprintf = Callable[[Event], str]


def is_constant(template: Any) -> bool:
    """Whether the text is the same for each event."""
    return not isinstance(template, str) or "%{" not in template or "}" not in template[template.index("%{") :]


def compile(template: Any) -> Sprintf:
    """The text of `template` for an event. Missing and null fields stay as they are written. What is no text (an array
    as an option's value) is inspected, as Ruby does. The closure raises InvalidReference for a malformed reference, and
    ValueError for a malformed date pattern: at run time, as in Logstash."""
    if is_constant(template):
        text = ruby_text(template)
        return lambda event: text
    functions = [value if kind == "constant" else part(kind, value) for kind, value in parts(template)]
    if len(functions) == 1:
        return functions[0]
    # Constant text is kept as str, everything else is called.
    return lambda event: "".join([one if type(one) is str else one(event) for one in functions])


def evaluate(template: Any, event: Event) -> str:
    """For templates known only at run time."""
    return _cached(template)(event) if isinstance(template, str) else compile(template)(event)


def parts(template: str) -> Iterator[tuple[str, str]]:
    """What a template is made of, as (kind, text): `constant` text, the reference of a `field`, a `joda` or `java` date
    pattern, or `epoch`."""
    position = 0
    start = template.find("%{")
    end = template.find("}", start)
    while start != -1 and end != -1:
        if start > position:
            yield "constant", template[position:start]
        content = template[start + 2 : end]
        if content.startswith("{") and template[end + 1 : end + 2] == "}":
            yield "java", content[1:]
            end += 1
        elif "+%s".startswith(content):
            yield "epoch", ""
        elif content.startswith("+"):
            yield "joda", content[1:]
        else:
            yield "field", content
        position = end + 1
        start = template.find("%{", position)
        end = template.find("}", start)
    if position < len(template):
        yield "constant", template[position:]


def part(kind: str, text: str) -> Sprintf:
    """What gives the text of one part that is no constant."""
    match kind:
        case "field":
            return _field(text)
        case "joda":
            return _time(date_format.joda(text))
        case "java":
            return _time(date_format.java(text))
    return _epoch


def _epoch(event: Event) -> str:
    timestamp = event.get("@timestamp")
    return str(timestamp.epoch_seconds()) if isinstance(timestamp, Timestamp) else ""


def _time(formatter: Callable[[Timestamp], str]) -> Sprintf:
    def text(event: Event) -> str:
        timestamp = event.get("@timestamp")
        return formatter(timestamp) if isinstance(timestamp, Timestamp) else ""

    return text


def _field(reference: str) -> Sprintf:
    try:
        path = fieldref.parse(reference)
    except InvalidReference as error:
        message = str(error)

        def fail(event: Event) -> str:
            raise InvalidReference(message)

        return fail
    get = fieldref.getter(path)
    literal = f"%{{{reference}}}"

    def text(event: Event) -> str:
        value = get(event)
        if type(value) is str:
            return value
        return literal if value is None else render(value)

    return text


def render(value: Any) -> str:
    """A field's value within a text: arrays joined by commas, objects as JSON."""
    if type(value) is dict:
        return to_json(value) if value else "{}"
    if type(value) is list:
        return ",".join(_join_item(item) for item in value)
    return to_text(value)


def _join_item(item: Any) -> str:
    if item is None:
        return ""
    return ",".join(map(_join_item, item)) if type(item) is list else to_text(item)


_cached = lru_cache(maxsize=4096)(compile)
