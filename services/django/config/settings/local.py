"""Settings for a developer's machine: the native stack and the compose file."""

import os
from pathlib import Path

from .base import *  # noqa: F403
from .base import DATABASES, REPOSITORY

STATE = Path(os.environ.get("PT_STATE") or REPOSITORY / ".state") / "data/django"
if not DATABASES["default"]["NAME"]:
    DATABASES["default"]["NAME"] = str(STATE / "db.sqlite3")

FAULT_VIEWS = True

# E-mails are written to files: nothing leaves the machine.
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = str(STATE / "mail")

# The label store here takes any key.
os.environ.setdefault("AWS_ACCESS_KEY_ID", "local")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")
