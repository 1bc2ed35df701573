"""Whatever happens under load: each line whose write returned is stored once, and the stack heals by itself.

`make test-faults`. It takes some fifteen minutes, and ends with a table of all faults. Healed is a stack whose parts
are all healthy and in whose store lines arrive again; it has caught up when what was written meanwhile is stored too.
"""

import time

import pytest

from native import runtime
from stack.counting import counter
from stack.traffic import settle
from stack.written import Mark
from tests.integration.faults.kinds import FAULTS, logs_disk_full, store_disk_full
from tests.integration.faults.load import Load
from tests.polling import poll_until

HEAL_SECONDS = 60
CATCH_UP_SECONDS = 120  # beside a load that goes on, and with an Elasticsearch that has just started
NEAR = 3.0  # seconds of writing: so far the chain is behind the writers when all is well


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_no_line_is_lost_or_doubled(stack, rows, fault):
    if fault.strike in (store_disk_full, logs_disk_full) and not stack.disks:
        pytest.skip("a full disk needs the right to mount a small one")
    poll_until("every part to be well", lambda: is_well(stack), 90)
    mark = Mark(counter(stack.settings))
    with Load(stack, **fault.load) as load:
        poll_until("lines to arrive", lambda: load.stored() > 4_000, 60)
        with fault.strike(stack, load):
            ended = time.monotonic()
        arriving = Arriving(load)
        poll_until(f"the stack to heal after: {fault.name}", lambda: is_well(stack) and arriving(), HEAL_SECONDS, 0.25)
        healed = time.monotonic() - ended
        left = ended + CATCH_UP_SECONDS - time.monotonic()
        poll_until(f"the lag to be back after: {fault.name}", lambda: lag(load) < NEAR, left, 0.25)
        caught_up = time.monotonic() - ended
        load.stop()
        files = settle(stack.settings, mark)
        account = load.account()
    seconds = f"{healed:.0f}", f"{caught_up:.0f}"
    rows.append((fault.name, account.written, account.dead, account.lost, account.doubled, *seconds))
    assert (account.lost, account.doubled, account.unowned, account.disordered) == (0, 0, 0, 0)
    if not account.dead:
        assert {path: counts for path, counts in files.items() if counts[1] != counts[2]} == {}


def is_well(stack) -> bool:
    return runtime.is_settled(runtime.parts(stack.settings))


class Arriving:
    """Whether more lines of the load are stored than when it was asked first, and answered."""

    def __init__(self, load: Load) -> None:
        self.load, self.first = load, None

    def __call__(self) -> bool:
        try:
            stored = self.load.stored()
        except Exception:
            return False  # the store is not back
        if self.first is None:
            self.first = stored
        return stored > self.first


def lag(load: Load) -> float:
    """Seconds; very many while the store does not answer."""
    try:
        return load.lag()
    except Exception:
        return float("inf")
