"""date: the time in a field becomes the event's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import ClassVar

from .. import fieldref, sprintf
from ..code import Code, Field
from ..dates import parse
from ..event import Event, tag
from ..plugin import Inlined, Option, array, field_reference, string
from ..timestamp import Timestamp


class Date(Inlined):
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

    def _zone(self) -> tzinfo | Callable[[Event], tzinfo]:
        """The zone of texts that name none, or what gives it for an event."""
        if self.timezone is None:
            return UTC
        if sprintf.is_constant(self.timezone):
            return parse.zone(self.timezone)
        name = sprintf.compile(self.timezone)
        return lambda event: parse.zone(name(event))

    def emit(self, code: Code) -> None:
        value, timestamp = code.fresh(), code.fresh()
        with code.block(f"if ({value} := {Field(code, fieldref.parse(self.match[0])).get()}) is not None:"):
            with code.block("try:"):
                zone = code.bind(self.zone, "zone")
                zone = code.local(f"{zone}(event)") if callable(self.zone) else zone
                parsed = [f"{code.bind(parser)}({value}, {zone})" for parser in self.parsers]
                # A point in time is no text, as Logstash has it.
                is_time = f"type({value}) is {code.bind(Timestamp, 'Timestamp')}"
                code.line(f"{timestamp} = None if {is_time} else {' or '.join(parsed)}")
            with code.block("except ValueError:"):
                code.line(f"{timestamp} = None")
            with code.block(f"if {timestamp} is None:"):
                code.line(f"{code.bind(self._fail)}(event)")
            with code.block("else:"):
                if self.target == "@timestamp":
                    code.line(f"event['@timestamp'] = {timestamp}")
                else:
                    code.exact_field(self.target).set(timestamp)
                self.emit_matched(code)

    def _fail(self, event: Event) -> None:
        self.metrics.failures += 1
        for name in self.tag_on_failure:
            tag(event, name)


plugin = Date
