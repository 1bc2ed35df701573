"""Exit status 0 when a Celery worker answers a ping, 1 when none does: ``python -m config.celery_healthcheck``."""

import os
import sys

from config.celery import app

TIMEOUT = 5.0  # seconds, for the answer and for the broker alike


def worker_answers(timeout: float = TIMEOUT) -> bool:
    """Ping the worker CELERY_NODE_NAME, or any worker. Raises the broker's error when the broker can't be reached."""
    node = os.environ.get("CELERY_NODE_NAME")
    # Without these bounds an unreachable broker is waited for much longer than any health check may take.
    with app.connection_for_write(connect_timeout=timeout, transport_options={"socket_timeout": timeout}) as connection:
        connection.ensure_connection(max_retries=1, timeout=timeout)
        return bool(app.control.ping([node] if node else None, timeout=timeout, limit=1, connection=connection))


if __name__ == "__main__":
    try:
        healthy = worker_answers()
    except Exception as error:
        sys.exit(f"celery_healthcheck: {type(error).__name__}: {error}")
    if not healthy:
        sys.exit(f"celery_healthcheck: no worker answered within {TIMEOUT:g} s")
