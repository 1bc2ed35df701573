"""The log path as an attack surface: what a stranger, the writer and the reader may not, and where no secret stands.

docs/security.md tells what was tried and what came of it.
"""

import json
import socket
import uuid

import httpx
import psutil
import pytest

from native import runtime
from native.state import SECRET_NAMES
from stack.counting import counter
from stack.traffic import drive, settle
from stack.written import Mark

WRITER, READER = ("logstash_writer", "LOGSTASH_WRITER_PASSWORD"), ("pt_reader", "PT_READER_PASSWORD")
DOCUMENT = {"@timestamp": "2025-02-02T12:34:56.123Z", "service": "django"}
STREAM = "logs-django-pt"
LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")

# (what, method, path, body): what neither of them may do.
NOBODYS = (
    ("overwrites", "POST", f"/{STREAM}/_update/1", {"doc": DOCUMENT}),
    ("deletes a stream", "DELETE", f"/{STREAM}", None),
    ("changes a mapping", "PUT", f"/{STREAM}/_mapping", {"properties": {"x": {"type": "long"}}}),
    ("replaces the template", "PUT", "/_component_template/pt-mappings", {"template": {}}),
    ("changes the cluster", "PUT", "/_cluster/settings", {"persistent": {"action.auto_create_index": "*"}}),
)
# Beyond appending to the group's streams.
WRITERS_TRIES = (
    *NOBODYS,
    ("reads", "GET", f"/{STREAM}/_search", None),
    ("counts", "GET", f"/{STREAM}/_count", None),
    ("reads one by its id", "GET", f"/{STREAM}/_doc/1", None),
    ("writes to another group", "POST", "/logs-django-other/_create/1", DOCUMENT),
    ("writes to another index", "POST", "/elsewhere/_create/1", DOCUMENT),
)
READERS_TRIES = (
    *NOBODYS,
    ("writes", "POST", f"/{STREAM}/_create/{uuid.uuid4().hex}", DOCUMENT),
    ("reads another group", "GET", "/logs-django-other/_search", None),
    ("reads Elasticsearch's own", "GET", "/.security/_search", None),
    ("asks for the cluster's settings", "GET", "/_cluster/settings", None),
)


@pytest.fixture(scope="module", autouse=True)
def lines(stack):
    """Lines of every service, a few of them with what is secret."""
    mark = Mark(counter(stack.settings))
    drive(stack.settings, requests=40)
    return settle(stack.settings, mark)


@pytest.mark.parametrize(
    "user, what, method, path, body",
    [
        *(pytest.param(WRITER, *attempt, id=f"writer {attempt[0]}") for attempt in WRITERS_TRIES),
        *(pytest.param(READER, *attempt, id=f"reader {attempt[0]}") for attempt in READERS_TRIES),
    ],
)
def test_writer_and_reader_may_do_no_more_than_their_work(stack, user, what, method, path, body):
    name, secret = user
    address = stack.settings.elasticsearch_url
    answer = httpx.request(method, f"{address}{path}", json=body, auth=(name, stack.settings.secrets[secret]))
    assert answer.status_code == 403, f"{name} {what}: {answer.text}"


def test_the_writer_appends_and_the_reader_reads(stack):
    """What was refused above was refused for want of the right, and not because of a wrong password."""
    address, identity = stack.settings.elasticsearch_url, uuid.uuid4().hex
    writer, reader = ((name, stack.settings.secrets[secret]) for name, secret in (WRITER, READER))
    assert httpx.post(f"{address}/{STREAM}/_create/{identity}", json=DOCUMENT, auth=writer).status_code == 201
    # Again, as one who would replace it: the first one stays.
    assert httpx.post(f"{address}/{STREAM}/_create/{identity}", json=DOCUMENT, auth=writer).status_code == 409
    assert httpx.get(f"{address}/{STREAM}/_search", auth=reader).status_code == 200


@pytest.mark.parametrize("path", ["/", "/_cat/indices", f"/{STREAM}/_search", "/_bulk"])
def test_elasticsearch_asks_everybody_who_he_is(stack, path):
    assert httpx.get(f"{stack.settings.elasticsearch_url}{path}").status_code == 401


def test_the_application_asks_everybody_who_he_is(stack):
    for path in ("/api/parcels/", "/api/logs/search/", "/api/logs/explorer/lines/", "/api/dashboard/", "/api/schema/"):
        assert httpx.get(f"{stack.settings.nginx_url}{path}").status_code in (401, 403), path


def test_every_port_is_on_loopback(stack):
    open_to_others = {
        (process.name(), connection.laddr)
        for process in runtime.strays(stack.settings)
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
        and connection.laddr.ip not in ("127.0.0.1", "::1", "::ffff:127.0.0.1")
    }
    assert open_to_others == set()


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 4096, b"2W\xff\xff\xff\xff2C\xff\xff\xff\xff"])
def test_garbage_on_the_beats_port_ends_its_own_connection(stack, garbage):
    with socket.create_connection(("127.0.0.1", stack.settings.logstash_port), timeout=10) as client:
        client.sendall(garbage)
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass
    stack.run("stack", "traffic", "--requests", "1")  # fails where a line does not arrive
    assert runtime.parts(stack.settings)["logstash"] == runtime.HEALTHY


def test_ten_thousand_keys_add_no_field(stack):
    def fields() -> set[str]:
        address, (name, secret) = stack.settings.elasticsearch_url, READER
        answer = httpx.get(
            f"{address}/{STREAM}/_field_caps?fields=*&filters=-metadata", auth=(name, stack.settings.secrets[secret])
        )
        return set(answer.json()["fields"])

    before, marker = fields(), uuid.uuid4().hex
    keys = json.dumps({f"key{number}": number for number in range(10_000)})
    with (stack.settings.logs / "django" / "app.log").open("a") as file:
        file.write(f"INFO|apps.parcels.views|2025-02-02T12:34:56.123|{marker} {keys}\n")
    [document] = stack.wait_for_documents({"match": {"log_message": marker}}, 1, "the line of many keys")
    assert len(document["context"]) == 10_000
    assert fields() == before


def test_no_secret_stands_in_logs_arguments_or_documents(stack):
    secrets = {name: secret for name, secret in stack.settings.secrets.items() if name in SECRET_NAMES}
    found = {
        (name, str(path))
        for folder in (stack.settings.logs, stack.settings.console_logs)
        for path in folder.rglob("*")
        if path.is_file()
        for name, secret in secrets.items()
        if secret.encode() in path.read_bytes()
    }
    assert found == set()
    arguments = {
        (name, process.name())
        for process in runtime.strays(stack.settings)
        for name, secret in secrets.items()
        if any(secret in argument for argument in process.cmdline())
    }
    assert arguments == set()
    for name, secret in secrets.items():
        assert stack.count({"multi_match": {"query": secret, "type": "phrase", "lenient": True}}) == 0, name


def test_a_process_has_the_secrets_that_it_uses_and_no_other(stack):
    """As its environment shows them to root and to its own user: /proc/<pid>/environ."""
    holders: dict[str, set[str]] = {}
    for part, account in runtime.processes(stack.settings).items():
        if not account["is_running"]:
            continue
        main = psutil.Process(account["pid"])
        for process in (main, *main.children(recursive=True)):
            values = set(process.environ().values())  # Redis and nginx write their titles over theirs
            for name, secret in stack.settings.secrets.items():
                if secret in values:
                    holders.setdefault(name, set()).add(part)
    django = {"django", "celery", "celerybeat", "flower"}
    assert holders == {
        "LOGSTASH_WRITER_PASSWORD": {"logstash"},
        "PT_READER_PASSWORD": {"django"},
        "DJANGO_SECRET_KEY": django,
        "CARRIER_WEBHOOK_SECRET": {"django"},
    }
