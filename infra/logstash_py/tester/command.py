"""`python -m logstash_py test FOLDER [CASES…]`."""

from __future__ import annotations

import argparse
import fnmatch
import sys
import time
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import NoReturn

from ..errors import ConfigError
from ..observed import ObservedPipeline, Result
from ..pipeline import config_files
from ..terminal import Paint, paint_for
from . import coverage as coverage_module
from .coverage import Coverage
from .difference import Difference
from .run import difference, pipeline_of, run
from .suite import Case, Suite, SuiteError, load

_WATCH_SECONDS = 0.3


def main(options: argparse.Namespace) -> int:
    paint = paint_for(options.color)
    if not options.watch:
        return _once(options, paint, set())
    try:
        _watch(options, paint)
    except KeyboardInterrupt:
        return 0


def _once(options: argparse.Namespace, paint: Paint, read: set[Path]) -> int:
    """One run; `read` is given the files that the pipeline was made of."""
    suite = load(options.folder)
    read.update(config_files(suite.pipeline))
    cases = _chosen(suite, options)
    wants_coverage = options.coverage or options.fail_under is not None
    observer = Coverage() if wants_coverage else None
    pipeline = pipeline_of(suite, observer)
    read.update(pipeline.files_read())
    failed = _run_all(cases, pipeline)
    if options.update and failed:
        _update(failed)
        print(f"{len(failed)} updated: review them with git diff")
        suite = load(options.folder)
        cases = _chosen(suite, options)
        failed = _run_all(cases, pipeline)
    for case, _, found in failed:
        _print_failure(case, found, paint)
    counts = [f"{len(cases) - len(failed)} passed", f"{len(failed)} failed"]
    if len(cases) < len(suite.cases):
        counts.append(f"{len(suite.cases) - len(cases)} not chosen")
    enough = True
    if observer:
        points = observer.points(pipeline)
        print(*coverage_module.report(points, paint, Path.cwd()), sep="\n")
        enough = coverage_module.percent(points) >= (options.fail_under or 0)
        if not enough:
            print(paint(f"coverage is below {options.fail_under:g} %", "red"))
    differing = 0
    if options.logstash:
        from . import reference

        differing = reference.compare(suite, cases, pipeline, options.logstash, paint)
    print(paint(", ".join(counts), "red" if failed else "green", "bold"))
    return 0 if enough and cases and not failed and not differing else 1


def _chosen(suite: Suite, options: argparse.Namespace) -> list[Case]:
    """Raises SuiteError for a file that isn't there."""
    files = set()
    for name in options.cases:
        found = [path for path in suite.files if name in (str(path), path.name, path.stem) or Path(name) == path]
        found += [path for path in suite.files if Path(name).exists() and Path(name).samefile(path)]
        if not found:
            raise SuiteError(f"{name}: no case file of {suite.folder}")
        files |= set(found)
    pattern = f"*{options.pattern.lower()}*" if options.pattern else "*"
    return [
        case
        for case in suite.cases
        if (not files or case.path in files) and fnmatch.fnmatchcase(case.id.lower(), pattern)
    ]


def _run_all(cases: Iterable[Case], pipeline: ObservedPipeline) -> list[tuple[Case, list[Result], Difference]]:
    """The cases that fail."""
    failed = []
    for case in cases:
        results = run(case, pipeline)
        found = difference(case, results)
        if found:
            failed.append((case, results, found))
    return failed


def _update(failed: list[tuple[Case, list[Result], Difference]]) -> None:
    from .update import update

    for path, group in groupby(failed, lambda one: one[0].path):
        update(path, [(case, results) for case, results, _ in group])


def _print_failure(case: Case, found: Difference, paint: Paint) -> None:
    print(f"{paint('FAILED', 'red', 'bold')} {case.path}:{case.line}: {paint(case.name, 'bold')}")
    print(*(f"    {line}" for line in found.lines(paint)), "", sep="\n")


# Watching


def _watch(options: argparse.Namespace, paint: Paint) -> NoReturn:
    """Runs again and again, until it is interrupted."""
    read: set[Path] = set()
    while True:
        # Before the run: what changes during it is seen.
        seen = _times(options.folder, read)
        known = len(read)
        try:
            _once(options, paint, read)
        except (SuiteError, ConfigError, OSError) as error:
            print(error, file=sys.stderr)
        if len(read) > known:
            seen = _times(options.folder, read)
        print(paint("waiting for changes (Ctrl-C ends)", "grey"), flush=True)
        while _times(options.folder, read) == seen:
            time.sleep(_WATCH_SECONDS)
        print(paint(f"--- {time.strftime('%H:%M:%S')}", "grey"))


def _times(folder: Path, read: Iterable[Path]) -> dict[Path, int]:
    """The suite's files and what the pipeline was made of, with the times of their last change."""
    times = {}
    for path in [*folder.rglob("*"), *read]:
        try:
            times[path] = path.stat().st_mtime_ns
        except OSError:
            times[path] = 0  # removed, or being replaced
    return times
