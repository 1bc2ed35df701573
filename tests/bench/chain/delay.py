"""How long a line takes from its write to the first search that finds it."""

import time

from native.settings import Settings
from stack.store import Store
from tests.bench.chain.backlog import opening

LOOK = 0.02  # seconds between two searches
PATIENCE = 60.0
LINE = (
    "INFO|{logger}|{time}|Parcel PT-{number:010d} scanned in Leeds "
    '{{"request_id": "{number:032x}", "duration_ms": 12}}\n'
)


def delays(settings: Settings, rate: int, seconds: float) -> list[float]:
    """Seconds of each line, in order of length; `rate` lines a second are written for `seconds`.

    Raises SystemExit when lines are still not found PATIENCE after the last write.
    """
    store, logger = Store(settings), f"apps.parcels.bench{rate}"
    query = {"term": {"logger_name": logger}}
    path = settings.logs / "django" / f"app.log.rate{rate}"
    written: list[float] = []
    seen, found, total = 0, [], round(rate * seconds)
    with path.open("ab", buffering=0) as file:
        file.write(opening())
        started = time.monotonic()
        while seen < total:
            due = min(total, int((time.monotonic() - started) * rate))
            now = time.gmtime()
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000", now)
            lines = [LINE.format(logger=logger, time=stamp, number=number) for number in range(len(written), due)]
            file.write("".join(lines).encode())
            written += [time.monotonic()] * len(lines)
            visible, now = store.count(query), time.monotonic()
            found += [now - at for at in written[seen:visible]]
            seen = max(seen, visible)
            if now - started > seconds + PATIENCE:
                raise SystemExit(f"{total - seen} of {total} lines at {rate}/s were not found in {PATIENCE:.0f} s")
            time.sleep(LOOK)
    return sorted(found)
