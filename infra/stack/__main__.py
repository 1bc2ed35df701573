"""python -m stack: status and traffic of the running stack."""

import argparse
import sys

from native.settings import Settings, SettingsError
from stack import status, traffic


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m stack", description="What a running stack holds, and traffic for it."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    of_status = commands.add_parser(
        "status", help="each part's health, each stream's documents and newest document's age"
    )
    of_status.add_argument("--json", action="store_true", help="print one JSON object")
    of_traffic = commands.add_parser(
        "traffic", help="send requests through nginx and count what arrives in the streams"
    )
    of_traffic.add_argument("-n", "--requests", type=int, default=100, help="at least this many requests (default 100)")
    arguments = parser.parse_args()
    try:
        settings = Settings.load()
        if arguments.command == "status":
            return status.show(settings, as_json=arguments.json)
        return traffic.run(settings, arguments.requests)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
