"""Golden cases as pytest tests, one a case. In the conftest.py above a suite's folder:

from logstash_py.tester.pytest_plugin import pytest_collect_file  # noqa: F401
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ..errors import ConfigError
from ..observed import ObservedPipeline
from ..terminal import Paint
from .difference import Difference
from .run import difference, pipeline_of, run
from .suite import SUITE_FILE, Case, Suite, SuiteError, find_folder, load


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    if file_path.suffix not in (".yml", ".yaml", ".json") or file_path.name == SUITE_FILE:
        return None
    folder = find_folder(file_path.parent)
    return CaseFile.from_parent(parent, path=file_path, folder=folder) if folder else None


@cache
def _suite(folder: Path) -> Suite:
    return load(folder)


@cache
def _pipeline(folder: Path) -> ObservedPipeline:
    """Compiled once for all of its cases."""
    return pipeline_of(_suite(folder))


class CaseFile(pytest.File):
    def __init__(self, folder: Path, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.folder = folder

    def collect(self) -> Iterator[CaseItem]:
        for case in _suite(self.folder).cases:
            if case.path.resolve() == self.path.resolve():
                yield CaseItem.from_parent(self, name=case.name, case=case)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, SuiteError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class _Differs(Exception):
    def __init__(self, found: Difference) -> None:
        super().__init__()
        self.found = found


class CaseItem(pytest.Item):
    def __init__(self, case: Case, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.case = case

    def runtest(self) -> None:
        assert isinstance(self.parent, CaseFile)  # noqa: S101 for the type
        found = difference(self.case, run(self.case, _pipeline(self.parent.folder)))
        if found:
            raise _Differs(found)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, _Differs):
            paint = Paint(self.config.get_terminal_writer().hasmarkup)
            return "\n".join([f"{self.case.path}:{self.case.line}", *excinfo.value.found.lines(paint)])
        if isinstance(excinfo.value, (ConfigError, SuiteError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.line - 1, self.case.id
