"""The dead letter queue: events that no retry can store, with the reason, as JSON lines on disk."""

from __future__ import annotations

import os
from pathlib import Path

from .event import Event
from .text import dump_json
from .timestamp import Timestamp


class DeadLetterQueue:
    """`<path.data>/dead_letter_queue/<pipeline>/dead_letters.jsonl`. An entry is on disk, synced, when `write` returns.

    An entry: {"timestamp", "plugin_type", "plugin_id", "reason", "event"}; the event has its `@metadata`.
    """

    def __init__(self, data: Path, pipeline_id: str) -> None:
        self.path = data / "dead_letter_queue" / pipeline_id / "dead_letters.jsonl"
        self.count = 0
        self.last_error = ""

    @property
    def size_in_bytes(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def write(self, entries: list[tuple[Event, str]], plugin_type: str, plugin_id: str) -> None:
        """`entries` are (event, reason)."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = []
        for event, reason in entries:
            entry = {
                "timestamp": Timestamp.now(),
                "plugin_type": plugin_type,
                "plugin_id": plugin_id,
                "reason": reason,
                "event": event,
            }
            lines.append(dump_json(entry) + b"\n")
        with self.path.open("ab") as file:
            file.write(b"".join(lines))
            file.flush()
            os.fsync(file.fileno())
        self.count += len(entries)
        self.last_error = entries[-1][1]
