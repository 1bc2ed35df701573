"""Exit status 0 when this host's Celery worker answers a ping, else 1: ``python -m config.celery_healthcheck``."""

import sys

from celery.utils.nodenames import host_format

from config.celery import app

NODE = host_format("worker@%h")  # as services/celery/start names it
TIMEOUT = 5.0  # seconds, for the answer and for the broker alike


def worker_answers(timeout: float = TIMEOUT) -> bool:
    """Ping the worker. Raises the broker's error when the broker can't be reached."""
    # Without these bounds an unreachable broker is waited for much longer than any health check may take.
    with app.connection_for_write(connect_timeout=timeout, transport_options={"socket_timeout": timeout}) as connection:
        connection.ensure_connection(max_retries=1, timeout=timeout)
        return bool(app.control.ping([NODE], timeout=timeout, limit=1, connection=connection))


if __name__ == "__main__":
    try:
        healthy = worker_answers()
    except Exception as error:
        sys.exit(f"celery_healthcheck: {type(error).__name__}: {error}")
    if not healthy:
        sys.exit(f"celery_healthcheck: {NODE} did not answer within {TIMEOUT:g} s")
