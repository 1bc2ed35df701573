"""Each part's health, and each data stream's lines: written, shipped, stored."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from elastic_transport import TransportError
from elasticsearch import ApiError
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from native.runtime import DONE, HEALTHY, RuntimeFailure, is_settled
from native.settings import Settings, SettingsError
from stack.counting import look
from stack.lag import Lag, duration, lags
from stack.runtimes import has_application, has_elastic_side, module
from stack.store import Store, age

REFRESH_SECONDS = 1.0


@dataclass(frozen=True)
class Status:
    """`lags` are empty where the application is another host's, `streams` where Elasticsearch does not answer.

    `unrouted`, events in no stream, is None where Logstash is another machine's.
    """

    runtime: str
    parts: dict[str, str]
    lags: dict[str, Lag]
    streams: dict[str, dict]
    unrouted: int | None

    @property
    def is_good(self) -> bool:
        return is_settled(self.parts) and bool(self.streams)

    def as_json(self) -> dict:
        """{"runtime", "parts": {name: state}, "streams": {name: {"docs", "last"}}, "lags": {name: Lag}, "unrouted"}."""
        return {**vars(self), "lags": {name: lag.as_json() for name, lag in self.lags.items()}}


def status(settings: Settings) -> Status:
    runtime = module(settings)
    parts = runtime.parts(settings)
    streams, stored, survey = {}, None, None
    if parts and has_application(settings):
        with suppress(RuntimeFailure):  # its parts say why
            survey = look(settings)
    if has_elastic_side(settings):
        try:
            # An Elasticsearch that hangs is one that does not answer.
            store = Store(settings, timeout=3)
            streams = store.streams()
            stored = store.stored(survey.readings) if survey else None
        except (ApiError, TransportError, SettingsError):
            streams = {}
    of_streams = lags(settings, survey, stored) if survey else {}
    return Status(settings.runtime, parts, of_streams, streams, runtime.unrouted(settings))


def show(settings: Settings, as_json: bool) -> int:
    """Print it. Returns the exit status: 0 when every part is healthy and every stream could be counted, else 1."""
    found = status(settings)
    if as_json:
        print(json.dumps(found.as_json()))
    else:
        Console().print(rendered(settings, found))
    return 0 if found.is_good else 1


def watch(settings: Settings) -> int:
    """Show it anew each second until ^C. Returns 0."""
    with suppress(KeyboardInterrupt), foreground(), Live(auto_refresh=False) as live:
        while True:
            live.update(rendered(settings, status(settings)), refresh=True)
            time.sleep(REFRESH_SECONDS)
    return 0


@contextmanager
def foreground() -> Iterator[None]:
    """^C on the terminal is for this process alone: `make`, which called it, would end with an error of its own."""
    if not sys.stdin.isatty() or os.getpid() == os.getpgrp() or os.tcgetpgrp(0) != os.getpgrp():
        yield
        return
    caller = os.getpgrp()
    # Else it would be stopped when it takes the terminal and gives it back; and ^Z would leave the terminal to nobody.
    for number in (signal.SIGTTOU, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(0, caller)


def rendered(settings: Settings, found: Status) -> RenderableType:
    now = datetime.now(UTC)
    parts = Table("part", "state", title="Parts")
    for name, state in found.parts.items():
        parts.add_row(name, f"[{'green' if state in (HEALTHY, DONE) else 'red'}]{state}")
    unrouted = "unknown" if found.unrouted is None else found.unrouted
    return Group(
        parts,
        _streams(found, now),
        *([] if found.streams else [Text("Elasticsearch does not answer.", style="red")]),
        f"Unrouted events: {unrouted} ({module(settings).unrouted_place(settings)})",
    )


def _streams(found: Status, now: datetime) -> Table:
    # 80 columns have room for it.
    table = Table(
        title="Data streams: lines of the last day, outage budget", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in ("data stream", "written", "shipped", "stored", "budget", "documents", "newest"):
        table.add_column(column, justify="left" if column == "data stream" else "right", no_wrap=True)
    for name in found.lags or found.streams:
        lag, stream = found.lags.get(name), found.streams.get(name)
        lines = ["-"] * 4
        if lag:
            lines = [f"{lag.written:,}", _behind(lag.shipped, lag.written), _behind(lag.stored, lag.shipped)]
            lines.append(duration(lag.budget))
        newest = duration(max(0.0, age(stream["last"], now))) if stream and stream["last"] else "-"
        table.add_row(name, *lines, f"{stream['docs']:,}" if stream else "?", newest)
    return table


def _behind(count: int | None, before: int) -> str:
    """`count` in the colour of whether it is as far as what comes before it."""
    if count is None:
        return "?"
    return f"[{'green' if count >= before else 'yellow'}]{count:,}"
