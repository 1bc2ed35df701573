"""The line formats: pipe, JSON and the Celery worker's console."""

import copy
import logging
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
        return "\n\t".join([self.head(record) + self.message(record), *records.stack_trace(record)])

    def head(self, record: logging.LogRecord) -> str:
        return f"{records.level(record)}|{records.logger_name(record)}|{records.timestamp(record)}|"

    def message(self, record: logging.LogRecord) -> str:
        text = records.message(record)
        extras = records.extras(record)
        if extras or text.endswith("}"):
            return f"{text} {to_json(extras)}"
        return text


class MemoryLoggingFormatter(PipeFormatter):
    """``[timestamp] [level] [name] [Process Memory: …] [Available RAM: …] [Available Swap: …] message {json}``."""

    def head(self, record: logging.LogRecord) -> str:
        memory = memory_figures()
        return (
            f"[{records.timestamp(record)}] [{records.level(record)}] [{records.logger_name(record)}]"
            f" [Process Memory: {memory['process_memory_mb']} MB]"
            f" [Available RAM: {memory['available_ram_mb']} MB]"
            f" [Available Swap: {memory['available_swap_mb']} MB] "
        )


class JsonFormatter(BaseJsonFormatter):
    """One JSON object a line. Its values are those of the pipe line; ``exc_info`` holds the lines that follow that.

    An extra that has a field's name is kept under that name with ``_`` after it.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        # The base class would merge the message again, raise on arguments that don't fit and let a message that is a
        # dict set any field: it gets a record whose message and traceback are text already.
        plain = copy.copy(record)
        plain.msg, plain.args = records.message(record), ()
        plain.exc_info, plain.exc_text, plain.stack_info = None, "\n".join(records.stack_trace(record)), None
        return super().format(plain)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        # Timestamp and message come first: Filebeat knows a file by its first 64 bytes, and the record that a file
        # begins with (files.py) has what is unique at the beginning of its message.
        log_data.update(
            timestamp=records.timestamp(record),
            message=record.message,
            level=records.level(record),
            logger=records.logger_name(record),
            module=record.module,
            pathname=record.pathname,
            lineno=record.lineno,
            funcName=record.funcName,
            process=record.process,
            thread=record.thread,
            service=self.service,
            **message_dict,  # exc_info
        )
        for key, value in records.extras(record).items():
            log_data[f"{key}_" if key in log_data else key] = value

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        return to_json(log_data)
