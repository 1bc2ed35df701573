"""Variables: what is read is said in .env.example, what is said there is read, and a default is the same everywhere."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from containers.secret_files import SECRETS
from native import compose
from native.settings import SECRET_NAMES, Settings
from tests.paths import ROOT
from tests.unit.deployment.files import (
    COMPOSE_FILES,
    NAME,
    NATIVE_FILE,
    REFERENCE,
    dockerfile,
    example,
    given_to,
    parts,
    secrets_of,
    services,
    text,
)

# Who reads .env or the environment of whoever calls `make`.
READERS = [*COMPOSE_FILES, NATIVE_FILE]
PACKAGES = ("infra/native", "infra/containers", "infra/stack")

NOT_IN_THE_EXAMPLE = {
    "PT_STATE": "README.md: each checkout has its own by default, and a second stack gets its own by environment",
    "PT_CACHE": "README.md: of the user, not of a checkout",
    "DJANGO_SETTINGS_MODULE": "for production, together with all that production needs",
    "DJANGO_ALLOWED_HOSTS": "as DJANGO_SETTINGS_MODULE",
    "LOGSTASH_BIND": "natively, for senders in containers",
    "XDG_CACHE_HOME": "the system's",
    "COMPOSE_PROJECT_NAME": "compose's own: it has the project's name there",
    "APP": "for the host of the Elastic side, where nothing else is of the application",
}

# What a service's own files read and neither runtime gives: a fork sets it in docker-compose.override.yml.
TUNED_IN_THE_OVERRIDE = {
    "CELERY_CONCURRENCY",
    "DJANGO_WORKERS",
    "EMAIL_HOST",
    "LOG_CATALOGUE",
    "POSTGRES_DB",
    "POSTGRES_PORT",
    "POSTGRES_USER",
    "STALE_PARCELS_EVERY",
}
NOT_GIVEN = {
    "LOGSTASH_TCP": "the pipeline has no tcp input: Filebeat carries the files",
    "LOGSTASH_TCP_CA": "as LOGSTASH_TCP",
    "PROMETHEUS_MULTIPROC_DIR": "gunicorn's configuration sets it, for its workers",
    "SERVICE_NAME": "the start scripts set it",
    "FILEBEAT_TLS": "the default is where the compose file mounts the folder",
    "NGINX_RESOLVER": "the default is Docker's own; natively the upstreams are addresses",
    "TLS_DIR": "certificates.py has a default for whoever calls it by hand",
}

# {variable: {default: the files that have it}} that differ on purpose.
DIFFERENT_DEFAULTS = {
    "LOGSTASH_HOST": "natively loopback, in Docker the service; the image by itself looks on its host",
    "ELASTICSEARCH_HOSTS": "the pipeline's is the service in Docker; a job by hand asks this machine",
    "LOGSTASH_BIND": "natively loopback, in a container all addresses",
    "TLS_DIR": "relative to the checkout, or to the folder of the compose file: the same folder",
}
DIFFERENT_IN_THE_EXAMPLE = {
    "NOISY_LOG_LEVEL": "a demo shows what is silent elsewhere",
    "LOGSTASH_HOST": "see DIFFERENT_DEFAULTS",
    "APP_VERSION": "empty, for `make up` to ask git",
}


# How Python code asks for a variable: environ["NAME"], or a function of the project with the name first.
READ = re.compile(
    r"(?:environ(?:\.get\(|\[)|variables(?:\.get\(|\[)|(?:choice|value|switch)\(|variable\(environ, )[\"']([A-Z_]+)"
)


def names_read(path: Path) -> set[str]:
    content = text(path)
    if path.suffix == ".py":
        return set(READ.findall(content))
    return set(NAME.findall(content))


# What belongs to a service: scripts, templates, configurations, code; those that read anything.
INNER_FILES = [
    path
    for path in (
        *(ROOT / "services").glob("*/start"),
        *(ROOT / "services").glob("*/migrate"),
        *(ROOT / "services").glob("*/healthcheck"),
        *(ROOT / "services/django/config").rglob("*.py"),
        *(ROOT / "services/django/apps").rglob("*.py"),
        *(ROOT / "elk").rglob("*.py"),
        *(ROOT / "elk").glob("*/config/*.yml"),
        *(ROOT / "elk/logstash/pipeline").glob("*.conf"),
        ROOT / "nginx/entrypoint.sh",
        ROOT / "filebeat/entrypoint.sh",
    )
    if names_read(path)
]


def read_from_outside() -> set[str]:
    names = set().union(*(names_read(ROOT / file) for file in READERS))
    names = names.union(*(names_read(path) for package in PACKAGES for path in (ROOT / package).rglob("*.py")))
    names |= {field.name.upper() for field in Settings.port_fields()}
    return names - set(SECRET_NAMES) - COMPUTED


# Put together by infra/native/compose.py, from settings and secrets.
COMPUTED = {"CHECKOUT", "ELASTIC_PASSWORD_QUOTED"}
# Those of a process-compose's parts that come from the machine.
MACHINE = {"PATH", "HOME", "TZ", "LANG", "USER", "LOGNAME"}


def test_what_is_read_is_in_the_example_and_what_is_there_is_read():
    read, said = read_from_outside() - MACHINE, example().keys()
    assert sorted(read - said) == sorted(NOT_IN_THE_EXAMPLE)
    assert sorted(said - read) == []


def test_no_secret_is_in_the_example_or_in_a_compose_file():
    assert example().keys().isdisjoint(SECRET_NAMES)
    for name, service in services().items():
        assert set(service.get("environment", {})).isdisjoint(SECRET_NAMES), name
    assert set().union(*(names_read(ROOT / file) for file in COMPOSE_FILES)).isdisjoint(SECRET_NAMES)


def test_each_secret_comes_to_a_service_by_the_file_of_its_name():
    files = {name: [secrets_of(file) for file in service.get("env_file", ())] for name, service in services().items()}
    assert {name: set(of) - {None} for name, of in files.items() if any(of)} == {name: {name} for name in SECRETS}
    assert set().union(*SECRETS.values()) == set(SECRET_NAMES)


@pytest.mark.parametrize("name", example())
def test_the_example_says_who_reads_it(name):
    """The comment above it, or above the variables that stand together with it, names a part, a command or a file."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(f"{name}="))
    start = at
    while lines[start - 1] and start:
        start -= 1
    block = lines[start:at]
    section = next((line for line in reversed(lines[:at]) if line.startswith("# ---")), "")
    comment = " ".join(line for line in [section, *block] if line.startswith("#"))
    assert lines[at - 1].startswith("#") or example_name(lines[at - 1]), f"{name} has no comment"
    known = {*services(), *parts(), "make", "gunicorn", "moto", "docker", "logging", "application", "jvm"}
    assert known & set(re.findall(r"[a-z-]+", comment.lower())), f"{name}: {comment}"


def example_name(line: str) -> bool:
    return line.partition("=")[0] in example()


@pytest.fixture(scope="module")
def given() -> set[str]:
    """What the compose files, process-compose.yml and the images hand to a service."""
    names = {name for of in (services(), parts()) for one in of.values() for name in given_to(one)}
    for service in services():
        names |= set(re.findall(r"\b([A-Z][A-Z_]+)=", dockerfile(service)))
    return names | set(SECRET_NAMES)


@pytest.mark.parametrize("path", INNER_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_service_reads_it_is_given(path, given):
    assert names_read(path) <= given | TUNED_IN_THE_OVERRIDE | NOT_GIVEN.keys()


def test_what_is_stated_is_read():
    read = set().union(*(names_read(path) for path in INNER_FILES))
    assert read >= TUNED_IN_THE_OVERRIDE
    assert read >= NOT_GIVEN.keys()


def defaults() -> dict[str, dict[str, list[str]]]:
    """{variable: {default: [file, …]}}"""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in [*(ROOT / file for file in READERS), *INNER_FILES]:
        where = str(path.relative_to(ROOT))
        if path.suffix == ".py":
            for name, default in re.findall(
                r"(?:environ\.get|value|switch)\([\"'](\w+)[\"'](?:, |\) or )[\"']([^\"']*)[\"'](?!\.)", text(path)
            ):
                found[name][default].append(where)
            continue
        for match in REFERENCE.finditer(text(path)):
            if match["operator"] == ":-" or (match["operator"] == ":" and path.suffix != ".sh"):
                found[match["name"]][match["rest"]].append(where)
    for field in Settings.port_fields():
        found[field.name.upper()][str(field.default)].append("infra/native/settings.py")
    found["LOG_GROUP"][Settings.group].append("infra/native/settings.py")
    for name in ("log_file_max_bytes", "log_file_backups"):
        found[name.upper()][str(getattr(Settings, name))].append("infra/native/settings.py")
    found["ELASTICSEARCH_HEAP"][Settings.elasticsearch_heap].append("infra/native/settings.py")
    return found


def test_a_default_is_the_same_wherever_it_stands():
    different = {name: dict(of) for name, of in defaults().items() if len(of.keys() - {""}) > 1}
    assert different.keys() == DIFFERENT_DEFAULTS.keys(), different


@pytest.mark.skipif(example()["LOG_GROUP"] != Settings.group, reason="a fork has values of its own")
def test_the_example_has_the_defaults():
    """So that a .env of an earlier version, which lacks a variable, means the same."""
    different = {name: of for name, of in defaults().items() if name in example() and example()[name] not in of}
    assert different.keys() <= DIFFERENT_IN_THE_EXAMPLE.keys(), different


def test_the_native_stack_gets_each_value_that_it_names():
    settings = Settings.load(environ=dict.fromkeys(SECRET_NAMES, "made up"))
    assert compose.render(settings)["processes"].keys() == parts().keys()
