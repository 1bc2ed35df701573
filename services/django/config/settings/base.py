"""Settings that all environments share, read from environment variables."""

import logging
import os
from pathlib import Path

import yaml
from celery.schedules import crontab

from config.logging import build_logging, from_environment

BASE_DIR = Path(__file__).resolve().parents[2]  # services/django
REPOSITORY = BASE_DIR.parents[1]
DICTIONARIES = REPOSITORY / "elk/logstash/dictionaries"  # the catalogue, which Logstash reads too

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "")  # Django refuses to start with an empty one
DEBUG = False
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1").split(",")
# A tenant may be named by a subdomain of it: https://acme.parcels.example. Empty: by the header X-Tenant alone.
TENANT_DOMAIN = os.environ.get("TENANT_DOMAIN", "")
if TENANT_DOMAIN:
    ALLOWED_HOSTS.append(f".{TENANT_DOMAIN}")

# Applications

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",  # Swagger UI's own files: the page needs no other host
    "django_prometheus",
    "django_guid",
    # Ours: a line of app_modules.yml installs an app and names its module in the logs.
    *(name for name in yaml.safe_load((DICTIONARIES / "app_modules.yml").read_text()) if name.startswith("apps.")),
]

MIDDLEWARE = [
    "django_guid.middleware.guid_middleware",
    "apps.common.middleware.request_log",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.custom_auth.middleware.session_user",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"  # served by config.asgi

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
REQUEST_THREADS = 8  # of each worker, each with its own connection to the database (config.handler)
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
            "CONN_MAX_AGE": 60,  # seconds
            # WAL lets readers and one writer work at once; a writer waits `timeout` seconds for another, and takes the
            # write lock at the beginning of its transaction so that it need not fail in the middle of one.
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    }
SLOW_QUERY_SECONDS = 1.0  # queries of this length and more are warned of (apps.common.slow_queries)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Users

AUTH_USER_MODEL = "custom_auth.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AUTHENTICATION_BACKENDS = [
    "apps.custom_auth.backends.FailureLimitBackend",
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL = "session-sign-in"
# Refused sign-ins of one address within a minute: that many are an error in the log; after so many all are refused.
SIGN_IN_FAILURES_ALARM = 30
SIGN_IN_FAILURES_LIMIT = 60

# Privacy (apps.data_governance)

PARCEL_RETENTION_DAYS = int(os.environ.get("PARCEL_RETENTION_DAYS", "365"))  # then a finished parcel is anonymised
AUDIT_RETENTION_DAYS = int(os.environ.get("AUDIT_RETENTION_DAYS", "730"))  # then an audit event is deleted

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

# WebSockets (Channels)

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # The layer has Redis wait 5 seconds for a message: an answer that takes no longer is no failure.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_connect_timeout": 2, "socket_timeout": 10}]},
    }
}
LIVE_HEARTBEAT = 25  # seconds: less than what proxies let pass in silence, nginx 60

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

# API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.custom_auth.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_SCHEMA_CLASS": "apps.common.openapi.AutoSchema",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.common.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],  # views with a throttle_scope
    "DEFAULT_THROTTLE_RATES": {
        # Of each address.
        "sign-in": os.environ.get("SIGN_IN_RATE", "60/min"),
        "sign-up": os.environ.get("SIGN_UP_RATE", "60/hour"),
        "tracking": os.environ.get("TRACKING_RATE", "600/min"),
        # Of each user.
        "log-search": os.environ.get("LOG_SEARCH_RATE", "120/min"),
        "log-explorer": "1800/min",  # its live tail alone asks up to four times a second
    },
    "NUM_PROXIES": 1,  # nginx: the address it adds to X-Forwarded-For is the client's
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Parcel Tracking",
    "DESCRIPTION": "Parcels of several tenants: created, labelled, scanned on their way, tracked by their recipients.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ConsignmentStateEnum": "apps.container.models.State",
        "JobStateEnum": "apps.common.jobs.JobState",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
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
    "apply-retention": {
        "task": "apps.data_governance.tasks.apply_retention",
        "schedule": float(os.environ.get("RETENTION_EVERY", "3600")),  # seconds
    },
    "make-daily-reports": {
        "task": "apps.cron_tasks.tasks.make_daily_reports",
        "schedule": crontab(hour=1, minute=10),  # UTC
    },
    "recover-lost-work": {"task": "apps.cron_tasks.tasks.recover_lost_work", "schedule": 600.0},
    "forget-webhook-deliveries": {
        "task": "apps.cron_tasks.tasks.forget_webhook_deliveries",
        "schedule": crontab(hour=1, minute=40),
    },
    "forget-sessions": {"task": "apps.cron_tasks.tasks.forget_sessions", "schedule": crontab(hour=1, minute=50)},
}

# Integrations

LABEL_STORE_URL = os.environ.get("LABEL_STORE_URL", "")  # empty: AWS itself
LABEL_STORE_BUCKET = "parcel-labels"
LABEL_STORE_REGION = "us-east-1"
EXPORT_BUCKET = "parcel-exports"  # in the label store too
CARRIER_URL = os.environ.get("CARRIER_URL", "http://127.0.0.1:9")
CARRIER_WEBHOOK_SECRET = os.environ.get("CARRIER_WEBHOOK_SECRET", "")  # empty: every webhook is refused

# Notices

NOTICE_PRIVATE_ADDRESSES = False  # whether webhook endpoints may be on this host or in its network, and without TLS
DEFAULT_FROM_EMAIL = "tracking@parcels.example"
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")

# Log intake and log search

CLIENT_LOGS_RATE = int(os.environ.get("CLIENT_LOGS_RATE") or 1000)  # browsers' events a second of each address
ELASTICSEARCH_HOSTS = [host for host in os.environ.get("ELASTICSEARCH_HOSTS", "").split(",") if host]
ELASTICSEARCH_CA = os.environ.get("ELASTICSEARCH_CA", "")  # file with the certificates of who signs Elasticsearch's
PT_READER_PASSWORD = os.environ.get("PT_READER_PASSWORD", "")
LOG_GROUP = os.environ.get("LOG_GROUP") or "pt"  # the group whose streams are searched
LOG_SERVICES = yaml.safe_load((DICTIONARIES / "services.yml").read_text())  # {service: {file: stream}}
KIBANA_PUBLIC_URL = os.environ.get("KIBANA_PUBLIC_URL", "")  # where a browser finds Kibana; empty: there is none

# Logging

DJANGO_GUID = {
    "GUID_HEADER_NAME": "X-Request-ID",
    "RETURN_HEADER": True,
    "EXPOSE_HEADER": False,  # apps.common.task_signals take the id along to tasks
}

LOG_CATALOGUE = os.environ.get("LOG_CATALOGUE") or DICTIONARIES / "streams.yml"
LOGGING_OPTIONS = {
    "service": os.environ.get("SERVICE_NAME") or "django",
    "catalogue_path": LOG_CATALOGUE,
    **from_environment(),
}
LOGGING = build_logging(**LOGGING_OPTIONS)
logging.captureWarnings(True)
