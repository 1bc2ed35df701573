"""Writes numbered lines by the project's own logging at a steady rate, and keeps account of each write that returned.

    python -m tests.integration.faults.writer SERVICE LOGGER RATE LEDGER [SKEW]

LEDGER is a file of a byte for each number, made by who starts this: 1 where the write of that line returned. Shared
memory, so that the account is right whenever this process is killed. SKEW: seconds by which the clock is wrong after
every second hundredth of lines. Ends at SIGTERM.
"""

import logging
import logging.config
import mmap
import signal
import sys
import time
from pathlib import Path

from config.logging import build_logging, from_environment
from config.logging.files import SharedRotatingFileHandler
from tests.paths import ROOT

PAUSE = 0.01  # seconds between two bursts
STREAMS = ROOT / "elk/logstash/dictionaries/streams.yml"


def main() -> None:
    service, name, rate, ledger = sys.argv[1], sys.argv[2], float(sys.argv[3]), Path(sys.argv[4])
    skew = float(sys.argv[5]) if len(sys.argv) > 5 else 0.0
    failed = []
    SharedRotatingFileHandler.handleError = lambda handler, record: failed.append(record)
    logging.config.dictConfig(build_logging(service=service, catalogue_path=STREAMS, **from_environment()))
    logger = logging.getLogger(name)
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    clock = time.time
    with ledger.open("r+b") as file, mmap.mmap(file.fileno(), 0) as returned:
        started, number = time.monotonic(), 0
        while not ended and number < len(returned):
            while number < (time.monotonic() - started) * rate and number < len(returned):
                if skew and number % 100 == 0:
                    wrong = skew if number % 200 else 0
                    time.time = lambda wrong=wrong: clock() + wrong  # what logging takes a record's time from
                failed.clear()
                logger.info("numbered line %d of %s", number, name, extra={"writer": name})
                returned[number] = not failed
                number += 1
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
