"""Command line of the Docker runtime: `python -m containers COMMAND --help`."""

import os
import sys
from collections.abc import Sequence

from containers import runtime
from native.commands import CommandLine
from native.settings import DOCKER, Settings


def main(arguments: Sequence[str] | None = None, settings: Settings | None = None) -> int:
    line = CommandLine("python -m containers", "The whole stack in containers.")
    return line.run(runtime, arguments, settings or Settings.load(environ={**os.environ, "RUNTIME": DOCKER}))


if __name__ == "__main__":
    sys.exit(main())
