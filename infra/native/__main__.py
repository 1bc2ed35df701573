"""Command line of the native runtime: `python -m native COMMAND --help`."""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable

from native.settings import Settings, SettingsError
from native.toolchain.cache import ToolchainError


def main() -> int:
    arguments = parser().parse_args()
    from native.compose import ComposeError
    from native.runtime import RuntimeFailure

    try:
        return arguments.run(Settings.load(), arguments) or 0
    except (SettingsError, ToolchainError, ComposeError, RuntimeFailure) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m native", description="The whole stack, without Docker.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(run: Callable[[Settings, argparse.Namespace], int | None]) -> argparse.ArgumentParser:
        added = commands.add_parser(run.__name__, help=run.__doc__.splitlines()[0], description=run.__doc__)
        added.set_defaults(run=run)
        return added

    command(toolchain)
    command(up)
    command(down)
    command(clean).add_argument("--yes", action="store_true", help="do not ask")
    command(ps).add_argument("--json", action="store_true", help='one object: {"part": "state", …}')
    logs_parser = command(logs)
    logs_parser.add_argument("service", help="a part (elasticsearch, celery, …) or a service (react, …)")
    logs_parser.add_argument("-f", "--follow", action="store_true", help="go on as lines are written")
    logs_parser.add_argument("-n", "--lines", type=int, default=50, help="lines of each file (default 50)")
    return parser


def toolchain(settings: Settings, _arguments: argparse.Namespace) -> None:
    """Get the real servers into the cache: at once when they are there."""
    from native.toolchain import cache, tools

    start = time.monotonic()
    for name, folder in cache.install(tools.tools(), settings.cache).items():
        print(f"{name:<16} {folder}")
    print(f"Toolchain ready after {time.monotonic() - start:.1f} s.")


def up(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Start the stack and wait until every part is healthy.

    Exit status 0 when it is up, also when it was before; 1 when it could not be started, and then nothing runs.
    """
    from native import runtime

    start = time.monotonic()
    dotenv = settings.checkout / ".env"
    if not dotenv.exists():
        shutil.copyfile(settings.checkout / ".env.example", dotenv)
        settings = Settings.load()
    if not runtime.up(settings, say):
        ill = {name: state for name, state in runtime.parts(settings).items() if state not in ("healthy", "done")}
        print("Already running: nothing was changed.")
        for name, state in ill.items():
            print(f"  {name} is {state}: see `make logs SERVICE={name}`")
        return 1 if ill else 0
    print_urls(settings)
    print(f"Up after {time.monotonic() - start:.1f} s.")
    return 0


def down(settings: Settings, _arguments: argparse.Namespace) -> None:
    """Stop the stack in order; its data stay."""
    from native import runtime

    start = time.monotonic()
    if runtime.down(settings):
        print(f"Stopped after {time.monotonic() - start:.1f} s.")
    else:
        print("Nothing runs.")


def clean(settings: Settings, arguments: argparse.Namespace) -> int | None:
    """Stop the stack and remove its data, logs and passwords. The toolchain's cache stays."""
    from native import runtime, state

    if not arguments.yes and sys.stdin.isatty():
        answer = input(f"Remove all data, logs and passwords in {settings.state}? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            print("Nothing was removed.")
            return 1
    runtime.down(settings)
    state.remove(settings)
    print(f"Removed {settings.state}.")
    return None


def ps(settings: Settings, arguments: argparse.Namespace) -> None:
    """Show each part's state. Empty when the stack is not up."""
    from native import runtime

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


def logs(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print what a part or service wrote: its console and its log files."""
    from native import runtime

    files = runtime.logs(settings, arguments.service)
    if not files:
        print(f"{arguments.service} has written nothing yet.")
        return
    command = ["tail", "-n", str(arguments.lines), *(["-F"] if arguments.follow else []), *map(str, files)]
    sys.stdout.flush()
    os.execvp(command[0], command)  # noqa: S606


def print_urls(settings: Settings) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(no_wrap=True, overflow="ignore")
    table.add_row("Front end", settings.nginx_url)
    table.add_row("API", f"{settings.nginx_url}/api/")
    table.add_row("Flower", f"{settings.nginx_url}/flower/")
    table.add_row("Elasticsearch", settings.elasticsearch_url)
    table.add_row("Logstash's figures", f"http://127.0.0.1:{settings.logstash_api_port}/_node/stats")
    table.add_row("Log files", str(settings.logs))
    table.add_row("Passwords", str(settings.secrets_file))
    Console().print(table, crop=False)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
