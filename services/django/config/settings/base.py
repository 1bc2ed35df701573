"""Settings that all environments share, read from environment variables."""

import logging
import os
from pathlib import Path

import yaml
from django_guid.integrations.celery import CeleryIntegration

from config.logging import build_logging

BASE_DIR = Path(__file__).resolve().parents[2]  # services/django
REPOSITORY = BASE_DIR.parents[1]
DICTIONARIES = REPOSITORY / "elk/logstash/dictionaries"  # the catalogue, which Logstash reads too

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "")  # Django refuses to start with an empty one
DEBUG = False
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1").split(",")

# Applications

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework.authtoken",
    "django_guid",
    # Ours: a line of app_modules.yml installs an app and names its module in the logs. They come after django_guid,
    # because the task signals of apps.common read the request id which it sets.
    *(name for name in yaml.safe_load((DICTIONARIES / "app_modules.yml").read_text()) if name.startswith("apps.")),
]

MIDDLEWARE = [
    "django_guid.middleware.guid_middleware",
    "apps.common.middleware.request_log",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
FAULT_VIEWS = False

# Data

# PostgreSQL where POSTGRES_HOST names one, else the SQLite file at DATABASE_PATH.
if os.environ.get("POSTGRES_HOST"):
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["POSTGRES_HOST"],
            "PORT": os.environ.get("POSTGRES_PORT", "5432"),
            "NAME": os.environ.get("POSTGRES_DB", "parcels"),
            "USER": os.environ.get("POSTGRES_USER", "parcels"),
            "PASSWORD": os.environ.get("POSTGRES_PASSWORD", ""),
            "CONN_MAX_AGE": 60,  # seconds
            "CONN_HEALTH_CHECKS": True,
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("DATABASE_PATH", ""),
            # WAL lets readers and one writer work at once; a writer waits `timeout` seconds for another, and takes the
            # write lock at the beginning of its transaction so that it need not fail in the middle of one.
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "custom_auth.User"

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

# API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.custom_auth.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.common.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],  # views with a throttle_scope
    "DEFAULT_THROTTLE_RATES": {
        # Of each address.
        "sign-in": os.environ.get("SIGN_IN_RATE", "60/min"),
        "client-logs": os.environ.get("CLIENT_LOGS_RATE", "1200/min"),
    },
    "NUM_PROXIES": 1,  # nginx: the address it adds to X-Forwarded-For is the client's
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# Celery

CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_TIME_LIMIT = 300  # seconds
CELERY_RESULT_EXPIRES = 3600  # seconds
CELERY_WORKER_SEND_TASK_EVENTS = True  # what Flower shows
CELERY_TASK_SEND_SENT_EVENT = True
CELERY_BEAT_SCHEDULE = {
    "report-stale-parcels": {
        "task": "apps.cron_tasks.tasks.report_stale_parcels",
        "schedule": float(os.environ.get("STALE_PARCELS_EVERY", "30")),  # seconds
    },
}

# Integrations

LABEL_STORE_URL = os.environ.get("LABEL_STORE_URL", "")  # empty: AWS itself
LABEL_STORE_BUCKET = "parcel-labels"
LABEL_STORE_REGION = "us-east-1"
CARRIER_URL = os.environ.get("CARRIER_URL", "http://127.0.0.1:9")
CARRIER_WEBHOOK_SECRET = os.environ.get("CARRIER_WEBHOOK_SECRET", "")  # empty: every webhook is refused

# E-mail

DEFAULT_FROM_EMAIL = "tracking@parcels.example"
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")

# Logging

DJANGO_GUID = {
    "GUID_HEADER_NAME": "X-Request-ID",
    "RETURN_HEADER": True,
    "EXPOSE_HEADER": False,
    "INTEGRATIONS": [CeleryIntegration()],  # takes the id along to tasks
}

LOG_CATALOGUE = os.environ.get("LOG_CATALOGUE") or DICTIONARIES / "streams.yml"
LOGGING_OPTIONS = {
    "service": os.environ.get("SERVICE_NAME") or "django",
    "catalogue_path": LOG_CATALOGUE,
    "log_file_path": os.environ.get("LOG_FILE_PATH"),
    "level": (os.environ.get("LOG_LEVEL") or "INFO").upper(),
    "noisy_level": (os.environ.get("NOISY_LOG_LEVEL") or "CRITICAL").upper(),
    "json": os.environ.get("USE_JSON_LOGGING", "").lower() == "true",
}
LOGGING = build_logging(**LOGGING_OPTIONS)
logging.captureWarnings(True)
