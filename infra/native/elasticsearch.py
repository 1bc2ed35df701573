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

from native import servers_user, state
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
    (config / "roles.yml").write_text(roles_yml(definitions / "roles", settings.group))
    (config / "users_roles").write_text(users_roles_file(_users(settings)))
    write_users(settings)
    servers_user.give(folder)
    folder.chmod(0o700)


def write_users(settings: Settings) -> None:
    """Write the users with the passwords of `settings`; a running Elasticsearch sees it within five seconds."""
    path = settings.run / "elasticsearch" / "config" / "users"
    state.write_private(path, users_file(_users(settings), settings.secrets))
    servers_user.give(path)


def _users(settings: Settings) -> dict[str, dict]:
    return json.loads((settings.checkout / "elk" / "elasticsearch" / "users.json").read_text())


def jvm_options(options: str, folder: Path) -> str:
    """The distribution's options, but for the files it would write beside its (read-only) programs."""
    ours = [f"-XX:HeapDumpPath={folder}/logs", f"-XX:ErrorFile={folder}/logs/hs_err_pid%p.log"]
    unwanted = ("-Xlog:gc", "-XX:HeapDumpPath", "-XX:ErrorFile")
    return "\n".join([line for line in options.splitlines() if not line.startswith(unwanted)] + ours) + "\n"


def roles_yml(folder: Path, group: str) -> str:
    """roles.yml from one JSON file a role: the security API and the file realm read the same structure.

    ${LOG_GROUP} in a file is `group`, as elk/setup/setup.py puts it.
    """
    texts = {path.stem: path.read_text() for path in sorted(folder.glob("*.json"))}
    roles = {name: json.loads(text.replace("${LOG_GROUP}", group)) for name, text in texts.items()}
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
