"""The options of `build_logging` from environment variables, the same for each service and natively as in Docker."""

import os
from collections.abc import Mapping
from typing import Any

from .redaction import PERSONAL

PRODUCTION = "production"


def from_environment(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The options that these variables give, each with its default where the variable is unset or empty.

    ==================  ==============================================================================================
    ENVIRONMENT         ``production``: the console speaks JSON, debug lines are dropped. Anything else: development.
    LOG_LEVEL           lowest level written: INFO
    NOISY_LOG_LEVEL     the same of chatty libraries: CRITICAL
    LOG_FILE_PATH       folder of the log files; none: the console alone
    LOG_FILE_MAX_BYTES  size at which a file is rotated: 10485760
    LOG_FILE_BACKUPS    how many older files are kept beside it: 5
    USE_FILE_LOGGING    ``false``: no files but ``error.log``, with what is at least an ERROR: the console is collected
    USE_JSON_LOGGING    ``true``: JSON in the files too, and on the console in development
    LOG_ASYNC           ``true``: records are written by a thread of their own
    LOG_SAMPLING        share of a chatty logger's records below WARNING: ``django.db.backends=0.01,urllib3=0.1``
    LOG_REDACT          personal data to take out: ``email,phone``; ``none``. Secrets always are.
    LOGSTASH_TCP        ``host:port`` of Logstash's tcp input, to send records there as well
    LOGSTASH_TCP_CA     file of the certificates that vouch for it: then the connection is TLS
    LOG_GROUP           the group that these records belong to there: pt
    ==================  ==============================================================================================

    Raises ValueError, naming the variable and the remedy, for a value that can't be meant.
    """

    def value(name: str, default: str = "") -> str:
        return environ.get(name, "").strip() or default

    def switch(name: str, default: str) -> bool:
        found = value(name, default).lower()
        if found not in ("true", "false"):
            raise ValueError(f"{name}={environ[name]!r}: set it to true or false")
        return found == "true"

    return {
        "production": value("ENVIRONMENT").lower() == PRODUCTION,
        "level": value("LOG_LEVEL", "INFO").upper(),
        "noisy_level": value("NOISY_LOG_LEVEL", "CRITICAL").upper(),
        "log_file_path": value("LOG_FILE_PATH") or None,
        "max_bytes": _at_least_one("LOG_FILE_MAX_BYTES", value("LOG_FILE_MAX_BYTES", "10485760")),
        "backups": _at_least_one("LOG_FILE_BACKUPS", value("LOG_FILE_BACKUPS", "5")),
        "files": switch("USE_FILE_LOGGING", "true"),
        "json": switch("USE_JSON_LOGGING", "false"),
        "background": switch("LOG_ASYNC", "false"),
        "sampling": _rates(value("LOG_SAMPLING")),
        "redact": _kinds(value("LOG_REDACT", ",".join(PERSONAL))),
        "logstash": _address(value("LOGSTASH_TCP")),
        "logstash_ca": value("LOGSTASH_TCP_CA") or None,
        "group": value("LOG_GROUP", "pt"),
    }


def _at_least_one(name: str, text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text):
        return int(text)
    raise ValueError(f"{name}={text!r}: write a whole number from 1 on")


def _rates(text: str) -> dict[str, float]:
    rates = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, share = item.partition("=")
        try:
            rates[name.strip()] = float(share)
        except ValueError:
            rates[name.strip()] = -1
        if not (name.strip() and 0 <= rates[name.strip()] <= 1):
            raise ValueError(f"LOG_SAMPLING: {item!r}: write logger=share, with a share from 0 to 1")
    return rates


def _kinds(text: str) -> tuple[str, ...]:
    kinds = () if text == "none" else tuple(part.strip() for part in text.split(","))
    if unknown := set(kinds) - set(PERSONAL):
        raise ValueError(f"LOG_REDACT: {', '.join(sorted(unknown))}: name some of {', '.join(PERSONAL)}, or none")
    return kinds


def _address(text: str) -> tuple[str, int] | None:
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"LOGSTASH_TCP={text!r}: write host:port")
    return host, int(port)
