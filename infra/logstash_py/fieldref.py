"""Field references: `message`, `[log][level]`, `[@metadata][x]`, `[tags][-1]`.

Parsed once to a path, then used through closures: `getter(path)(event)` and so on. A dotted name is one key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from .errors import FieldError, InvalidReference
from .timestamp import Timestamp

Event = dict[str, Any]
Path = tuple[str, ...]

_BRACKETS = re.compile(r"(?:\[[^\[\]]+\])+")


class _Missing:
    """What stands for a value that isn't there, where null is a value."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


@cache
def _parse(reference: str) -> Path:
    if "[" not in reference and "]" not in reference:
        return (reference,)
    if _BRACKETS.fullmatch(reference):
        return tuple(reference[1:-1].split("]["))
    # [[a][b]][c] is [a][b][c]: a reference may stand for its own path.
    inner = re.sub(r"\[((?:\[[^\[\]]+\])+)\]", r"\1", reference)
    if inner != reference and _BRACKETS.fullmatch(inner):
        return _parse(inner)
    raise InvalidReference(f"Invalid FieldReference: `{reference}`")


def parse(reference: Any) -> Path:
    """The path of a reference. Raises InvalidReference."""
    if not isinstance(reference, str):
        raise InvalidReference(f"Invalid FieldReference: `{reference}`")
    return _parse(reference)


def _index(items: list[Any], key: str) -> int | None:
    """The index that `key` names in a list, None when there is none."""
    try:
        index = int(key)
    except ValueError:
        return None
    return index if -len(items) <= index < len(items) else None


def get(event: Event, path: Path) -> Any:
    """The value at `path`; None when there is none."""
    value: Any = event
    for key in path:
        if type(value) is dict:
            value = value.get(key)
        elif type(value) is list:
            index = _index(value, key)
            value = None if index is None else value[index]
        else:
            return None
    return {} if value is None and path == ("@metadata",) else value


def includes(event: Event, path: Path) -> bool:
    """Whether there is something at `path`, be it null."""
    value: Any = event
    for key in path:
        if type(value) is dict and key in value:
            value = value[key]
        elif type(value) is list and (index := _index(value, key)) is not None:
            value = value[index]
        else:
            return path == ("@metadata",)
    return True


def remove(event: Event, path: Path) -> Any:
    """Takes the value at `path` out of the event and returns it; None when there is none."""
    target = get(event, path[:-1]) if len(path) > 1 else event
    if type(target) is dict:
        return target.pop(path[-1], None)
    if type(target) is list and (index := _index(target, path[-1])) is not None:
        return target.pop(index)
    return None


def set_(event: Event, path: Path, value: Any) -> None:
    """Puts `value` at `path`, with the objects on the way. Raises FieldError below a text or a number, and for values
    that `tags` and `@timestamp` can't have."""
    first = path[0]
    if len(path) == 1:
        if first == "tags":
            check_tags(value)
        elif first == "@timestamp" and not isinstance(value, Timestamp):
            raise FieldError(f"wrong argument type {type(value).__name__} for @timestamp (expected a timestamp)")
        elif first == "@metadata" and type(value) is not dict:
            raise FieldError("@metadata is always an object")
        event[first] = value
        return
    target: Any = event
    for position, key in enumerate(path[:-1]):
        target = _step(target, key, path, path[position + 1])
    _assign(target, path[-1], value, path)


def _step(target: Any, key: str, path: Path, following: str) -> Any:
    if type(target) is dict:
        child = target.get(key)
        if child is None:
            if key == "tags" and path[0] == "tags":
                raise FieldError(f"Could not set field '{following}' on 'tags'")
            child = target[key] = {}
        return child
    if type(target) is list:
        index = _list_slot(target, key, path)
        if target[index] is None:
            target[index] = {}
        return target[index]
    raise FieldError(f"Could not set field '{key}' on object '{target}' at {''.join(f'[{part}]' for part in path)}")


def _assign(target: Any, key: str, value: Any, path: Path) -> None:
    if type(target) is dict:
        target[key] = value
    elif type(target) is list:
        target[_list_slot(target, key, path)] = value
    else:
        raise FieldError(f"Could not set field '{key}' on object '{target}' at {''.join(f'[{part}]' for part in path)}")


def _list_slot(items: list[Any], key: str, path: Path) -> int:
    """The index that `key` names, with nulls put in up to it."""
    try:
        index = int(key)
    except ValueError:
        index = None
    if index is None or index < -len(items):
        raise FieldError(f"Could not set field '{key}' on a list at {''.join(f'[{part}]' for part in path)}")
    items.extend([None] * (index + 1 - len(items)))
    return index


class Elsewhere:
    """Stands for what is at a path and is no object, such as an array or a text, with the methods of one: the general
    functions, for the fields below."""

    __slots__ = ("_event", "_path")

    def __init__(self, event: Event, path: Path) -> None:
        self._event = event
        self._path = path

    def get(self, key: str) -> Any:
        return get(self._event, (*self._path, key))

    def pop(self, key: str) -> Any:
        return remove(self._event, (*self._path, key))

    def __contains__(self, key: str) -> bool:
        return includes(self._event, (*self._path, key))

    def __setitem__(self, key: str, value: Any) -> None:
        set_(self._event, (*self._path, key), value)


def check_tags(value: Any) -> None:
    """Raises FieldError unless `value` can be an event's `tags`: a text or a list of texts."""
    if not isinstance(value, str) and not (type(value) is list and all(isinstance(tag, str) for tag in value)):
        raise FieldError(f"`tags` can't be {value!r}")


def getter(path: Path) -> Callable[[Event], Any]:
    """`get` for one path, as fast as it goes."""
    if len(path) == 1 and path[0] != "@metadata":
        key = path[0]
        return lambda event: event.get(key)
    if len(path) == 2:
        first, second = path

        def get_second(event: Event) -> Any:
            parent = event.get(first)
            if type(parent) is dict:
                return parent.get(second)
            return get(event, path)

        return get_second
    return lambda event: get(event, path)


def setter(path: Path) -> Callable[[Event, Any], None]:
    """`set_` for one path, as fast as it goes."""
    if len(path) == 1 and path[0] not in ("tags", "@timestamp", "@metadata"):
        key = path[0]

        def set_first(event: Event, value: Any) -> None:
            event[key] = value

        return set_first
    if len(path) == 2 and path[0] != "tags":
        first, second = path

        def set_second(event: Event, value: Any) -> None:
            parent = event.get(first)
            if type(parent) is dict:
                parent[second] = value
            elif parent is None:
                event[first] = {second: value}
            else:
                set_(event, path, value)

        return set_second
    return lambda event, value: set_(event, path, value)


def includer(path: Path) -> Callable[[Event], bool]:
    """`includes` for one path."""
    if len(path) == 1 and path[0] != "@metadata":
        key = path[0]
        return lambda event: key in event
    if len(path) == 2:
        first, second = path

        def includes_second(event: Event) -> bool:
            parent = event.get(first)
            return second in parent if type(parent) is dict else includes(event, path)

        return includes_second
    return lambda event: includes(event, path)


def remover(path: Path) -> Callable[[Event], Any]:
    """`remove` for one path."""
    if len(path) == 1:
        key = path[0]
        return lambda event: event.pop(key, None)
    if len(path) == 2:
        first, second = path

        def remove_second(event: Event) -> Any:
            parent = event.get(first)
            return parent.pop(second, None) if type(parent) is dict else remove(event, path)

        return remove_second
    return lambda event: remove(event, path)
