"""The ASGI application that gunicorn serves."""

import logging
import os
import platform

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

django.setup()

# These import models, which need Django set up.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.template.utils import get_app_template_dirs  # noqa: E402
from servestatic import ServeStaticASGI  # noqa: E402

from apps.parcels.routing import websocket_urlpatterns  # noqa: E402
from config.handler import ThreadPoolHandler  # noqa: E402

# The few static files are the admin's and Swagger UI's, read where these are installed: there is nothing to collect.
http_application = ServeStaticASGI(ThreadPoolHandler())
for folder in get_app_template_dirs("static"):
    http_application.add_files(folder, prefix=settings.STATIC_URL)

application = ProtocolTypeRouter({"http": http_application, "websocket": URLRouter(websocket_urlpatterns)})

# The root logger: what concerns the process, not one part of it.
logging.getLogger().info(
    "Worker serves Django %s on Python %s with %s",
    django.get_version(),
    platform.python_version(),
    os.environ["DJANGO_SETTINGS_MODULE"],
)
