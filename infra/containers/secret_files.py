"""The secrets as the containers get them: for each service a file of those that it uses, which its `env_file` names.

secrets.env has them all. The compose files take no secret from a variable: `docker compose` by hand needs none, and a
service that is started before these files are there has no password, and says so.
"""

from native import state
from native.settings import Settings

# {service: the names of its secrets}. A service that is not here has none.
SECRETS = {
    "postgres": ("POSTGRES_PASSWORD",),
    "migrate": ("DJANGO_SECRET_KEY", "POSTGRES_PASSWORD", "DEMO_PASSWORD"),
    "django": ("DJANGO_SECRET_KEY", "POSTGRES_PASSWORD", "CARRIER_WEBHOOK_SECRET", "PT_READER_PASSWORD"),
    "celery": ("DJANGO_SECRET_KEY", "POSTGRES_PASSWORD"),
    "celerybeat": ("DJANGO_SECRET_KEY",),
    "flower": ("DJANGO_SECRET_KEY",),
    "elasticsearch": ("ELASTIC_PASSWORD",),
    "setup": (
        "ELASTIC_PASSWORD",
        "KIBANA_SYSTEM_PASSWORD",
        "LOGSTASH_SYSTEM_PASSWORD",
        "LOGSTASH_WRITER_PASSWORD",
        "PT_READER_PASSWORD",
    ),
    "logstash": ("LOGSTASH_WRITER_PASSWORD",),
    "kibana": ("KIBANA_SYSTEM_PASSWORD", "KIBANA_ENCRYPTION_KEY"),
    "setup-kibana": ("ELASTIC_PASSWORD",),
}


def write(settings: Settings) -> None:
    """Write <state>/secrets/<service>.env (folder 700, files 600). Raises SettingsError before there are secrets."""
    folder = settings.state / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    for service, names in SECRETS.items():
        lines = (f"{name}={quoted(settings.secrets[name])}\n" for name in names)
        state.write_private(folder / f"{service}.env", "".join(lines))


def quoted(value: str) -> str:
    """A value of an env file that compose reads as it is: without quotes it would put in variables and cut comments."""
    for special in '\\"$':
        value = value.replace(special, f"\\{special}")
    return f'"{value}"'
