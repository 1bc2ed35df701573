"""A stack of a benchmark's own, with ports and a state of its own; removed at the end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from native.settings import Settings, free_ports


@contextmanager
def own_stack() -> Iterator[Settings]:
    signal.signal(signal.SIGTERM, _end)  # else the stack would go on
    with TemporaryDirectory(prefix="pt-bench-") as state:
        Path(state).chmod(0o755)  # as root, the servers run as another user, who must be able to enter
        environ = {**os.environ, **free_ports(), "PT_STATE": state, "RUNTIME": "native"}
        try:
            subprocess.run([sys.executable, "-m", "native", "up"], env=environ, check=True)
            yield Settings.load(environ=environ)
        finally:
            subprocess.run([sys.executable, "-m", "native", "down"], env=environ)


def _end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would leave the stack half stopped
    sys.exit("ended by SIGTERM")
