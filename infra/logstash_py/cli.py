"""`python -m logstash_py`: run, filter, check, verify."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from . import settings as settings_module
from . import verify
from .codecs.json_lines import decode_json
from .errors import ConfigError, PipelineCrash, SettingsError
from .pipeline import Pipeline, config_files
from .settings import Settings
from .text import dump_json

_LOG_LEVELS = {
    "fatal": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": logging.DEBUG,
}


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, or 1 after a message on the standard error."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except (ConfigError, SettingsError, PipelineCrash) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or 'error'}: {error.strerror or error}", file=sys.stderr)
    except ValueError as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:
        return 0
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="logstash_py", description="Runs and tests Logstash pipeline files.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run a pipeline as a service", description="Runs a pipeline until SIGTERM.")
    run.add_argument(
        "-f", dest="path", metavar="PATH", help="pipeline file or folder (default: path.config of logstash.yml)"
    )
    run.add_argument("--path.settings", dest="path_settings", metavar="DIR", type=Path, help="folder of logstash.yml")
    for name, help_ in (
        ("path.data", "folder for what must outlive a restart, such as the dead letter queue"),
        ("api.http.port", "port of the monitoring API (default 9600)"),
        ("log.level", "fatal, error, warn, info, debug or trace"),
        ("pipeline.workers", "batches under way at once"),
        ("pipeline.batch.size", "events a worker takes at once"),
        ("pipeline.batch.delay", "milliseconds that it waits for them"),
    ):
        run.add_argument(f"--{name}", dest=name, metavar=name.rsplit(".", 1)[-1].upper(), help=help_)
    run.set_defaults(command=_run)

    filter_ = commands.add_parser(
        "filter",
        help="run only the filter sections, from standard input to standard output",
        description="Reads lines (each the message of an event), prints the resulting events as JSON lines, in order.",
    )
    filter_.add_argument(
        "-f", dest="path", metavar="PATH", required=True, action="append", help="pipeline file or folder"
    )
    filter_.add_argument("--json", action="store_true", help="the input's lines are events as JSON objects")
    filter_.add_argument("--metadata", action="store_true", help="print @metadata too")
    filter_.add_argument("--ecs", choices=("v8", "v1", "disabled"), default="v8", help="pipeline.ecs_compatibility")
    filter_.set_defaults(command=_filter)

    check = commands.add_parser(
        "check", help="check pipeline files", description="Says what is wrong in pipeline files."
    )
    check.add_argument("paths", metavar="PATH", nargs="+", help="pipeline file or folder, each a pipeline of its own")
    check.add_argument("--ecs", choices=("v8", "v1", "disabled"), default="v8", help="pipeline.ecs_compatibility")
    check.set_defaults(command=_check)

    verify_ = commands.add_parser(
        "verify",
        help="run conformance vectors",
        description="Runs cases recorded from Logstash and ends with the line 'N passed, N failed'.",
    )
    verify_.add_argument("paths", metavar="FILE.jsonl", nargs="+", help="file of cases, one JSON object a line")
    verify_.set_defaults(command=_verify)
    return parser


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(
        level=_LOG_LEVELS[level], format="[%(asctime)s][%(levelname)-5s][%(name)s] %(message)s", stream=sys.stderr
    )
    # Each request that fails is told by the output, once in a while; the transport would tell of every one.
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)


def _run(options: argparse.Namespace) -> int:
    from .service import Service

    settings = settings_module.read(options.path_settings, os.environ) if options.path_settings else Settings()
    given = {name: value for name, value in vars(options).items() if "." in name and value is not None}
    settings = settings.with_values(given, "command line")
    _log_to_stderr(settings.log_level)
    path = options.path or settings.path_config
    if not path:
        raise SettingsError("which pipeline? Give -f PATH, or path.config in logstash.yml")
    pipeline = Pipeline.from_files(path, ecs=settings.ecs)
    if not pipeline.inputs:
        raise SettingsError(f"{path}: no input section, so nothing to run")

    async def serve() -> None:
        await Service(pipeline, settings).run()

    asyncio.run(serve())
    return 0


def _filter(options: argparse.Namespace) -> int:
    _log_to_stderr("warn")
    pipeline = Pipeline.from_files(options.path, ecs=options.ecs, filters_only=True)
    out = sys.stdout.buffer
    for data in _read_events(sys.stdin, as_json=options.json):
        for event in pipeline.filter([data]):
            if not options.metadata:
                event.pop("@metadata", None)
            out.write(dump_json(event) + b"\n")
    out.flush()
    return 0


def _read_events(source: TextIO, *, as_json: bool) -> Iterator[dict[str, Any]]:
    for line in source:
        line = line.rstrip("\n")
        if not as_json:
            yield {"message": line}
        elif line.strip():
            yield from decode_json(line.encode("utf-8", "replace"))


def _check(options: argparse.Namespace) -> int:
    failed = 0
    for path in options.paths:
        try:
            files = config_files(path)
            Pipeline.from_files(files, ecs=options.ecs)
        except ConfigError as error:
            failed += 1
            print(error, file=sys.stderr)
        else:
            print(f"{path}: ok ({len(files)} files)" if len(files) > 1 else f"{path}: ok")
    return 1 if failed else 0


def _verify(options: argparse.Namespace) -> int:
    logging.disable(logging.CRITICAL)
    passed = failed = 0
    for path in options.paths:
        for case in verify.read_cases(path):
            difference = verify.run(case)
            if difference is None:
                passed += 1
            else:
                failed += 1
                print(f"{case['id']}: {case.get('note', '')}\n  {difference}\n")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
