"""What a stack is told from outside, whichever runtime drives it: ports, folders, secrets.

Values come from the environment, then `.env` in the checkout, then the defaults below, as Docker Compose reads them:
the environment wins, and a variable that is set but empty counts as not set. So a second stack can run beside the
first by environment alone (`PT_STATE` and the ports; see `free_ports`).
"""

import hashlib
import os
import re
import socket
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path

from dotenv import dotenv_values

CHECKOUT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"

NATIVE, DOCKER = "native", "docker"  # RUNTIME

# Generated into secrets.env at the first start unless .env or the environment gives a value.
SECRET_NAMES = (
    "ELASTIC_PASSWORD",
    "LOGSTASH_WRITER_PASSWORD",
    "PT_READER_PASSWORD",
    "DJANGO_SECRET_KEY",
    "CARRIER_WEBHOOK_SECRET",
    "DEMO_PASSWORD",
    # In Docker alone. Which service gets which there: infra/containers/secret_files.py.
    "KIBANA_SYSTEM_PASSWORD",
    "LOGSTASH_SYSTEM_PASSWORD",
    "KIBANA_ENCRYPTION_KEY",
    "POSTGRES_PASSWORD",
)


# Variables that take one of a few values, the default first.
CHOICES = {"RUNTIME": (NATIVE, DOCKER), "TLS": ("off", "on"), "ELK": ("here", "external"), "APP": ("here", "external")}


class SettingsError(Exception):
    """A setting has no usable value; the message names the variable and what it must be."""


def _port(default: int) -> int:
    return field(default=default, metadata={"port": True})


@dataclass(frozen=True)
class Settings:
    """One stack: where it keeps its things, on which ports of 127.0.0.1 it listens, and what else it was told.

    `variables` holds every variable seen (`environ` over .env); process-compose.yml and the compose files pick from it
    by name.
    """

    checkout: Path
    state: Path
    cache: Path
    environ: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)

    nginx_port: int = _port(8080)
    django_port: int = _port(8000)
    flower_port: int = _port(5555)
    redis_port: int = _port(6379)
    label_store_port: int = _port(9090)
    elasticsearch_port: int = _port(9200)
    elasticsearch_transport_port: int = _port(9300)
    logstash_port: int = _port(5044)
    logstash_api_port: int = _port(9600)
    filebeat_port: int = _port(5066)

    elasticsearch_heap: str = "512m"
    group: str = "pt"
    log_file_max_bytes: int = 10485760
    log_file_backups: int = 5

    @classmethod
    def load(cls, checkout: Path = CHECKOUT, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read .env of `checkout` and `environ` (default: os.environ). Raises SettingsError."""
        environ = os.environ if environ is None else environ
        given = {**dotenv_values(checkout / ".env", interpolate=False), **{k: v for k, v in environ.items() if v}}
        variables = {name: value for name, value in given.items() if value}
        ports, wrong = {}, []
        for f in cls.port_fields():
            value = variables.get(f.name.upper(), str(f.default))
            if value.isascii() and value.isdigit() and 1 <= int(value) <= 65535:
                ports[f.name] = int(value)
            else:
                wrong.append(f"{f.name.upper()}={value}")
        for name, choices in CHOICES.items():
            if variables.get(name, choices[0]) not in choices:
                raise SettingsError(f"{name}={variables[name]}: it is one of {', '.join(choices)}. Correct it in .env.")
        if wrong:
            raise SettingsError(f"{', '.join(wrong)}: a port is a number from 1 to 65535. Correct it in .env.")
        group = variables.get("LOG_GROUP", cls.group)
        if not re.fullmatch("[a-z][a-z0-9_]*", group):
            raise SettingsError(f"LOG_GROUP={group}: small letters, digits and _, a letter first. Correct it in .env.")
        rotation = {}
        for name in ("log_file_max_bytes", "log_file_backups"):
            value = variables.get(name.upper(), str(getattr(cls, name)))
            if not (value.isascii() and value.isdigit() and int(value)):
                raise SettingsError(f"{name.upper()}={value}: a whole number from 1 on. Correct it in .env.")
            rotation[name] = int(value)
        return cls(
            checkout=checkout,
            state=checkout / variables["PT_STATE"] if "PT_STATE" in variables else default_state(checkout),
            cache=checkout / variables["PT_CACHE"] if "PT_CACHE" in variables else default_cache(),
            environ=environ,
            variables=variables,
            elasticsearch_heap=variables.get("ELASTICSEARCH_HEAP", cls.elasticsearch_heap),
            group=group,
            **rotation,
            **ports,
        )

    @classmethod
    def port_fields(cls):
        """The dataclass fields that are ports; a field's name in capitals is its variable's."""
        return [f for f in fields(cls) if f.metadata.get("port")]

    @property
    def ports(self) -> dict[str, int]:
        """{variable: port}, for example {"NGINX_PORT": 8080, …}."""
        return {f.name.upper(): getattr(self, f.name) for f in self.port_fields()}

    @property
    def logs(self) -> Path:
        """Root of the log files: <logs>/<service>/<file>.log (LOG_FILE_PATH of the services)."""
        return self.state / "logs"

    @property
    def console_logs(self) -> Path:
        """What each part prints: <console_logs>/<part>.log. Beside `logs`, so that Filebeat never reads it."""
        return self.state / "console"

    @property
    def data(self) -> Path:
        return self.state / "data"

    @property
    def run(self) -> Path:
        """Rendered configurations, sockets, pids: all of it is made anew at each start."""
        return self.state / "run"

    @property
    def socket(self) -> Path:
        """process-compose's API."""
        return self.run / "process-compose.sock"

    @property
    def unrouted_file(self) -> Path:
        """Where the pipeline keeps the events that belong to no stream, one JSON object a line (LOGSTASH_UNROUTED)."""
        return self.data / "logstash" / "unrouted.jsonl"

    @property
    def secrets_file(self) -> Path:
        return self.state / "secrets.env"

    @cached_property
    def secrets(self) -> dict[str, str]:
        """{name: value} of SECRET_NAMES: what .env or the environment gives, else what secrets.env holds.

        Raises SettingsError before the first start has generated them.
        """
        kept = dotenv_values(self.secrets_file, interpolate=False)
        secrets = {name: self.variables.get(name) or kept.get(name) for name in SECRET_NAMES}
        if missing := [name for name, value in secrets.items() if not value]:
            raise SettingsError(f"{self.secrets_file} has no {', '.join(missing)}: the first `make up` writes it.")
        return secrets

    @cached_property
    def app_version(self) -> str:
        """APP_VERSION, else what git calls the checkout (v1.2.0-3-gabc1234-dirty), `unknown` where it is none."""
        if given := self.variables.get("APP_VERSION"):
            return given
        describe = ["git", "-C", str(self.checkout), "describe", "--tags", "--always", "--dirty"]
        try:
            return subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
        except (OSError, subprocess.CalledProcessError):
            return "unknown"

    def data_stream(self, service: str) -> str:
        """The name of a service's data stream; `*` in its place gives the pattern of all."""
        return f"logs-{service}-{self.group}"

    def choice(self, name: str) -> str:
        """The value of one of CHOICES."""
        return self.variables.get(name, CHOICES[name][0])

    @property
    def runtime(self) -> str:
        """NATIVE or DOCKER."""
        return self.choice("RUNTIME")

    @property
    def tls_folder(self) -> Path:
        """Certificates of the Docker runtime with TLS=on (elk/setup/certificates.py makes them)."""
        return self.checkout / self.variables.get("TLS_DIR", "tls")

    @property
    def ca_file(self) -> Path | None:
        """Who signed Elasticsearch's certificate; None where it speaks plain HTTP."""
        tls = self.runtime == DOCKER and self.choice("TLS") == "on"
        return self.tls_folder / "trust" / "ca.crt" if tls else None

    @property
    def elasticsearch_url(self) -> str:
        scheme = "https" if self.ca_file else "http"
        bound = self.variables.get("ELK_BIND", LOOPBACK) if self.runtime == DOCKER else LOOPBACK
        return f"{scheme}://{LOOPBACK if bound == '0.0.0.0' else bound}:{self.elasticsearch_port}"  # noqa: S104

    @property
    def nginx_url(self) -> str:
        return f"http://{LOOPBACK}:{self.nginx_port}"


def default_state(checkout: Path) -> Path:
    """`.state` of the checkout; as root a folder of the system, one for each checkout.

    Elasticsearch, Redis, nginx and Filebeat do not run as root, and the user they run as can seldom enter the place
    where root keeps a checkout.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/parcel-tracking") / hashlib.sha256(os.fsencode(checkout)).hexdigest()[:12]
    return checkout / ".state"


def default_cache() -> Path:
    """The user's cache folder; as root the system's, for the same reason as `default_state`."""
    if os.geteuid() == 0:
        return Path("/var/cache/parcel-tracking")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "parcel-tracking"


def free_ports() -> dict[str, str]:
    """A free port of 127.0.0.1 for each port variable, ready for os.environ: {"NGINX_PORT": "40123", …}.

    Nothing reserves them: start the stack soon.
    """
    with ExitStack() as stack:
        ports = {}
        for f in Settings.port_fields():  # all held at once, so that no two are the same
            listener = stack.enter_context(socket.socket())
            listener.bind((LOOPBACK, 0))
            ports[f.name.upper()] = str(listener.getsockname()[1])
    return ports
