"""Whatever happens under load: each line whose write returned is stored once, and the stack heals by itself.

`make test-faults`. It takes some fifteen minutes, and ends with a table of all faults.
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
NEAR = 3.0  # seconds of writing: so far the chain is behind the writers when all is well


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_no_line_is_lost_or_doubled(stack, rows, fault):
    if fault.strike in (store_disk_full, logs_disk_full) and not stack.disks:
        pytest.skip("a full disk needs the right to mount a small one")
    poll_until("every part to be well", lambda: runtime.is_settled(runtime.parts(stack.settings)), 90)
    mark = Mark(counter(stack.settings))
    with Load(stack, **fault.load) as load:
        poll_until("lines to arrive", lambda: load.stored() > 4_000, 60)
        with fault.strike(stack, load):
            ended = time.monotonic()
        poll_until(f"the lag to be back after: {fault.name}", lambda: lag(load) < NEAR, 2 * HEAL_SECONDS, 0.25)
        healed = time.monotonic() - ended
        load.stop()
        files = settle(stack.settings, mark)
        account = load.account()
    rows.append((fault.name, account.written, account.dead, account.lost, account.doubled, f"{healed:.1f}"))
    assert (account.lost, account.doubled, account.unowned, account.disordered) == (0, 0, 0, 0)
    if not account.dead:
        assert {path: counts for path, counts in files.items() if counts[1] != counts[2]} == {}
    assert healed <= HEAL_SECONDS


def lag(load: Load) -> float:
    """Seconds; very many while the store does not answer."""
    try:
        return load.lag()
    except Exception:
        return float("inf")
