"""The records in a stack's log files, wherever these lie: on this machine, or on a volume of the Docker runtime."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from containers import compose
from containers.runtime import LOGS
from native.settings import DOCKER, Settings
from stack import written
from stack.written import Count, LogFile, count_records


def counter(settings: Settings) -> Count:
    return partial(_in_container, settings) if settings.runtime == DOCKER else partial(count_records, settings.logs)


def _in_container(settings: Settings, offsets: Mapping[str, int]) -> dict[LogFile, int]:
    """count_records on the volume of the log files, which this machine's user may not read."""
    source = Path(written.__file__).read_text()
    found = in_log_volume(settings, "python", "-", LOGS, json.dumps(offsets), given=source)
    return {LogFile(Path(path), *of_file): count for path, *of_file, count in json.loads(found)}


def in_log_volume(settings: Settings, *command: str, given: str = "") -> str:
    """What a command prints in a container of its own that sees the log files, whatever runs or restarts meanwhile."""
    config = compose.config(settings)
    volume, image = config["volumes"]["logs"]["name"], config["services"]["django"]["image"]
    options = ("--rm", "--interactive", "--network", "none", "--user", "root", "--volume", f"{volume}:{LOGS}:ro")
    return compose.docker("run", *options, "--entrypoint", command[0], image, *command[1:], given=given)
