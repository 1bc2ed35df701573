"""Elasticsearch's configuration folder: settings, JVM options, logging, users and roles of the file realm.

The distribution has no native realm, so the roles of elk/elasticsearch/roles/ and the users of users.json, which the
Docker runtime makes through the security API, become files here.
"""

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from native import servers_user
from native.settings import Settings

# Elasticsearch's own default for PBKDF2; the file realm reads the cost from the hash.
PBKDF2_COST = 10_000

# The console alone: it is kept and rotated by process-compose, as Docker does.
LOG4J2 = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


def write_configuration(settings: Settings, distribution: Path) -> None:
    """Fill <run>/elasticsearch afresh: config/, logs/ and tmp/. `distribution` is Elasticsearch's folder."""
    definitions = settings.checkout / "elk" / "elasticsearch"
    folder = settings.run / "elasticsearch"
    shutil.rmtree(folder, ignore_errors=True)
    config = folder / "config"
    for path in (config / "jvm.options.d", folder / "logs", folder / "tmp"):
        path.mkdir(parents=True)
    shutil.copyfile(definitions / "config" / "elasticsearch.yml", config / "elasticsearch.yml")
    (config / "jvm.options").write_text(jvm_options((distribution / "config" / "jvm.options").read_text(), folder))
    (config / "log4j2.properties").write_text(LOG4J2)
    users = json.loads((definitions / "users.json").read_text())
    (config / "roles.yml").write_text(roles_yml(definitions / "roles"))
    (config / "users").write_text(users_file(users, settings.secrets))
    (config / "users_roles").write_text(users_roles_file(users))
    servers_user.give(folder)
    folder.chmod(0o700)


def jvm_options(options: str, folder: Path) -> str:
    """The distribution's options, but for the files it would write beside its (read-only) programs."""
    ours = [f"-XX:HeapDumpPath={folder}/logs", f"-XX:ErrorFile={folder}/logs/hs_err_pid%p.log"]
    unwanted = ("-Xlog:gc", "-XX:HeapDumpPath", "-XX:ErrorFile")
    return "\n".join([line for line in options.splitlines() if not line.startswith(unwanted)] + ours) + "\n"


def roles_yml(folder: Path) -> str:
    """roles.yml from one JSON file a role: the security API and the file realm read the same structure."""
    roles = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    return yaml.safe_dump(roles, sort_keys=False)


def users_file(users: Mapping[str, Mapping], passwords: Mapping[str, str]) -> str:
    """`users`: one `name:hash` a line."""
    return "".join(f"{name}:{hash_password(passwords[user['password_variable']])}\n" for name, user in users.items())


def users_roles_file(users: Mapping[str, Mapping]) -> str:
    """`users_roles`: one `role:user,user` a line."""
    members: dict[str, list[str]] = {}
    for name, user in users.items():
        for role in user["roles"]:
            members.setdefault(role, []).append(name)
    return "".join(f"{role}:{','.join(names)}\n" for role, names in members.items())


def hash_password(password: str) -> str:
    """As Elasticsearch's hasher `pbkdf2` writes it: {PBKDF2}cost$salt$hash, HMAC-SHA512, 32 bytes each."""
    salt = os.urandom(32)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PBKDF2_COST, dklen=32)
    return f"{{PBKDF2}}{PBKDF2_COST}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
