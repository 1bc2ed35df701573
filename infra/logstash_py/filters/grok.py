"""grok: named patterns out of text."""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from .. import fieldref, grok
from ..event import Event, tag
from ..plugin import Filter, Option, array, boolean, hash_, string
from ..text import ruby_text


class GrokFilter(Filter):
    name = "grok"
    options: ClassVar = {
        "match": Option(hash_, {}),
        "target": Option(string),
        "pattern_definitions": Option(hash_, {}),
        "patterns_dir": Option(array, []),
        "patterns_files_glob": Option(string, "*"),
        "break_on_match": Option(boolean, True),
        "named_captures_only": Option(boolean, True),
        "keep_empty_captures": Option(boolean, False),
        "overwrite": Option(array, []),
        "tag_on_failure": Option(array, ["_grokparsefailure"]),
    }

    def register(self) -> None:
        patterns = dict(grok.library(legacy=not self.ecs))
        for folder in self.patterns_dir:
            files = sorted(glob.glob(str(Path(folder, self.patterns_files_glob))))  # noqa: PTH207 the glob is the user's
            if not files:
                raise self.refuse("patterns_dir", f"no patterns file in {folder}")
            for file in files:
                patterns.update(grok.read_patterns(Path(file).read_text(encoding="utf-8")))
        patterns.update(self.pattern_definitions)
        self.compiled: list[tuple[str, list[grok.Grok]]] = []
        for field, sources in self.match.items():
            groks = []
            for source in array(sources):
                try:
                    groks.append(grok.Grok(str(source), patterns, self.named_captures_only))
                except ValueError as error:
                    raise self.refuse("match", str(error)) from None
            self.compiled.append((field, groks))

    def apply(self) -> Callable[[Event], None]:
        matched = self.matched()
        failure_tags = self.tag_on_failure
        metrics = self.metrics
        fields = [
            (fieldref.getter(fieldref.parse(field)), [(one.search, self._store(one)) for one in groks])
            for field, groks in self.compiled
        ]

        def fail(event: Event) -> None:
            metrics.failures += 1
            for name in failure_tags:
                tag(event, name)

        if len(fields) == 1 and len(fields[0][1]) == 1:
            ((get, ((search, store),)),) = fields

            def match_one(event: Event) -> None:
                text = get(event)
                if type(text) is str:
                    found = search(text)
                    if found is None:
                        fail(event)
                        return
                    store(event, found)
                elif not self._match_value(text, fields[0][1], event):
                    fail(event)
                    return
                if matched:
                    matched(event)

            return match_one

        def match(event: Event) -> None:
            success = False
            for get, groks in fields:
                if self._match_value(get(event), groks, event):
                    success = True
                    if self.break_on_match:
                        break
            if not success:
                fail(event)
            elif matched:
                matched(event)

        return match

    def _match_value(self, value: Any, groks: list[Any], event: Event) -> bool:
        """Any element of an array may match; what is no text is read as text."""
        if value is None:
            return False
        if type(value) is list:
            return any([self._match_text(ruby_text(item), groks, event) for item in value])
        return self._match_text(ruby_text(value), groks, event)

    def _match_text(self, text: str, groks: list[Any], event: Event) -> bool:
        success = False
        for search, store in groks:
            found = search(text)
            if found is not None:
                store(event, found)
                success = True
                if self.break_on_match:
                    return True
        return success

    def _store(self, one: grok.Grok) -> Callable[[Event, Any], None]:
        """What puts the captures of a match into the event."""
        keep_empty = self.keep_empty_captures
        actions = []
        for group, reference, cast in one.captures:
            if self.target:
                reference = f"{self.target}{reference if reference.startswith('[') else f'[{reference}]'}"
            path = fieldref.parse(reference)
            plain = len(path) == 1 and path[0] not in ("tags", "@timestamp", "@metadata")
            actions.append(
                (
                    group - 1,
                    cast,
                    reference in self.overwrite,
                    path[0] if plain else None,
                    fieldref.getter(path),
                    fieldref.setter(path),
                )
            )

        def store(event: Event, found: Any) -> None:
            groups = found.groups()
            for index, cast, overwrite, key, get, set_ in actions:
                value = groups[index]
                if not value:
                    if keep_empty:
                        set_(event, value)
                        continue
                    if value is None or cast is None:
                        continue
                if cast is not None:
                    value = cast(value)
                if overwrite:
                    set_(event, value)
                    continue
                old = event.get(key) if key is not None else get(event)
                if old is None:
                    if key is not None:
                        event[key] = value
                    else:
                        set_(event, value)
                elif type(old) is list:
                    set_(event, [*old, value])
                elif isinstance(old, str):
                    set_(event, [old, value])

        return store


plugin = GrokFilter
