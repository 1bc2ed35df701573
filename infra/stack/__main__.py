"""python -m stack: what the Makefile asks for, of whichever runtime drives the stack."""

import argparse
import re
import sys

import containers.__main__
import native.__main__
from native.settings import DOCKER, NATIVE, SettingsError
from stack import runtimes, search, status, traffic
from stack.doctor import walk
from stack.faults import FAULTS

# What each runtime does by itself: these take the rest of the command line.
HANDED_ON = ("up", "down", "clean", "logs", "rotate-passwords")
REQUESTS = 100  # of traffic that is told no other
MAX_RATE, MAX_SECONDS = 1000, 24 * 3600
COMMAND_LINES = {NATIVE: native.__main__.main, DOCKER: containers.__main__.main}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m stack",
        description=f"Status, traffic and log search of a stack; {', '.join(HANDED_ON)} are handed to its runtime.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in HANDED_ON:
        commands.add_parser(name, add_help=False)
    of_status = commands.add_parser(
        "status", help="each part's health; each stream's lines written, shipped and stored, its newest document's age"
    )
    of_status = of_status.add_mutually_exclusive_group()
    of_status.add_argument("--json", action="store_true", help="print one JSON object")
    of_status.add_argument("--watch", action="store_true", help="anew each second, until ^C")
    of_doctor = commands.add_parser("doctor", help="the first broken hop of a line's way, with evidence and remedy")
    of_doctor.add_argument("--json", action="store_true", help="print one JSON object")
    add_traffic(commands)
    of_search = commands.add_parser("search", help="the newest lines that a query finds in the streams")
    of_search.add_argument(
        "query", help="query_string syntax, Lucene in Kibana: 'service:nginx AND duration_ms:>=1000'"
    )
    of_search.add_argument("--size", type=positive, default=search.SIZE, help="at most so many (default %(default)s)")
    of_search.add_argument("--json", action="store_true", help="print each document as a JSON object")
    arguments, rest = parser.parse_known_args()
    try:
        settings = runtimes.load_settings()
        if arguments.command in HANDED_ON:
            return COMMAND_LINES[settings.runtime]([arguments.command, *rest], settings)
        if rest:
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        if arguments.command == "status":
            return status.watch(settings) if arguments.watch else status.show(settings, as_json=arguments.json)
        if arguments.command == "doctor":
            return walk.show(settings, as_json=arguments.json)
        if arguments.command == "search":
            return search.show(settings, arguments.query, arguments.size, arguments.json)
        return traffic.run(settings, wanted(parser, arguments))
    except (SettingsError, native.runtime.RuntimeFailure) as error:
        print(error, file=sys.stderr)
        return 1


def add_traffic(commands: argparse._SubParsersAction) -> None:
    of_traffic = commands.add_parser(
        "traffic",
        help="send requests through nginx and count what arrives in the streams",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Users, recipients, carriers and browsers send requests through nginx. Then every line that was"
        "\nwritten meanwhile is counted against the documents in Elasticsearch; any difference is a failure.",
        epilog="faults (make traffic FAULT=NAME):\n"
        + "\n".join(f"  {name:13} {fault.does}" for name, fault in FAULTS.items()),
    )
    how_many = of_traffic.add_mutually_exclusive_group()
    how_many.add_argument(
        *("-n", "--requests"),
        type=positive,
        metavar="N",
        help=f"at least so many requests; N={REQUESTS} where nothing else is asked for",
    )
    how_many.add_argument(
        "--rate",
        type=rate,
        help="requests a second, sent at their time however late the answers to others are",
    )
    of_traffic.add_argument(
        "--duration", type=seconds, help="of RATE or FAULT, in seconds or minutes: 90, 90s, 5m (default 60s)"
    )
    of_traffic.add_argument(
        "--fault", choices=FAULTS, metavar="NAME", help="what goes wrong meanwhile; without N and RATE, alone"
    )


def wanted(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> traffic.Wanted:
    if arguments.duration and arguments.requests:
        parser.error("DURATION goes with RATE or FAULT: N counts requests. Leave out one of the two.")
    if arguments.duration and not (arguments.rate or arguments.fault):
        parser.error("DURATION goes with RATE or FAULT: name one of them, RATE=20 for example.")
    alone = arguments.fault or arguments.rate
    return traffic.Wanted(
        requests=arguments.requests or (None if alone else REQUESTS),
        rate=arguments.rate,
        duration=arguments.duration or traffic.SECONDS,
        fault=arguments.fault,
    )


def positive(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text}: give a whole number from 1 on")


def rate(text: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII) and 0 < float(text) <= MAX_RATE:
        return float(text)
    raise argparse.ArgumentTypeError(f"{text}: give requests a second, more than 0 and at most {MAX_RATE}")


def seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)([sm]?)", text, re.ASCII)
    found = int(match[1]) * (60 if match[2] == "m" else 1) if match else 0
    if 0 < found <= MAX_SECONDS:
        return found
    raise argparse.ArgumentTypeError(f"{text}: give seconds or minutes, as 90, 90s or 5m, at most {MAX_SECONDS // 60}m")


if __name__ == "__main__":
    sys.exit(main())
