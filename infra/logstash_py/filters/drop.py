"""drop: events end here."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import ClassVar

from ..event import Event
from ..plugin import Filter, Option, number


class Drop(Filter):
    name = "drop"
    effect = "cancel"
    options: ClassVar = {"percentage": Option(number, 100)}

    def apply(self) -> Callable[[Event], bool]:
        share = self.percentage
        if share >= 100:
            return lambda event: True
        return lambda event: random.random() * 100 < share  # noqa: S311 sampling, no secret


plugin = Drop
