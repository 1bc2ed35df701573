"""grok: named patterns out of text."""

from __future__ import annotations

import glob
import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import ClassVar

from .. import fieldref, grok, regex
from ..code import Code, Field
from ..event import Event, tag
from ..plugin import Inlined, Option, array, boolean, hash_, number, one_of, string
from ..text import ruby_text

logger = logging.getLogger(__name__)


class GrokFilter(Inlined):
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
        "timeout_millis": Option(number, 30_000),
        "timeout_scope": Option(one_of("pattern", "event"), "pattern"),
        "tag_on_timeout": Option(string, "_groktimeout"),
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
                    groks.append(grok.Grok(str(source), patterns, self.named_captures_only, self.timeout_millis / 1000))
                except ValueError as error:
                    raise self.refuse("match", str(error)) from None
            self.compiled.append((field, groks))

    def emit(self, code: Code) -> None:
        matched = code.fresh()
        with code.block("try:"):
            code.line(f"{matched} = False")
            seconds = self._emit_limit(code)
            for number, (field, groks) in enumerate(self.compiled):
                with code.block(f"if not {matched}:") if number and self.break_on_match else nullcontext():
                    self._emit_field(code, field, groks, matched, seconds)
            if self.decorates:
                with code.block(f"if {matched}:"):
                    self.emit_matched(code)
            with code.block(f"if not {matched}:"):
                code.line(f"{code.bind(self._fail)}(event)")
        with code.block("except TimeoutError:"):
            code.line(f"{code.bind(self._time_out)}(event)")

    def _emit_limit(self, code: Code) -> str:
        """An expression for the seconds that the next search may take."""
        if self.timeout_scope == "pattern" or not self.timeout_millis:
            return repr(self.timeout_millis / 1000)
        monotonic = code.bind(time.monotonic)
        return f"({code.local(f'{monotonic}() + {self.timeout_millis / 1000}')} - {monotonic}())"

    def _emit_field(self, code: Code, field: str, groks: list[grok.Grok], matched: str, seconds: str) -> None:
        before, value = code.fresh(), code.local(Field(code, fieldref.parse(field)).get())
        code.line(f"{before} = {matched}")
        with code.block("try:"):
            with code.block(f"if type({value}) is str:"):
                self._emit_text(code, groks, value, matched, seconds)
            with code.block(f"elif {value} is not None:"):
                # Any element of an array may match; what is no text is read as text.
                match_text = code.bind(self._match_text(groks))
                texts = f"map({code.bind(ruby_text)}, {value} if type({value}) is list else [{value}])"
                code.line(f"{matched} |= any([{match_text}(text, event, {seconds}) for text in {texts}])")
                for _, reference, _ in (capture for one in groks for capture in one.captures):
                    Field(code, fieldref.parse(self._below_target(reference))).made()
        with code.block("except ValueError as error:"):
            # A capture that can't be set where it is to go.
            code.line(f"{code.bind(logger.warning)}('grok %s: %s', {self.id!r}, error)")
            code.line(f"{matched} = {before}")

    def _match_text(self, groks: list[grok.Grok]) -> Callable[[str, Event, float], bool]:
        code = Code()
        with code.event():
            code.line("matched = False")
            self._emit_text(code, groks, "text", "matched", "seconds")
        return code.function("match_text", "text", "event", "seconds", returns="matched")

    def _emit_text(self, code: Code, groks: list[grok.Grok], text: str, matched: str, seconds: str) -> None:
        for position, one in enumerate(groks):
            found = code.fresh()
            search = f"{code.bind(regex.searcher(one.pattern))}({text})"
            if one.bound:
                limit, slow = one.bound
                search += f" if len({text}) <= {limit} else {code.bind(slow)}({text}, {seconds})"
            keyword = "elif" if position and self.break_on_match else "if"
            with code.block(f"{keyword} ({found} := ({search})) is not None:"):
                self._emit_captures(code, one, found)
                # When all patterns are tried, the last one's outcome counts.
                if self.break_on_match or one is groks[-1]:
                    code.line(f"{matched} = True")

    def _emit_captures(self, code: Code, one: grok.Grok, found: str) -> None:
        values = ["_"] * one.pattern.groups
        for group, _, _ in one.captures:
            values[group - 1] = code.fresh()
        if one.captures:
            code.line(f"{', '.join(values)}, = {found}.groups()")
        for group, reference, cast in one.captures:
            field = Field(code, fieldref.parse(self._below_target(reference)))
            value = values[group - 1]
            if cast is not None:
                value = code.local(f"None if {value} is None else {code.bind(cast)}({value})")
            # An empty text is no capture; as a number it is 0.
            kept = "True" if self.keep_empty_captures else value if cast is None else f"{value} is not None"
            with code.block(f"if {kept}:"):
                if reference in self.overwrite:
                    field.set(value)
                else:
                    _emit_add(code, field, value)

    def _below_target(self, reference: str) -> str:
        if not self.target:
            return reference
        target = self.target.strip()
        return "".join(name if name.startswith("[") else f"[{name}]" for name in (target, reference))

    def _fail(self, event: Event) -> None:
        self.metrics.failures += 1
        for name in self.tag_on_failure:
            tag(event, name)

    def _time_out(self, event: Event) -> None:
        self.metrics.failures += 1
        logger.warning("grok %s: timeout of %s ms on an event's text", self.id, self.timeout_millis)
        tag(event, self.tag_on_timeout)


def _emit_add(code: Code, field: Field, value: str) -> None:
    """A second text makes an array; of other values the first stays."""
    old = code.fresh()
    with code.block(f"if ({old} := {field.get()}) is None:"):
        field.set(value)
    with code.block(f"elif type({old}) is list:"):
        field.set(f"[*{old}, {value}]")
    with code.block(f"elif isinstance({old}, str):"):
        field.set(f"[{old}, {value}]")


plugin = GrokFilter
