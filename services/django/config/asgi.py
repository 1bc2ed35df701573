"""The ASGI application that gunicorn serves."""

import logging
import os
import platform

import django
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

application = get_asgi_application()

# The root logger: what concerns the process, not one part of it.
logging.getLogger().info(
    "Worker serves Django %s on Python %s with %s",
    django.get_version(),
    platform.python_version(),
    os.environ["DJANGO_SETTINGS_MODULE"],
)
