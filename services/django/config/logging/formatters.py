"""The line formats: pipe, JSON and the Celery worker's console."""

import logging
import math
import time
from typing import Any

from pythonjsonlogger.core import BaseJsonFormatter

from . import records
from .memory import memory_figures
from .text import to_json


class PipeFormatter(logging.Formatter):
    """``LEVEL|LOGGER|TIMESTAMP|MESSAGE {json}``, then tab-indented lines for a traceback and a stack.

    The JSON object holds the record's extras and context and is left out when there are none. It is always the last
    object of the line: after a message that itself ends like an object, an empty one is written.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = self.head(record) + self.message(record)
        if stack_trace := records.stack_trace(record):
            return "\n\t".join([line, *stack_trace])
        return line

    def head(self, record: logging.LogRecord) -> str:
        return f"{records.level(record)}|{records.logger_name(record)}|{records.timestamp(record)}|"

    def message(self, record: logging.LogRecord) -> str:
        text = records.message(record)
        extras = records.extras(record)
        if extras or text.endswith("}"):
            return f"{text} {to_json(extras)}"
        return text


class MemoryLoggingFormatter(PipeFormatter):
    """``[timestamp] [level] [name] [Process Memory: …] [Available RAM: …] [Available Swap: …] message {json}``.

    The figures are a second old at most: to read them takes ten times as long as to write the line.
    """

    def __init__(self) -> None:
        super().__init__()
        self._memory: dict[str, float] = {}
        self._read_at = -math.inf

    def head(self, record: logging.LogRecord) -> str:
        if (now := time.monotonic()) - self._read_at >= 1:
            self._memory, self._read_at = memory_figures(), now
        return (
            f"[{records.timestamp(record)}] [{records.level(record)}] [{records.logger_name(record)}]"
            f" [Process Memory: {self._memory['process_memory_mb']} MB]"
            f" [Available RAM: {self._memory['available_ram_mb']} MB]"
            f" [Available Swap: {self._memory['available_swap_mb']} MB] "
        )


_JSON_FIELDS = frozenset(
    {"timestamp", "message", "level", "logger", "module", "pathname", "lineno", "funcName", "process", "thread"}
    | {"service", "exc_info"}
)


class JsonFormatter(BaseJsonFormatter):
    """One JSON object a line. Its values are those of the pipe line; ``exc_info`` holds the lines that follow that.

    An extra that has a field's name is kept under that name with ``_`` after it.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        # The base class's own would raise on arguments that don't fit and let a message that is a dict set any field.
        log_data: dict[str, Any] = {}
        self.add_fields(log_data, record, {})
        return self.jsonify_log_record(self.process_log_record(log_data))

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        # Timestamp and message come first: Filebeat knows a file by its first 64 bytes, and the record that a file
        # begins with (files.py) has what is unique at the beginning of its message.
        log_data.update(
            timestamp=records.timestamp(record),
            message=records.message(record),
            level=records.level(record),
            logger=records.logger_name(record),
            module=record.module,
            pathname=record.pathname,
            lineno=record.lineno,
            funcName=record.funcName,
            process=record.process,
            thread=record.thread,
            service=self.service,
        )
        if stack_trace := records.stack_trace(record):
            log_data["exc_info"] = "\n".join(stack_trace)
        for key, value in records.extras(record).items():
            log_data[f"{key}_" if key in _JSON_FIELDS else key] = value

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        return to_json(log_data, kept=_JSON_FIELDS)
