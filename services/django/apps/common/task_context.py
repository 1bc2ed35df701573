"""How the log context goes along with a task's message, to the task, its retries and the tasks that it sends."""

import uuid
from collections.abc import Mapping
from typing import Any

from config.logging import context

HEADER = "log_context"
CARRIED = ("request_id", "user_id", "tenant", "path")


def to_carry() -> dict[str, Any]:
    """The part of the current context that a task takes over; outside any request or task (beat), an id of its own."""
    bound = context.current()
    return {"request_id": uuid.uuid4().hex} | {key: bound[key] for key in CARRIED if key in bound}


def of_message(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The log context of the task whose message has these headers."""
    carried = headers.get(HEADER) or {"request_id": uuid.uuid4().hex}  # none: sent by another program
    return {**carried, "task_id": headers["id"], "task_name": headers["task"]}
