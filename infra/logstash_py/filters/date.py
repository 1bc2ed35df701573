"""date: the time in a field becomes the event's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import ClassVar

from .. import fieldref, sprintf
from ..dates import parse
from ..event import Event, tag
from ..plugin import Filter, Option, array, field_reference, string


class Date(Filter):
    """Without a `timezone`, texts that name none are read as UTC. `locale` is accepted: names of months and days are
    English."""

    name = "date"
    options: ClassVar = {
        "match": Option(array, []),
        "timezone": Option(string),
        "locale": Option(string),
        "target": Option(field_reference, "@timestamp"),
        "tag_on_failure": Option(array, ["_dateparsefailure"]),
    }

    def register(self) -> None:
        if len(self.match) < 2:
            message = "The match setting should contains first a field name and at least one date format"
            raise self.refuse("match", f"{message}, current value is {self.match}", stage="compile")
        try:
            self.parsers = [parse.parser(format_) for format_ in self.match[1:]]
            self.zone = self._zone()
        except ValueError as error:
            raise self.refuse("match", str(error), stage="compile") from None

    def _zone(self) -> Callable[[Event], tzinfo]:
        if self.timezone is None:
            return lambda event: UTC
        if sprintf.is_constant(self.timezone):
            fixed = parse.zone(self.timezone)
            return lambda event: fixed
        name = sprintf.compile(self.timezone)
        return lambda event: parse.zone(name(event))

    def apply(self) -> Callable[[Event], None]:
        get = fieldref.getter(fieldref.parse(self.match[0]))
        set_ = fieldref.setter(fieldref.parse(self.target))
        to_timestamp = self.target == "@timestamp"
        matched = self.matched()
        parsers = self.parsers
        zone = self.zone

        def date(event: Event) -> None:
            value = get(event)
            if value is None:
                return
            try:
                where = zone(event)
                for parser in parsers:
                    timestamp = parser(value, where)
                    if timestamp is not None:
                        break
                else:
                    timestamp = None
            except ValueError:
                timestamp = None
            if timestamp is None:
                self.metrics.failures += 1
                for name in self.tag_on_failure:
                    tag(event, name)
                return
            if to_timestamp:
                event["@timestamp"] = timestamp
            else:
                set_(event, timestamp)
            if matched:
                matched(event)

        return date


plugin = Date
