"""Writes what browsers report as records of ``react.*`` loggers."""

import logging
import re
from typing import Any

from django.core.cache import cache

# How long an event is known that may come again: a client whose batch was taken, but which the answer did not reach,
# sends it once more as soon as it can.
KNOWN_SECONDS = 600

# One logger for all: a logger for each name that a client thinks of would stay in memory for good.
_logger = logging.getLogger("react")

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def logger_name(name: str) -> str:
    """``react.<name>``, of word characters, dashes and single dots, whatever the client calls it."""
    parts = (_NOT_IN_A_NAME.sub("_", part) for part in name.removeprefix("react.").split(".") if part)
    return ".".join(["react", *parts])


def new(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that were not written before."""
    by_key = {_key(event): event for event in events}
    known = cache.get_many(by_key)
    return [event for key, event in by_key.items() if key not in known]


def remember(events: list[dict[str, Any]]) -> None:
    """These are written."""
    cache.set_many({_key(event): True for event in events}, KNOWN_SECONDS)


def _key(event: dict[str, Any]) -> str:
    return f"client-event:{event['id'].hex}"


def write(event: dict[str, Any]) -> None:
    """Write a validated event at its own level, its stack in the lines after it.

    The client's context stays under one key, `client`: it can't pass for the request id or the user that the server
    knows. The record's time is the server's, as browsers' clocks are often wrong.
    """
    level = logging.getLevelNamesMapping()[event["level"].upper()]
    if not _logger.isEnabledFor(level):
        return
    client = dict(event.get("context") or {})
    if timestamp := event.get("timestamp"):
        client["timestamp"] = timestamp.isoformat()
    record = _logger.makeRecord(
        logger_name(event["logger"]),
        level,
        fn=__file__,
        lno=0,
        msg=event["message"],
        args=(),
        exc_info=None,
        func="write",
        extra={"client": client} if client else None,
        sinfo=event.get("stack") or None,
    )
    _logger.handle(record)
