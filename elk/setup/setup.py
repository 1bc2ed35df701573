"""Set up Elasticsearch: passwords, roles, users, lifecycle policy, templates. Safe to run again at any time.

Reads elk/elasticsearch/: users.json, and one JSON file for each role, policy and template, named as that is named. In
them ${LOG_GROUP} is the group whose data streams they are for, ${LOG_RETENTION} the age at which documents are deleted.

A user of users.json who is `built_in` is Elasticsearch's own, and gets a password; elastic has his from the server's
environment. The others are made.

The native runtime's Elasticsearch is a distribution that keeps users and roles in files alone, which infra/native
writes from the same definitions, and that has no lifecycle management. It is known by the realm of the user elastic;
of any other server every step is asked.

Environment: ELASTICSEARCH_HOSTS (URL), TLS_CA (file, for https), LOG_GROUP (pt), LOG_RETENTION (30d), and the
passwords: ELASTIC_PASSWORD, natively that alone, and those that users.json names. Exit status 1, with the reason, when
Elasticsearch stays away or refuses.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from server import Server, SetupError, log, run, variable

DEFINITIONS = Path(__file__).resolve().parents[1] / "elasticsearch"
HEALTH = "/_cluster/health?wait_for_status=yellow&timeout=10s"
LIFECYCLE_MODULE = "x-pack-ilm"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def set_up(environ: Mapping[str, str] = os.environ) -> None:
    url = environ.get("ELASTICSEARCH_HOSTS", "http://127.0.0.1:9200")
    server = Server("Elasticsearch", url, variable(environ, "ELASTIC_PASSWORD"), environ.get("TLS_CA"))
    values = {"LOG_GROUP": environ.get("LOG_GROUP") or "pt", "LOG_RETENTION": environ.get("LOG_RETENTION") or "30d"}
    seconds(values["LOG_RETENTION"])
    server.wait_until("healthy", HEALTH, lambda answer: answer.is_success)
    if has_file_realm(server):
        log.info("users and roles are in files of this Elasticsearch: none are put")
        lifecycle = has_lifecycle(server)
    else:
        put_users(server, values, environ)
        lifecycle = True
    put_templates(server, values, lifecycle)


def has_file_realm(server: Server) -> bool:
    """Whether the user elastic is from a file. Elsewhere he is of the `reserved` realm."""
    return server.get("/_security/_authenticate")["authentication_realm"]["type"] == "file"


def has_lifecycle(server: Server) -> bool:
    nodes = server.get("/_nodes/plugins?filter_path=nodes.*.modules.name")["nodes"].values()
    return all(LIFECYCLE_MODULE in [module["name"] for module in node["modules"]] for node in nodes)


def put_users(server: Server, values: Mapping[str, str], environ: Mapping[str, str]) -> None:
    users = json.loads((DEFINITIONS / "users.json").read_text())
    passwords = {name: variable(environ, user["password_variable"]) for name, user in users.items()}
    for name, user in users.items():
        if user.get("built_in") and name != "elastic":
            server.send("POST", f"/_security/user/{name}/_password", json={"password": passwords[name]})
            log.info("password of %s", name)
    for name, body in definitions("roles", values):
        server.put(f"/_security/role/{name}", body)
    for name, user in users.items():
        if not user.get("built_in"):
            server.put(f"/_security/user/{name}", {"roles": user["roles"], "password": passwords[name]})


def put_templates(server: Server, values: Mapping[str, str], lifecycle: bool) -> None:
    if lifecycle:
        for name, body in definitions("lifecycle", values):
            body["policy"]["phases"] = phases_before_delete(body["policy"]["phases"])
            server.put(f"/_ilm/policy/{name}", body)
    else:
        log.info("no lifecycle management in this Elasticsearch: no policy, and no document is ever deleted")
    for name, body in definitions("component_templates", values):
        if lifecycle or name != "pt-lifecycle":
            server.put(f"/_component_template/{name}", body)
    for name, body in definitions("index_templates", values):
        server.put(f"/_index_template/{name}", body)


def definitions(folder: str, values: Mapping[str, str]) -> Iterator[tuple[str, dict]]:
    """Yield (name, body) of each JSON file of a folder of elk/elasticsearch/, in name order."""
    for path in sorted((DEFINITIONS / folder).glob("*.json")):
        text = path.read_text()
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        yield path.stem, json.loads(text)


def phases_before_delete(phases: Mapping[str, dict]) -> dict[str, dict]:
    """Without those that would begin when the documents are gone: Elasticsearch takes no phase after `delete`."""
    end = seconds(phases["delete"]["min_age"])
    kept = {name: body for name, body in phases.items() if name == "delete" or seconds(body.get("min_age", "0s")) < end}
    for name in phases.keys() - kept.keys():
        log.info("no phase %s: the documents are deleted before", name)
    return kept


def seconds(age: str) -> int:
    """Seconds of an age such as 30d. Raises SetupError."""
    match = re.fullmatch(r"(\d+)([smhd])", age)
    if not match:
        raise SetupError(f"{age} is no age: LOG_RETENTION is a number with s, m, h or d, such as 30d")
    return int(match[1]) * SECONDS[match[2]]


if __name__ == "__main__":
    sys.exit(run(set_up))
