"""The commands that both runtimes have, each on a runtime: the module native.runtime or containers.runtime."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from types import ModuleType

from rich.console import Console
from rich.table import Table

from native.compose import ComposeError
from native.runtime import DONE, HEALTHY, RuntimeFailure
from native.settings import Settings, SettingsError
from native.state import make_dotenv
from native.toolchain.cache import ToolchainError

Command = Callable[[ModuleType, Settings, argparse.Namespace], int | None]


class CommandLine(argparse.ArgumentParser):
    """The command line of a runtime, with the commands below; `add` adds one of its own."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description)
        self.commands = self.add_subparsers(required=True, metavar="COMMAND", parser_class=argparse.ArgumentParser)
        self.add(up)
        self.add(down)
        self.add(clean).add_argument("--yes", action="store_true", help="do not ask")
        of_logs = self.add(logs)
        of_logs.add_argument("service", help="a part (elasticsearch, celery, …) or a service (react, …)")
        of_logs.add_argument("-f", "--follow", action="store_true", help="go on as lines are written")
        of_logs.add_argument("-n", "--lines", type=int, default=50, help="lines of each file (default 50)")
        self.add(rotate_passwords)

    def add(self, command: Command) -> argparse.ArgumentParser:
        name = command.__name__.strip("_").replace("_", "-")
        added = self.commands.add_parser(name, help=command.__doc__.splitlines()[0], description=command.__doc__)
        added.set_defaults(run=command)
        return added

    def run(self, runtime: ModuleType, arguments: Sequence[str] | None, settings: Settings | None) -> int:
        """Run the command that `arguments` (default: the command line's) name. Returns the exit status."""
        given = self.parse_args(arguments)
        try:
            return given.run(runtime, settings or Settings.load(), given) or 0
        except (SettingsError, ToolchainError, ComposeError, RuntimeFailure) as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("Interrupted.", file=sys.stderr)
            return 130


def up(runtime: ModuleType, settings: Settings, _arguments: argparse.Namespace) -> int:
    """Start the stack and wait until every part is healthy.

    Exit status 0 when it is up, also when it was before; 1 when it could not be started, and then nothing runs.
    """
    start = time.monotonic()
    settings = make_dotenv(settings)
    if not runtime.up(settings, say):
        ill = {name: state for name, state in runtime.parts(settings).items() if state not in (HEALTHY, DONE)}
        print("Already running: nothing was changed.")
        for name, state in ill.items():
            print(f"  {name} is {state}: see `make logs SERVICE={name}`")
        return 1 if ill else 0
    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(no_wrap=True, overflow="ignore")
    for what, where in runtime.places(settings).items():
        table.add_row(what, where)
    Console().print(table, crop=False)
    print(f"Up after {time.monotonic() - start:.1f} s.")
    return 0


def down(runtime: ModuleType, settings: Settings, _arguments: argparse.Namespace) -> None:
    """Stop the stack in order; its data stay."""
    start = time.monotonic()
    if runtime.down(settings):
        print(f"Stopped after {time.monotonic() - start:.1f} s.")
    else:
        print("Nothing runs.")


def clean(runtime: ModuleType, settings: Settings, arguments: argparse.Namespace) -> int | None:
    """Stop the stack and remove its data, logs and passwords. What was got or built to run it stays."""
    kept = runtime.kept(settings)
    if not arguments.yes and sys.stdin.isatty():
        answer = input(f"Remove all data, logs and passwords in {kept}? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            print("Nothing was removed.")
            return 1
    runtime.down(settings)
    runtime.remove(settings)
    print(f"Removed {kept}.")
    return None


def logs(runtime: ModuleType, settings: Settings, arguments: argparse.Namespace) -> int | None:
    """Print what a part or service wrote: its console and its log files."""
    sys.stdout.flush()
    return runtime.show_logs(settings, arguments.service, arguments.lines, arguments.follow)


def rotate_passwords(runtime: ModuleType, settings: Settings, _arguments: argparse.Namespace) -> None:
    """Give every user of a running stack a new password. No line is lost, no log file touched."""
    start = time.monotonic()
    runtime.rotate_passwords(settings, say)
    print(f"New passwords are in force after {time.monotonic() - start:.1f} s, and in {settings.secrets_file}.")


def say(text: str) -> None:
    print(text, flush=True)
