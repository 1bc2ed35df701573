"""Writes what browsers report as records of ``react.*`` loggers."""

import logging
import re
from typing import Any

# One logger for all: a logger for each name that a client thinks of would stay in memory for good.
_logger = logging.getLogger("react")

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def logger_name(name: str) -> str:
    """``react.<name>``, of word characters, dashes and single dots, whatever the client calls it."""
    parts = (_NOT_IN_A_NAME.sub("_", part) for part in name.removeprefix("react.").split(".") if part)
    return ".".join(["react", *parts])


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
