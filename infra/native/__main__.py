"""Command line of the native runtime: `python -m native COMMAND --help`."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from types import ModuleType

from native import runtime
from native.commands import CommandLine
from native.settings import Settings


def main(arguments: Sequence[str] | None = None, settings: Settings | None = None) -> int:
    line = CommandLine("python -m native", "The whole stack, without Docker.")
    line.add(toolchain)
    line.add(ps).add_argument("--json", action="store_true", help='one object: {"part": "state", …}')
    of_exec = line.add(exec_)
    of_exec.add_argument("part", help="elasticsearch, logstash, …")
    of_exec.add_argument("command", nargs=argparse.REMAINDER, help="the program and its arguments")
    return line.run(runtime, arguments, settings)


def toolchain(_runtime: ModuleType, settings: Settings, _arguments: argparse.Namespace) -> None:
    """Get the real servers into the cache: at once when they are there."""
    from native.toolchain import cache, tools

    start = time.monotonic()
    for name, folder in cache.install(tools.tools(), settings.cache).items():
        print(f"{name:<16} {folder}")
    print(f"Toolchain ready after {time.monotonic() - start:.1f} s.")


def ps(_runtime: ModuleType, settings: Settings, arguments: argparse.Namespace) -> None:
    """Show each part's state. Empty when the stack is not up."""
    if arguments.json:
        print(json.dumps(runtime.parts(settings)))
        return
    from rich.console import Console
    from rich.table import Table

    states = runtime.parts(settings)
    if not states:
        print("Nothing runs.")
        return
    table = Table("part", "state", "pid", "restarts", "memory MB", box=None)
    for name, process in runtime.processes(settings).items():
        memory = f"{process['mem'] / 1e6:.0f}" if process["is_running"] else ""
        pid = str(process["pid"]) if process["is_running"] else ""
        table.add_row(name, states[name], pid, str(process["restarts"]), memory)
    Console().print(table)


def exec_(_runtime: ModuleType, settings: Settings, arguments: argparse.Namespace) -> None:
    """Run a command as a part would: its user, its variables, its folder."""
    runtime.become(settings, arguments.part, arguments.command)


if __name__ == "__main__":
    sys.exit(main())
