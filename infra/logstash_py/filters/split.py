"""split: one event for each part of a text or element of an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from .. import event as events
from .. import fieldref
from ..event import Event
from ..plugin import Filter, Option, field_reference, string
from .mutate import split_like_ruby


class Split(Filter):
    """An event whose field is neither text nor array is tagged and goes on; of an empty one nothing is left."""

    name = "split"
    effect = "generate"
    options: ClassVar = {
        "field": Option(string, "message"),
        "target": Option(field_reference),
        "terminator": Option(string, "\n"),
    }

    def apply(self) -> Callable[[Event], list[Event]]:
        source = fieldref.parse(self.field)
        destination = fieldref.parse(self.target) if self.target else source
        matched = self.matched()

        def split(event: Event) -> list[Event]:
            value = fieldref.get(event, source)
            if isinstance(value, str):
                parts = split_like_ruby(value, self.terminator, all_parts=True)
                if len(parts) == 1:
                    return [event]
            elif type(value) is list:
                parts = value
            else:
                self.metrics.failures += 1
                events.tag(event, "_split_type_failure")
                return [event]
            out = []
            for part in parts:
                if part is None or part == "":
                    continue
                copy = events.clone(event)
                fieldref.set_(copy, destination, events.clone(part) if type(part) in (dict, list) else part)
                if matched:
                    matched(copy)
                out.append(copy)
            return out

        return split


plugin = Split
