"""clone: copies of an event, each tagged (ECS) or typed (without) with its name. The decorations are the copies'."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from .. import event as events
from ..event import Event
from ..plugin import Filter, Option, array


class Clone(Filter):
    name = "clone"
    effect = "generate"
    options: ClassVar = {"clones": Option(array, required=True)}

    def apply(self) -> Callable[[Event], list[Event]]:
        matched = self.matched()
        ecs = self.ecs

        def clone(event: Event) -> list[Event]:
            out = [event]
            for name in self.clones:
                copy = events.clone(event)
                if ecs:
                    # Even one that is there already.
                    tags = copy.get("tags")
                    copy["tags"] = [*(tags if type(tags) is list else [] if tags is None else [tags]), name]
                else:
                    copy["type"] = name
                if matched:
                    matched(copy)
                out.append(copy)
            return out

        return clone


plugin = Clone
