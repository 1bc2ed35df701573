"""The logging package alone, under a name of its own: without Django, Celery, the apps or the project around it."""

import importlib.util
import json
import logging
import logging.config
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.paths import DICTIONARIES, ROOT

PACKAGE = ROOT / "services/django/config/logging"
NAME = "logging_alone"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        NAME, PACKAGE / "__init__.py", submodule_search_locations=[str(PACKAGE)]
    )
    module = sys.modules[NAME] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


load()


class Written:
    """What was written below a folder of log files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def lines(self, file: str) -> list[str]:
        """The lines of a file, the one that it begins with left out."""
        return (self.root / file).read_text().split("\n")[1:-1]

    def messages(self, file: str) -> list[str]:
        return [line.split("|", 3)[3] for line in self.lines(file) if not line.startswith("\t")]

    def context(self, file: str) -> list[dict[str, Any]]:
        return [json.loads(line[line.index(" {") :]) for line in self.lines(file)]

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.glob("*/*.log"))


@pytest.fixture
def configure(tmp_path: Path) -> Iterator[Callable[..., Written]]:
    """Apply `build_logging`; what it changes of the loggers is put back after the test."""
    import logging_alone

    root = logging.getLogger()
    before = root.handlers[:], root.level
    changed: set[str] = set()

    def apply(service: str = "celery", **options: Any) -> Written:
        options = {"log_file_path": tmp_path, "level": "DEBUG", "console_level": "CRITICAL", **options}
        built = logging_alone.build_logging(service=service, catalogue_path=DICTIONARIES / "streams.yml", **options)
        changed.update(built["loggers"])
        logging.config.dictConfig(built)
        return Written(tmp_path)

    yield apply
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})  # closes all handlers
    root.handlers[:], root.level = before
    logging_alone.context.clear()
    for name in changed:
        logger = logging.getLogger(name)
        logger.setLevel(logging.NOTSET)
        logger.filters.clear()


@pytest.fixture
def run_alone(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run `code` in a process of its own, where `configure(**options)` logs to files below tmp_path."""
    begin = f"""
import importlib.util, logging, logging.config, os, sys, threading, time
spec = importlib.util.spec_from_file_location(
    {NAME!r}, {str(PACKAGE / "__init__.py")!r}, submodule_search_locations=[{str(PACKAGE)!r}])
alone = sys.modules[{NAME!r}] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(alone)
log = logging.getLogger("apps.x")
def configure(service="celery", **options):
    options = {{"log_file_path": {str(tmp_path)!r}, "level": "DEBUG", "console_level": "CRITICAL", **options}}
    logging.config.dictConfig(alone.build_logging(
        service=service, catalogue_path={str(DICTIONARIES / "streams.yml")!r}, **options))
"""

    def run(code: str, **options: Any) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-I", "-c", begin + code], capture_output=True, text=True, timeout=60, **options
        )

    return run


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


PIPE = re.compile(r"[A-Za-z]+\|[^|]+\|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\|.*")
