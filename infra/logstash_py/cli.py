"""`python -m logstash_py`: run, filter, check, explain, test, verify."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from . import dlq, logs, verify
from . import settings as settings_module
from .codecs.json import decode_json
from .errors import ConfigError, PipelineCrash, SettingsError
from .pipeline import Pipeline
from .settings import Settings
from .sources import read_all
from .terminal import add_color_option
from .text import dump_json


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, or 1 after a message on the standard error."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except (ConfigError, SettingsError, PipelineCrash) as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:
        return 0
    except OSError as error:
        print(f"{error.filename or 'error'}: {error.strerror or error}", file=sys.stderr)
    except ValueError as error:
        print(error, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="logstash_py", description="Runs and tests Logstash pipeline files.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run pipelines as a service", description="Runs pipelines until SIGTERM.")
    _add_settings(run)
    for flag, name, help_ in (
        ("--api.http.port", "api.http.port", "port of the monitoring API (default 9600)"),
        ("--api.http.host", "api.http.host", "its address (default 127.0.0.1)"),
        ("--log.level", "log.level", "fatal, error, warn, info, debug or trace"),
        ("--log.format", "log.format", "plain or json"),
        ("-w", "pipeline.workers", "worker processes (default: the number of cores)"),
        ("-b", "pipeline.batch.size", "events that make a batch"),
        ("-u", "pipeline.batch.delay", "milliseconds that a batch waits for them"),
        ("--pipeline.id", "pipeline.id", "name of the pipeline of -f or -e (default main)"),
        ("--config.reload.interval", "config.reload.interval", "how often to look, such as 3s"),
    ):
        flags = [flag] if flag == f"--{name}" else [flag, f"--{name}"]
        run.add_argument(*flags, dest=name, metavar=name.rsplit(".", 1)[-1].upper(), help=help_)
    run.add_argument(
        *("-r", "--config.reload.automatic"),
        dest="config.reload.automatic",
        action="store_const",
        const="true",
        help="load a pipeline again when its file changes",
    )
    run.set_defaults(command=_run)

    dlq.add_parser(commands, _add_settings)

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
    _add_ecs_option(filter_)
    filter_.set_defaults(command=_filter)

    check = commands.add_parser(
        "check", help="check pipeline files", description="Says what is wrong in pipeline files."
    )
    check.add_argument("paths", metavar="PATH", nargs="+", help="pipeline file or folder, each a pipeline of its own")
    _add_ecs_option(check)
    check.add_argument("--strict", action="store_true", help="fail on warnings too")
    add_color_option(check)
    check.set_defaults(command=_check)

    explain = commands.add_parser(
        "explain",
        help="show step by step what a pipeline does to events",
        description="Reads lines (each the message of an event) and shows which arms each event takes, what each "
        "filter changes, the document and the outputs that it goes to.",
    )
    explain.add_argument(
        "path", metavar="PATH", help="pipeline file or folder, or a folder of golden cases (its pipeline and fields)"
    )
    explain.add_argument("--json", action="store_true", help="the input's lines are events as JSON objects")
    explain.add_argument(
        "--set", metavar="FIELD=VALUE", action="append", default=[], help="a field of each event: service=django"
    )
    explain.add_argument("--event-base", metavar="FILE", type=Path, help="fields of each event, as JSON or YAML")
    explain.add_argument("-k", dest="pattern", metavar="WORD", help="explain the cases whose names hold WORD instead")
    _add_ecs_option(explain)
    add_color_option(explain)
    explain.set_defaults(command=_explain)

    test = commands.add_parser(
        "test",
        help="run golden cases",
        description="Runs the cases of a folder against the pipeline that its suite.yml names; "
        "ends with the line 'N passed, N failed'.",
    )
    test.add_argument("folder", metavar="FOLDER", type=Path, help="folder of suite.yml and the case files")
    test.add_argument("cases", metavar="CASES", nargs="*", help="case files of the folder (default: all)")
    test.add_argument(
        "-k", dest="pattern", metavar="WORD", help="only cases whose file or name holds WORD (* and ? stand for any)"
    )
    test.add_argument("--update", action="store_true", help="rewrite what failing cases expect, for review by git diff")
    test.add_argument("--watch", action="store_true", help="run again when cases, pipeline or dictionaries change")
    test.add_argument("--coverage", action="store_true", help="tell which arms and filters no case reached")
    test.add_argument(
        "--fail-under", metavar="PERCENT", type=float, help="fail when the coverage is lower (implies --coverage)"
    )
    test.add_argument(
        "--logstash", metavar="PATH|URL", help="compare with a real Logstash: its home, or docker://IMAGE"
    )
    add_color_option(test)
    test.set_defaults(command=_test)

    verify_ = commands.add_parser(
        "verify",
        help="run conformance vectors",
        description="Runs cases recorded from Logstash and ends with the line 'N passed, N failed'.",
    )
    verify_.add_argument("paths", metavar="FILE.jsonl", nargs="+", help="file of cases, one JSON object a line")
    verify_.set_defaults(command=_verify)
    return parser


def _add_ecs_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ecs", choices=("v8", "v1", "disabled"), default="v8", help="pipeline.ecs_compatibility")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """What says which pipelines, and where their data lies. The names with a dot are settings'."""
    parser.add_argument(
        "-f", "--path.config", dest="path.config", metavar="PATH", help="pipeline file, folder or pattern"
    )
    parser.add_argument("-e", "--config.string", dest="config.string", metavar="TEXT", help="the pipeline itself")
    parser.add_argument(
        "--path.settings", dest="path_settings", metavar="DIR", type=Path, help="folder of logstash.yml, pipelines.yml"
    )
    parser.add_argument(
        "--path.data",
        dest="path.data",
        metavar="DIR",
        help="folder for what must outlive a restart, such as the dead letter queue",
    )
    parser.set_defaults(command=_dlq)


def _settings(options: argparse.Namespace) -> Settings:
    """Those of logstash.yml, with the command line's put over them."""
    folder = options.path_settings
    in_file = settings_module.read(folder, os.environ) if folder and (folder / "logstash.yml").exists() else Settings()
    given = {name: value for name, value in vars(options).items() if "." in name and value is not None}
    # The one that the command line gives takes the other's place.
    for name, other in (("path.config", "config_string"), ("config.string", "path_config")):
        if name in given:
            in_file = replace(in_file, **{other: ""})
    return in_file.with_values(given, "command line")


def _run(options: argparse.Namespace) -> int:
    from .service import Service

    settings = _settings(options)
    logs.configure(settings.log_level, settings.log_format)
    logger = logging.getLogger(__name__)
    for note in settings.notes:
        logger.warning("%s", note)
    folder = options.path_settings
    sources = read_all(settings, folder, os.environ)
    if (settings.path_config or settings.config_string) and folder and (folder / "pipelines.yml").exists():
        logger.warning("%s is ignored: the pipeline is given otherwise", folder / "pipelines.yml")
    for source in sources:
        for note in source.settings.notes[len(settings.notes) :]:
            logger.warning("%s", note)
        if not source.compile().inputs:
            raise SettingsError(f"{source.files[0][0]}: no input section, so nothing to run")

    async def serve() -> None:
        await Service(settings, sources, lambda: read_all(settings, folder, os.environ)).run()

    asyncio.run(serve())
    return 0


def _dlq(options: argparse.Namespace) -> int:
    settings = _settings(options)
    logs.configure("warn")
    return dlq.run(options, settings, lambda: read_all(settings, options.path_settings, os.environ))


def _filter(options: argparse.Namespace) -> int:
    logs.configure("warn")
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
    from . import check

    return check.main(options)


def _explain(options: argparse.Namespace) -> int:
    from . import explain

    return explain.main(options)


def _test(options: argparse.Namespace) -> int:
    from .tester import command

    return command.main(options)


def _verify(options: argparse.Namespace) -> int:
    logging.disable(logging.CRITICAL)
    passed = failed = 0
    try:
        for case in itertools.chain.from_iterable(map(verify.read_cases, options.paths)):
            difference = verify.run(case)
            if difference is None:
                passed += 1
            else:
                failed += 1
                print(f"{case['id']}: {case.get('note', '')}\n  {difference}\n")
    finally:
        logging.disable(logging.NOTSET)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
