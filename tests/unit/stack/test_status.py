"""`make status WATCH=1` on a terminal, of a stack that is not up."""

import os
import pty
import signal
import sys
import time
from select import select

from native.settings import free_ports
from tests.paths import ROOT

SECONDS = 30


def test_watch_shows_it_anew_until_ctrl_c_and_make_ends_well(tmp_path):
    (tmp_path / "Makefile").write_text(f"status:\n\t@{sys.executable} -m stack status --watch\n")
    environ = {**os.environ, **free_ports(), "PT_STATE": str(tmp_path / "state"), "RUNTIME": "native", "TERM": "xterm"}
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where the tests run in the background of a script
        os.execvpe("make", ["make", "-f", str(tmp_path / "Makefile"), "status"], environ)  # noqa: S606
    shown = b""
    deadline = time.monotonic() + SECONDS
    while shown.count(b"Data streams") < 2:
        assert time.monotonic() < deadline, f"waited {SECONDS} s for it to be shown twice: {shown.decode()}"
        shown += os.read(terminal, 65536)
    os.write(terminal, b"\x03")
    while True:
        assert select([terminal], [], [], SECONDS)[0], f"waited {SECONDS} s for its end: {shown.decode()}"
        try:
            shown += os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, shown.decode()
    assert b"Interrupt" not in shown and b"Traceback" not in shown
