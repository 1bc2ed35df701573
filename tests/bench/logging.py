"""What a log call costs the thread that makes it: `python -m tests.bench.logging`.

Prints the table of docs/performance.md. Times are CPU time of the calling thread, the best of many rounds in which all
kinds take turns, so that what else the machine does counts little; still they are the machine's own, and the ratio to
the standard RotatingFileHandler on the same machine is what to compare. `--check` exits with 1 when a ratio is above
its limit.
"""

from __future__ import annotations

import argparse
import gc
import logging
import logging.config
import logging.handlers
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.paths import DICTIONARIES, ROOT

sys.path.insert(0, str(ROOT / "services/django"))

from config.logging import build_logging, context, flush

ROUNDS, CALLS = 40, 400
# What a call may cost, microseconds, where the standard handler's costs STANDARD_COST: the ratio is the limit.
STANDARD_COST, FILE_LIMIT, THREAD_LIMIT = 15, 35, 12
# As apps.common.middleware binds it.
CONTEXT = {
    "request_id": "9f0c12ab34cd56ef9f0c12ab34cd56ef",
    "method": "POST",
    "path": "/api/parcels/",
    "user_id": 5,
    "tenant": "acme",
}
log = logging.getLogger("apps.parcels.views")


def parcel_created() -> None:
    log.info("Parcel %s created", "PT-7K2M9QXR4T", extra={"parcel_id": 1})


def with_a_password() -> None:
    log.info("Sign-in with password=%s refused", "hunter2", extra={"token": "abc"})


def debug() -> None:
    log.debug("Parcel %s created", "PT-7K2M9QXR4T", extra={"parcel_id": 1})


def standard(folder: Path) -> None:
    """The handler alone: a format with the time, neither context nor extras, and for one process."""
    handler = logging.handlers.RotatingFileHandler(folder / "standard.log", maxBytes=10 * 2**20, backupCount=5)
    handler.setFormatter(logging.Formatter("%(levelname)s|%(name)s|%(asctime)s|%(message)s"))
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO"}})
    logging.getLogger().handlers[:] = [handler]


def ours(folder: Path, **options: object) -> None:
    built = build_logging(
        service="django",
        catalogue_path=DICTIONARIES / "streams.yml",
        log_file_path=folder,
        production=True,
        **options,
    )
    logging.config.dictConfig(built)
    context.clear()
    context.bind(duration_ms=context.stopwatch(), **CONTEXT)


# name, its set-up, the call, its limit
KINDS: list[tuple[str, Callable[[Path], None], Callable[[], None], int | None]] = [
    ("standard RotatingFileHandler", standard, parcel_created, None),
    ("files", ours, parcel_created, FILE_LIMIT),
    ("files, a password in the message and a token among the extras", ours, with_a_password, None),
    ("files, JSON", lambda folder: ours(folder, json=True), parcel_created, FILE_LIMIT),
    ("LOG_ASYNC", lambda folder: ours(folder, background=True), parcel_created, THREAD_LIMIT),
    ("a debug line in production", ours, debug, None),
]


@contextmanager
def no_collections() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def measure(rounds: int) -> list[float]:
    """Microseconds a call, of each kind."""
    best = [float("inf")] * len(KINDS)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for number, (_, set_up, call, _) in enumerate(KINDS):
                set_up(Path(folder))
                call()  # opens the file
                flush()
                with no_collections():
                    begun = time.thread_time()
                    for _ in range(CALLS):
                        call()
                    best[number] = min(best[number], (time.thread_time() - begun) / CALLS * 1e6)
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    return best


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    arguments.add_argument("--check", action="store_true", help="exit with 1 when a ratio is above its limit")
    options = arguments.parse_args()
    figures = measure(options.rounds)
    above = []
    print("| a log call | µs | ratio to the standard one | limit |")
    print("| --- | --- | --- | --- |")
    for (name, _, _, limit), figure in zip(KINDS, figures, strict=True):
        ratio = figure / figures[0]
        allowed = f"{limit / STANDARD_COST:.2f} ({limit} µs to {STANDARD_COST} of the standard one)" if limit else ""
        print(f"| {name} | {figure:.1f} | {ratio:.2f} | {allowed} |")
        if limit and ratio > limit / STANDARD_COST:
            above.append(name)
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores; best of {options.rounds} rounds.")
    if above:
        print(f"above the limit: {', '.join(above)}", file=sys.stderr)
    return 1 if above and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
