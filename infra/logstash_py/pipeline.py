"""A pipeline: files in, events through."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from glob import glob
from pathlib import Path
from typing import Any

from . import event as events
from . import nodes
from .compiler import Compiler
from .errors import ConditionError, ConfigError, PipelineCrash, Position
from .event import Event
from .parser import parse
from .plugin import Context

logger = logging.getLogger(__name__)

_PATTERN = re.compile(r"[*?\[{]")


class Pipeline:
    """A compiled pipeline.

    `run_filters(batch)` and `route(batch)` are the generated functions; `inputs`, `filters` and `outputs` the plugins
    in the order of the files. `crashed` collects the events of a batch at which a filter broke, with their errors.
    """

    def __init__(self, sections: list[nodes.Section], context: Context) -> None:
        """Raises ConfigError."""
        self.id = context.pipeline_id
        self.context = context
        self.crashed: list[tuple[Event, Exception]] = []
        compiler = Compiler(context)
        compiler.make_plugins(sections)
        self.inputs = compiler.plugins["input"]
        self.filters = compiler.plugins["filter"]
        self.outputs = compiler.plugins["output"]
        self.run_filters = compiler.filters(sections, self._on_error)
        self.route = compiler.outputs(sections, self._on_error)

    @classmethod
    def from_files(
        cls,
        paths: str | Path | Iterable[str | Path],
        environ: Mapping[str, str] | None = None,
        ecs: str = "v8",
        pipeline_id: str = "main",
        *,
        filters_only: bool = False,
    ) -> Pipeline:
        """A pipeline of one or more files; a folder stands for its *.conf files in the order of their names.

        `filters_only` leaves inputs and outputs out, so that their plugins are not even made. Raises ConfigError, and
        OSError for a file that can't be read.
        """
        sections: list[nodes.Section] = []
        for file in config_files(paths):
            sections += parse(file.read_text(encoding="utf-8"), str(file))
        if filters_only:
            sections = [section for section in sections if section.kind == "filter"]
        return cls(sections, Context(ecs, pipeline_id, os.environ if environ is None else environ))

    @classmethod
    def from_text(
        cls, text: str, environ: Mapping[str, str] | None = None, ecs: str = "v8", path: str = "config"
    ) -> Pipeline:
        """A pipeline from a text instead of files."""
        return cls(parse(text, path), Context(ecs, "main", os.environ if environ is None else environ))

    def filter(self, data: Iterable[dict[str, Any]]) -> list[Event]:
        """Runs events, given as an input's codec would read them, through the filters, one at a time.

        Returns those that leave, `@metadata` under its own key where it holds something. The given dicts are not
        changed. Raises PipelineCrash where Logstash's pipeline would die.
        """
        out: list[Event] = []
        for item in data:
            self.crashed.clear()
            out += self.run_filters([events.build(events.clone(item))])
            if self.crashed:
                error = self.crashed[0][1]
                self.crashed.clear()
                raise PipelineCrash(str(error)) from error
        for event in out:
            if event.get("@metadata") == {}:
                del event["@metadata"]
        return out

    def _on_error(self, event: Event, error: Exception) -> None:
        if isinstance(error, ConditionError):
            logger.warning("An event was dropped: a condition could not be evaluated: %s", error)
        else:
            self.crashed.append((event, error))


def config_files(paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """The files that a path, a folder, a pattern such as `conf.d/*.conf` or several of them stand for, those of one
    pattern in the order of their names. Raises ConfigError when there are none."""
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    files: list[Path] = []
    for path in map(Path, given):
        if path.is_dir():
            found = sorted(path.glob("*.conf"))
            if not found:
                raise ConfigError("no *.conf file in this folder", Position(str(path), 1, 1))
            files += found
        elif _PATTERN.search(str(path)) and not path.exists():
            # An editor's backup is no configuration.
            matches = {Path(name) for pattern in _braces(str(path)) for name in glob(pattern, recursive=True)}  # noqa: PTH207 an absolute one
            found = sorted(match for match in matches if match.is_file() and not match.name.endswith("~"))
            if not found:
                raise ConfigError("no file matches this pattern", Position(str(path), 1, 1))
            files += found
        else:
            files.append(path)
    return files


def _braces(pattern: str) -> list[str]:
    """a{b,c} → ab, ac: what glob doesn't know."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if not match:
        return [pattern]
    options = match[1].split(",")
    return [full for one in options for full in _braces(pattern[: match.start()] + one + pattern[match.end() :])]
