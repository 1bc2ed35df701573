"""The second hop: the log files."""

from collections.abc import Iterable

from native.settings import DOCKER
from native.state import CATALOGUE
from stack.doctor.chain import Chain
from stack.doctor.finding import Finding, broken, ok, warning
from stack.lag import duration
from stack.survey import Reading

NAME = "Log files"
# Below it a disk is as good as full: a rotation may need that much.
FULL_BYTES = 64 * 2**20
# What writes the files of a service that is no part of its own.
WRITERS = {"react": "django"}
# The front end's build has written it: no part that runs does.
WRITTEN = "/react/build.log"
# Prints each of its arguments that is there and may not be written to.
NOT_WRITABLE = 'for file; do [ ! -e "$file" ] || [ -w "$file" ] || echo "$file"; done'


def room(chain: Chain) -> Finding:
    free, total = chain.survey.disk_free, chain.survey.disk_total
    told = f"{free / 2**30:.1f} GiB of {total / 2**30:.0f} GiB free"
    if free < FULL_BYTES:
        return broken(f"the disk is full: {told}; a record that has no room is not written", "make room on it")
    return ok(told)


def writable(chain: Chain) -> Finding:
    wrong = []
    for part, paths in _by_writer(chain.survey.readings, chain).items():
        wrong += chain.runtime.run_in(chain.settings, part, "sh", "-c", NOT_WRITABLE, "sh", *paths).splitlines()
    if wrong:
        return broken(f"not writable for who writes them: {', '.join(wrong)}", "`chown` and `chmod u+rw` them")
    return ok(f"{len(chain.survey.readings)} files, for who writes them")


def _by_writer(readings: Iterable[Reading], chain: Chain) -> dict[str, list[str]]:
    """{part that runs: its files}; in Docker the Python services are one user, and Django is asked for all."""
    found: dict[str, list[str]] = {}
    for reading in readings:
        if WRITTEN in reading.path:
            continue
        part = WRITERS.get(reading.service, reading.service)
        if part != "nginx" and (chain.settings.runtime == DOCKER or part not in chain.parts):
            part = "django"
        found.setdefault(part, []).append(reading.path)
    return found


def written(chain: Chain) -> Finding:
    readings = chain.survey.readings
    if chain.settings.variables.get("USE_FILE_LOGGING") == "false":
        return warning("USE_FILE_LOGGING=false: lines are on the consoles alone", "take it out of .env")
    # A service that is a part begins its file when it starts.
    silent = [name for name in CATALOGUE if name in chain.parts and not any(r.service == name for r in readings)]
    if silent:
        return broken(
            f"no file of {', '.join(silent)}", f"`make logs SERVICE={silent[0]}`: its console says what failed"
        )
    newest = max(readings, key=lambda reading: reading.modified)
    lines = sum(reading.lines for reading in readings)
    return ok(f"{lines:,} lines of the last day, the newest {duration(chain.looked_at - newest.modified)} ago")


CHECKS = {"room": room, "writable": writable, "written": written}
