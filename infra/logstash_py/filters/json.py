"""json: a JSON text becomes fields."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from .. import fieldref
from ..code import Code, Field
from ..event import Event, tag
from ..plugin import Inlined, Option, array, boolean, field_reference, string
from ..text import check_depth, load_json, ruby_text
from ..timestamp import Timestamp


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def load(text: Any) -> Any:
    """A JSON document. Of several in one text the last counts; a blank text is null. Raises ValueError."""
    if type(text) is not str:
        raise ValueError("not a text")
    try:
        return load_json(text)
    except ValueError:
        value = _load_last(text.removeprefix("\ufeff"))
        check_depth(value, text)
        return value


def _load_last(text: str) -> Any:
    value, position, end = None, 0, len(text)
    while True:
        while position < end and text[position] in " \t\r\n":
            position += 1
        if position == end:
            return value
        value, position = _decoder.raw_decode(text, position)


class Json(Inlined):
    name = "json"
    options: ClassVar = {
        "source": Option(string, required=True),
        "target": Option(field_reference),
        "skip_on_invalid_json": Option(boolean, False),
        "tag_on_failure": Option(array, ["_jsonparsefailure"]),
    }

    def emit(self, code: Code) -> None:
        value, parsed = code.fresh(), code.fresh()
        fail = f"{code.bind(self._fail)}(event)"
        with (
            code.block("try:"),
            code.block(f"if ({value} := {code.exact_field(self.source).get()}) is not None and {value} is not False:"),
        ):
            with code.block("try:"):
                code.line(f"{parsed} = {code.bind(load)}({value})")
            with code.block("except (ValueError, RecursionError):"):
                if not self.skip_on_invalid_json:
                    code.line(fail)
            with code.block("else:"):
                self._emit_set(code, parsed, fail)
        # InvalidReference and FieldError
        with code.block("except ValueError:"):
            code.line(fail)

    def _emit_set(self, code: Code, parsed: str, fail: str) -> None:
        if self.target:
            Field(code, fieldref.parse(self.target)).set(parsed)
            self.emit_matched(code)
            return
        with code.block(f"if type({parsed}) is dict:"):
            code.line(f"{code.bind(_set_root)}(event, {parsed})")
            code.changed()
            self.emit_matched(code)
        with code.block("else:"):
            code.line(fail)

    def _fail(self, event: Event) -> None:
        self.metrics.failures += 1
        for name in self.tag_on_failure:
            tag(event, name)


def _set_root(event: Event, parsed: dict[str, Any]) -> None:
    """The keys of the document are references; an unusable @timestamp is kept aside."""
    timestamp = parsed.pop("@timestamp", None)
    for key, value in parsed.items():
        if "[" in key or "]" in key or key in ("tags", "@metadata"):
            fieldref.set_(event, fieldref.parse(key), value)
        else:
            event[key] = value
    if timestamp is None or timestamp is False:
        return
    moment = Timestamp.parse(timestamp) if type(timestamp) is str else None
    if moment is not None:
        event["@timestamp"] = moment
        return
    event["@timestamp"] = Timestamp.now()
    tag(event, "_timestampparsefailure")
    event["_@timestamp"] = ruby_text(timestamp)


plugin = Json
