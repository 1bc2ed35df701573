"""Gunicorn's configuration: ``gunicorn --config python:config.gunicorn.conf``."""

import os
import shutil
import tempfile
from typing import Any

from django.conf import settings

wsgi_app = "config.asgi:application"
# Gunicorn's own ASGI worker: it speaks WebSocket, and its access records carry atoms (path, status, time, headers)
# which the filters of config.logging read; uvicorn's worker leaves gunicorn.access silent.
worker_class = "asgi"
bind = f"{os.environ.get('DJANGO_HOST', '127.0.0.1')}:{os.environ.get('DJANGO_PORT', '8000')}"
workers = int(os.environ.get("DJANGO_WORKERS", "2"))
timeout = 30
graceful_timeout = 10
websocket_max_message_size = 4096  # bytes: our WebSockets only tell, nothing is to be sent to them

# Access and error records go where all others go; no handler of gunicorn's own.
logconfig_dict = settings.LOGGING
access_log_format = '%(h)s "%(r)s" %(s)s %(B)s "%(f)s" "%(a)s"'
control_socket_disable = True  # nothing uses it, and it would lie in the home folder

# The workers' metrics lie in files here, so that whichever is asked for /metrics answers for all. prometheus_client
# reads the variable when a worker imports it.
METRICS = tempfile.mkdtemp(prefix="pt-metrics-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = METRICS


def on_exit(server: Any) -> None:
    shutil.rmtree(METRICS, ignore_errors=True)
