"""`python -m logstash_py dlq`: what is in the dead letter queues, and how it gets out of them again."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from . import event as events
from . import fieldref
from .codecs.json_lines import without_metadata
from .dead_letters import DeadLetterQueue, Entry
from .errors import SettingsError
from .event import Event
from .pipeline import Pipeline
from .settings import Settings
from .sources import Source
from .text import dump_json

_BATCH = 500
# In @metadata of an event that is replayed: which entry it is of.
_ENTRY = "dead_letter_entry"
# Parts of a reason that differ from event to event.
_VARIABLE = re.compile(r"'[^']*'|\[[^\]]*\]")


def add_parser(commands: Any, common: Callable[[argparse.ArgumentParser], None]) -> None:
    """`common` adds the options that name settings and pipelines."""
    parser = commands.add_parser(
        "dlq", help="look into dead letter queues, and replay them", description="Safe while the service runs."
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    for name, help_ in (
        ("list", "entries by pipeline and reason"),
        ("show", "entries as JSON lines"),
        ("replay", "send entries to their pipeline's outputs; those that are stored leave the queue"),
        ("purge", "remove entries"),
    ):
        action = actions.add_parser(name, help=help_, description=help_)
        common(action)
        action.add_argument("--pipeline", metavar="ID", help="only this pipeline's (default: every one's)")
        action.add_argument("--reason", metavar="TEXT", help="only entries whose reason holds this text")
        action.add_argument("--id", metavar="ID", action="append", help="only this entry (may be repeated)")
        if name == "list":
            action.add_argument("--json", action="store_true", help="print one JSON object")
        elif name == "replay":
            action.add_argument("--stdout", action="store_true", help="print the events; all stay in the queue")
        elif name == "purge":
            action.add_argument("--all", action="store_true", help="all entries, whatever their reason")


def run(options: argparse.Namespace, settings: Settings, read: Callable[[], list[Source]]) -> int:
    """`read` gives the pipelines, for a replay. The exit code is 1 when a replay left entries behind."""
    root = settings.dead_letter_folder.parent
    ids = [options.pipeline] if options.pipeline else _pipelines(root)
    queues = {one: DeadLetterQueue(root / one) for one in ids}
    wanted = _selection(options)
    try:
        if options.action == "list":
            return _list(queues, wanted, as_json=options.json)
        if options.action == "show" or (options.action == "replay" and options.stdout):
            return _show(queues, wanted, only_events=options.action == "replay")
        if options.action == "purge":
            if not (options.all or options.id or options.reason):
                raise SettingsError("which entries? Give --id, --reason or --all")
            return _purge(queues, wanted)
        return _replay(queues, wanted, {source.id: source for source in read()})
    except BlockingIOError:
        raise SettingsError("another replay or purge of this queue is under way: wait for it") from None


def _pipelines(root: Path) -> list[str]:
    return sorted(folder.name for folder in root.iterdir() if folder.is_dir()) if root.is_dir() else []


def _selection(options: argparse.Namespace) -> Callable[[Entry], bool]:
    ids, reason = set(options.id or ()), options.reason or ""
    return lambda entry: (not ids or entry["id"] in ids) and reason in entry["reason"]


def _list(queues: dict[str, DeadLetterQueue], wanted: Callable[[Entry], bool], *, as_json: bool) -> int:
    report = {}
    for name, queue in queues.items():
        reasons: Counter[str] = Counter()
        oldest = newest = None
        for entry in filter(wanted, queue.entries()):
            reasons[_VARIABLE.sub("…", entry["reason"])] += 1
            oldest, newest = oldest or entry["timestamp"], entry["timestamp"]
        report[name] = {
            "entries": reasons.total(),
            "bytes": queue.size_in_bytes,
            "oldest": oldest,
            "newest": newest,
            "reasons": dict(reasons.most_common()),
        }
    if as_json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
        return 0
    for name, one in report.items():
        span = f", {one['oldest']} to {one['newest']}" if one["entries"] else ""
        print(f"{name}: {one['entries']} entries, {one['bytes']} bytes{span}")
        for reason, count in one["reasons"].items():
            print(f"{count:>8}  {reason}")
    if not report:
        print("no dead letter queue")
    return 0


def _show(queues: dict[str, DeadLetterQueue], wanted: Callable[[Entry], bool], *, only_events: bool) -> int:
    out = sys.stdout.buffer
    for queue in queues.values():
        for entry in filter(wanted, queue.entries()):
            out.write(dump_json(without_metadata(entry["event"]) if only_events else entry) + b"\n")
    out.flush()
    return 0


def _purge(queues: dict[str, DeadLetterQueue], wanted: Callable[[Entry], bool]) -> int:
    gone = 0
    for queue in queues.values():
        with queue.taking() as segments:
            for segment in segments:
                gone += queue.keep_only(segment, lambda entry: not wanted(entry))
    print(f"{gone} entries removed")
    return 0


def _replay(queues: dict[str, DeadLetterQueue], wanted: Callable[[Entry], bool], sources: dict[str, Source]) -> int:
    stored = refused = 0
    for name, queue in queues.items():
        if name not in sources:
            if any(True for _ in queue.entries()):
                raise SettingsError(f"{name}: no pipeline of this id; the queue's entries can't be replayed")
            continue
        with queue.taking() as segments:
            counts = asyncio.run(_Replay(sources[name].compile()).run(queue, segments, wanted))
        stored, refused = stored + counts[0], refused + counts[1]
    print(f"{stored} entries stored, {refused} refused again and still in the queue")
    return 1 if refused else 0


class _Replay:
    """One pipeline's outputs, for entries of its queue. To the outputs it is the dead letter queue."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._refused: set[str] = set()

    async def put(self, entries: list[tuple[Event, str]], plugin_type: str, plugin_id: str) -> None:
        self._refused.update(event["@metadata"][_ENTRY] for event, _ in entries)

    async def run(
        self, queue: DeadLetterQueue, segments: list[Path], wanted: Callable[[Entry], bool]
    ) -> tuple[int, int]:
        """(how many were stored, how many were refused again)."""
        stored = refused = 0
        for output in self.pipeline.outputs:
            await output.start(self)
        try:
            for segment in segments:
                done: set[str] = set()
                entries = filter(wanted, queue.read(segment))
                for batch in _batches(entries):
                    again = await self._send(batch)
                    refused += len(again)
                    done.update(entry["id"] for entry in batch if entry["id"] not in again)
                stored += queue.keep_only(segment, lambda entry, done=done: entry["id"] not in done)
        finally:
            for output in self.pipeline.outputs:
                await output.stop()
        return stored, refused

    async def _send(self, batch: list[Entry]) -> set[str]:
        """Sends each entry where it was going; the ids of those that are refused again."""
        self._refused.clear()
        outputs = self.pipeline.outputs
        shares: list[list[Event]] = [[] for _ in outputs]
        for entry in batch:
            event = events.build(entry["event"])
            at = next((n for n, one in enumerate(outputs) if _is(one, entry)), None)
            if at is not None:
                made, routed = [event], [[event] if number == at else [] for number in range(len(outputs))]
            else:
                made = self.pipeline.run_filters([event]) if entry["plugin_type"] == "filter" else [event]
                routed = self.pipeline.route(made)
                if self.pipeline.crashed:
                    self._refused.add(entry["id"])
                self.pipeline.crashed.clear()
            for one in made:
                fieldref.set_(one, ("@metadata", _ENTRY), entry["id"])
            for share, more in zip(shares, routed, strict=True):
                share += more
        await asyncio.gather(
            *(output.send(output.prepare(share)) for output, share in zip(outputs, shares, strict=True) if share)
        )
        return set(self._refused)


def _is(output: Any, entry: Entry) -> bool:
    return output.name == entry["plugin_type"] and output.id == entry["plugin_id"]


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while batch := list(islice(entries, _BATCH)):
        yield batch
