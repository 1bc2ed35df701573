"""What stands in a stack's log files, wherever these lie: on this machine, or on a volume of the Docker runtime."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType

from containers import compose
from containers.runtime import FILEBEAT_DATA, LOGS
from native.settings import DOCKER, Settings
from native.state import CATALOGUE
from stack import survey, written
from stack.survey import Survey
from stack.written import Count, LogFile, count_records

DAY = 24 * 3600

# Reads [[name, source], …] and runs the last one as a program, which may import the others.
LOADER = """
import json, sys, types
for name, source in json.load(sys.stdin):
    module = sys.modules[name] = types.ModuleType(name)
    exec(source, vars(module))
"""


def counter(settings: Settings) -> Count:
    return partial(_in_container, settings) if settings.runtime == DOCKER else partial(count_records, settings.logs)


def look(settings: Settings) -> Survey:
    """How far Filebeat has read each file, and the lines of the last DAY. Raises ComposeFailure."""
    catalogue = {service: list(files) for service, files in CATALOGUE.items()}
    if settings.runtime != DOCKER:
        return survey.survey(settings.logs, settings.data / "filebeat", catalogue, DAY)
    arguments = (LOGS, FILEBEAT_DATA, json.dumps(catalogue), str(DAY))
    return Survey.from_json(_python(settings, [written, survey], *arguments))


def _in_container(settings: Settings, offsets: Mapping[str, int]) -> dict[LogFile, int]:
    """count_records on the volume of the log files, which this machine's user may not read."""
    found = _python(settings, [written], LOGS, json.dumps(offsets))
    return {LogFile(Path(path), *of_file): count for path, *of_file, count in json.loads(found)}


def _python(settings: Settings, modules: list[ModuleType], *arguments: str) -> str:
    """What the last of `modules` prints as a program, by the Python of a container that sees the log files."""
    names = [*(module.__name__ for module in modules[:-1]), "__main__"]
    sources = [Path(module.__file__).read_text() for module in modules]
    given = json.dumps(list(zip(names, sources, strict=True)))
    return in_log_volume(settings, "python", "-c", LOADER, *arguments, given=given)


def in_log_volume(settings: Settings, *command: str, given: str = "") -> str:
    """What a command prints in a container of its own that sees the log files and Filebeat's registry.

    It is there whatever runs or restarts meanwhile.
    """
    config = compose.config(settings)
    image = config["services"]["django"]["image"]
    options = ["--rm", "--interactive", "--network", "none", "--user", "root"]
    for volume, place in (("logs", LOGS), ("filebeat", FILEBEAT_DATA)):
        options += ["--volume", f"{config['volumes'][volume]['name']}:{place}:ro"]
    return compose.docker("run", *options, "--entrypoint", command[0], image, *command[1:], given=given)
