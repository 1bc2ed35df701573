"""Gunicorn's configuration: ``gunicorn --config python:config.gunicorn.conf``."""

import os

from django.conf import settings

wsgi_app = "config.asgi:application"
# Gunicorn's own ASGI worker: it speaks WebSocket, and its access records carry atoms (path, status, time, headers)
# which the filters of config.logging read; uvicorn's worker leaves gunicorn.access silent.
worker_class = "asgi"
bind = f"{os.environ.get('DJANGO_HOST', '127.0.0.1')}:{os.environ.get('DJANGO_PORT', '8000')}"
workers = int(os.environ.get("DJANGO_WORKERS", "2"))
timeout = 30
graceful_timeout = 10

# Access and error records go where all others go; no handler of gunicorn's own.
logconfig_dict = settings.LOGGING
access_log_format = '%(h)s "%(r)s" %(s)s %(B)s "%(f)s" "%(a)s"'
control_socket_disable = True  # nothing uses it, and it would lie in the home folder
