"""python -m stack: what the Makefile asks for, of whichever runtime drives the stack."""

import argparse
import sys

import containers.__main__
import native.__main__
from native.settings import DOCKER, NATIVE, SettingsError
from stack import runtimes, status, traffic

# What each runtime does by itself: these take the rest of the command line.
HANDED_ON = ("up", "down", "clean", "logs", "rotate-passwords")
COMMAND_LINES = {NATIVE: native.__main__.main, DOCKER: containers.__main__.main}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m stack",
        description=f"Status and traffic of a stack; {', '.join(HANDED_ON)} are handed to its runtime.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in HANDED_ON:
        commands.add_parser(name, add_help=False)
    of_status = commands.add_parser(
        "status", help="each part's health, each stream's documents and newest document's age"
    )
    of_status.add_argument("--json", action="store_true", help="print one JSON object")
    of_traffic = commands.add_parser(
        "traffic", help="send requests through nginx and count what arrives in the streams"
    )
    of_traffic.add_argument("-n", "--requests", type=int, default=100, help="at least this many requests (default 100)")
    arguments, rest = parser.parse_known_args()
    try:
        settings = runtimes.load_settings()
        if arguments.command in HANDED_ON:
            return COMMAND_LINES[settings.runtime]([arguments.command, *rest], settings)
        if rest:
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        if arguments.command == "status":
            return status.show(settings, as_json=arguments.json)
        return traffic.run(settings, arguments.requests)
    except (SettingsError, native.runtime.RuntimeFailure) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
