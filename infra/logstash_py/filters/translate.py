"""translate: a field's value is looked up in a dictionary."""

from __future__ import annotations

import csv
import json
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import yaml

from .. import fieldref, regex, sprintf
from ..code import Code, Field
from ..event import Event, clone
from ..fieldref import MISSING
from ..plugin import Inlined, Option, boolean, field_reference, hash_, number, one_of, string
from ..text import ruby_text

logger = logging.getLogger(__name__)

Lookup = Callable[[str], Any]


def read_dictionary(path: Path) -> dict[Any, Any]:
    """A dictionary file: YAML, JSON or CSV by its suffix. Raises ValueError and OSError."""
    text = path.read_text(encoding="utf-8")
    suffix = path.suffix.lower()
    if suffix in (".yml", ".yaml"):
        try:
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from None
    elif suffix == ".json":
        data = json.loads(text)
    elif suffix == ".csv":
        data = {row[0]: row[1] for row in csv.reader(text.splitlines()) if len(row) > 1}
    else:
        raise ValueError(f"dictionary files end in .yml, .yaml, .json or .csv, not in {suffix or 'nothing'}")
    if not isinstance(data or {}, dict):
        raise ValueError("a dictionary file holds one mapping")
    return data or {}


class Translate(Inlined):
    name = "translate"
    options: ClassVar = {
        "source": Option(field_reference),
        "field": Option(field_reference),
        "target": Option(field_reference),
        "destination": Option(field_reference),
        "dictionary": Option(hash_, {}),
        "dictionary_path": Option(string),
        "refresh_interval": Option(number, 300),
        "refresh_behaviour": Option(one_of("merge", "replace"), "merge"),
        "exact": Option(boolean, True),
        "regex": Option(boolean, False),
        "override": Option(boolean),
        "fallback": Option(string),
        "iterate_on": Option(string),
        "yaml_dictionary_code_point_limit": Option(number, 134_217_728),
    }

    @property
    def light(self) -> bool:
        """A look-up in a table is."""
        return self.exact and not self.regex and not self.iterate_on

    def register(self) -> None:
        source = self.source or self.field
        if source is None:
            raise self.refuse("source", "Missing a required setting for the translate filter plugin: source", "compile")
        self.source = source
        in_place = not (self.target or self.destination)
        if in_place:
            self.target = source if self.ecs else "translation"
            in_place = self.ecs
            if in_place and self.override is False:
                message = (
                    "Configuring `override => false` with in-place translation has no effect, please remove the option"
                )
                raise self.refuse("override", message)
        else:
            self.target = self.target or self.destination
        self.replaces = in_place if self.override is None else self.override
        if self.dictionary_path and self.dictionary:
            raise self.refuse("dictionary_path", "dictionary and dictionary_path can't be given together")
        self._loaded: tuple[float, float] = (0.0, 0.0)
        self._table: dict[Any, Any] = dict(self.dictionary)
        if self.dictionary_path:
            try:
                self._load()
            except (OSError, ValueError) as error:
                message = f"the dictionary {self.dictionary_path} can't be read: {error}"
                raise self.refuse("dictionary_path", message) from None
        try:
            self.lookup = self._lookup()
        except ValueError as error:
            raise self.refuse("dictionary", str(error)) from None

    def _load(self) -> None:
        path = Path(self.dictionary_path)
        modified = path.stat().st_mtime
        if path.stat().st_size > self.yaml_dictionary_code_point_limit:
            raise ValueError(f"it is over the limit of {self.yaml_dictionary_code_point_limit}")
        table = read_dictionary(path)
        if self.refresh_behaviour == "replace":
            self._table.clear()
        self._table.update(table)
        self._loaded = (time.monotonic(), modified)

    def tick(self) -> bool:
        """Reads a dictionary file again that has changed, every `refresh_interval` seconds. Called between batches.

        Returns whether it did. Raises OSError and ValueError; the old dictionary then stays.
        """
        loaded, modified = self._loaded
        if not self.dictionary_path or self.refresh_interval <= 0 or time.monotonic() - loaded < self.refresh_interval:
            return False
        self._loaded = (time.monotonic(), modified)
        if Path(self.dictionary_path).stat().st_mtime == modified:
            return False
        self._load()
        if self.regex or not self.exact:
            self.lookup = self._lookup()
        return True

    def _lookup(self) -> Lookup:
        table = self._table
        if not self.exact:
            # Keys are texts here, `regex` or not.
            if not table:
                return lambda text: MISSING
            keys = re.compile("|".join(re.escape(ruby_text(key)) for key in table))
            values = {ruby_text(key): ruby_text(value) for key, value in table.items()}

            def replace(text: str) -> Any:
                new = keys.sub(lambda match: values[match[0]], text)
                return new if new != text else MISSING

            return replace
        if self.regex:
            entries = [(regex.compile(ruby_text(key)).pattern.search, value) for key, value in table.items()]

            def search(text: str) -> Any:
                return next((value for found, value in entries if found(text)), MISSING)

            return search
        return lambda text: table.get(text, MISSING)

    def emit(self, code: Code) -> None:
        with code.block("try:"):
            if self.iterate_on:
                self._emit_iterate(code)
            else:
                self._emit_single(code)
        with code.block("except ValueError as error:"):
            # A target that can't be set is told, and nothing more.
            code.line(f"{code.bind(logger.error)}('translate %s: %s', {self.id!r}, error)")

    def _emit_iterate(self, code: Code) -> None:
        iterated = code.local(f"{code.bind(self._iterate())}(event)")
        code.changed()
        with code.block(f"if {iterated}:"):
            self.emit_matched(code)

    def _emit_single(self, code: Code) -> None:
        source, target = Field(code, fieldref.parse(self.source)), Field(code, fieldref.parse(self.target))
        value, found = code.fresh(), code.fresh()
        free = "" if self.replaces else f" and not {target.includes()}"
        with code.block(f"if (({value} := {source.get()}) is not None or {source.includes()}){free}:"):
            text = f"{value} if type({value}) is str else {code.bind(_first_text)}({value})"
            if self.exact and not self.regex:
                code.line(f"{found} = {code.bind(self._table.get)}({text}, MISSING)")
            else:
                # A dictionary that is read again has another look-up.
                code.line(f"{found} = {code.bind(self)}.lookup({text})")
            if self.fallback is not None:
                with code.block(f"if {found} is MISSING:"):
                    code.line(f"{found} = {code.text(self.fallback)}")
            with code.block(f"if {found} is not MISSING:"):
                target.set(f"{code.bind(clone)}({found}) if type({found}) in (dict, list) else {found}")
                self.emit_matched(code)

    def _iterate(self) -> Callable[[Event], bool]:
        over = fieldref.parse(self.iterate_on)
        fallback = None if self.fallback is None else sprintf.compile(self.fallback)

        def found_for(value: Any, event: Event) -> Any:
            found = self.lookup(ruby_text(value))
            if found is MISSING and fallback is not None:
                return fallback(event)
            return clone(found) if type(found) in (dict, list) else found

        if self.iterate_on == self.source:
            destination = fieldref.parse(self.target)

            def values(event: Event) -> bool:
                items = fieldref.get(event, over)
                if not fieldref.includes(event, over) or (not self.replaces and fieldref.includes(event, destination)):
                    return False
                items = [] if items is None else items if type(items) is list else [items]
                found = [found_for(item, event) for item in items]
                fieldref.set_(event, destination, [None if item is MISSING else item for item in found])
                return any(item not in (MISSING, None, False) for item in found)

            return values
        source, destination = fieldref.parse(self.source), fieldref.parse(self.target)

        def objects(event: Event) -> bool:
            # Whatever `override` says.
            items = fieldref.get(event, over)
            matched = False
            for item in items if type(items) is list else []:
                value = fieldref.get(item, source) if type(item) is dict else None
                if value is None:
                    continue
                found = found_for(value, event)
                if found is not MISSING:
                    fieldref.set_(item, destination, found)
                    matched = True
            return matched

        return objects


def _first_text(value: Any) -> str:
    if type(value) is list:
        value = value[0] if value else None
    return ruby_text(value)


plugin = Translate
