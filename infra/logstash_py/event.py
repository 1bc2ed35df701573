"""Events: plain dicts. `@metadata` lies under its own key and never leaves through an output; `@timestamp` is a
Timestamp."""

from __future__ import annotations

from copy import copy
from typing import Any

from .errors import FieldError
from .fieldref import check_tags
from .timestamp import Timestamp

Event = dict[str, Any]

_TEXT = frozenset({str})


def build(data: dict[str, Any]) -> Event:
    """Makes an event of what an input read, in place: `@version`, `@timestamp`, and `tags` that are tags.

    Unusable values are kept aside and tagged, as Logstash does: `_@timestamp` with `_timestampparsefailure`, `_tags`
    with `_tagsparsefailure`.
    """
    if "@version" not in data:
        data["@version"] = "1"
    if "tags" in data:
        tags = data["tags"]
        try:
            check_tags(tags)
        except FieldError:
            data["_tags"] = tags if type(tags) is list else [tags]
            data["tags"] = ["_tagsparsefailure"]
    provided = data.get("@timestamp")
    if provided is None:
        data["@timestamp"] = Timestamp.now()
    elif type(provided) is not Timestamp:
        timestamp = Timestamp.parse(provided) if type(provided) is str else None
        if timestamp is None:
            data["_@timestamp"] = provided
            data["@timestamp"] = Timestamp.now()
            tag(data, "_timestampparsefailure")
        else:
            data["@timestamp"] = timestamp
    if "@metadata" in data and type(data["@metadata"]) is not dict:
        del data["@metadata"]
    return data


def tag(event: Event, name: str) -> None:
    """Adds a tag unless the event has it."""
    tags = event.get("tags")
    if tags is None:
        event["tags"] = [name]
    elif type(tags) is list:
        if name not in tags:
            tags.append(name)
    elif tags != name:
        event["tags"] = [tags, name]
    else:
        event["tags"] = [tags]


def clone(value: Any) -> Any:
    """A copy of an event or a value that shares nothing that can change."""
    if type(value) is dict:
        copied = value.copy()
        if _TEXT.issuperset(map(type, copied.values())):
            return copied  # most of what is copied, in a third of the time
        for key, item in copied.items():
            if type(item) in (dict, list):
                copied[key] = clone(item)
        return copied
    if type(value) is list:
        return [clone(item) if type(item) in (dict, list) else item for item in value]
    return copy(value)
