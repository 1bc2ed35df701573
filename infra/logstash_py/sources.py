"""Where pipelines come from: -f, -e, path.config, config.string or pipelines.yml; and the texts that they are made of.

A Source is what workers get, so that all run the very same text, whatever becomes of the files meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import settings as settings_module
from .errors import SettingsError
from .parser import parse
from .pipeline import Pipeline, config_files
from .plugin import Context
from .settings import Settings


@dataclass(frozen=True)
class Source:
    """One pipeline: its settings and its files' texts, (path, text) in order. Equal sources make equal pipelines."""

    settings: Settings
    files: tuple[tuple[str, str], ...]

    @property
    def id(self) -> str:
        return self.settings.pipeline_id

    def compile(self) -> Pipeline:
        """Raises ConfigError."""
        sections = [section for path, text in self.files for section in parse(text, path)]
        return Pipeline(sections, Context(self.settings.ecs, self.id, os.environ, self.settings.path_data))


def read_all(settings: Settings, folder: Path | None, environ: Mapping[str, str]) -> list[Source]:
    """All pipelines: that of `settings`, else those of `folder`/pipelines.yml.

    Raises SettingsError, ConfigError, and OSError for a file that can't be read.
    """
    if settings.path_config and settings.config_string:
        raise SettingsError("path.config (-f) and config.string (-e) can't be given together")
    if settings.path_config or settings.config_string:
        return [_read(settings)]
    if folder is None or not (folder / "pipelines.yml").exists():
        raise SettingsError("which pipeline? Give -f PATH, path.config in logstash.yml, or a pipelines.yml beside it")
    return [_read(pipeline) for pipeline in settings_module.read_pipelines(folder, settings, environ)]


def _read(settings: Settings) -> Source:
    if settings.ordered == "true" and settings.workers > 1:
        message = f"pipeline.ordered: true needs pipeline.workers: 1, not {settings.workers}"
        raise SettingsError(f"pipeline {settings.pipeline_id}: {message}")
    if settings.config_string:
        return Source(settings, (("config.string", settings.config_string),))
    files = config_files(settings.path_config)
    return Source(settings, tuple((str(file), file.read_text(encoding="utf-8")) for file in files))
