"""`make doctor`: a running stack is broken in each way that the README names, doctor names the hop, and it is mended.

Each way is a row of the README's table: the words there are the keys here.
"""

import json
import re
import shutil
import signal
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import yaml

from native import elasticsearch, runtime
from native.toolchain import cache, tools
from stack.doctor import chain
from stack.doctor.finding import State
from stack.doctor.walk import first_broken, walk
from stack.store import Store
from tests.integration.conftest import started
from tests.paths import ROOT
from tests.polling import poll_until

SECONDS = 45


@pytest.fixture(scope="module")
def stack(request):
    """A fresh one, in place of the session's: what other tests left there would be told, and none of ours shall be."""
    with started(request.session, without_build_log) as stack:
        wait_until_healthy(stack, "to begin with")
        yield stack


@contextmanager
def without_build_log(stack):
    """Only what browsers report makes the stream of react then: Filebeat reads no symbolic link."""
    built = cache.install(tools.tools(), stack.settings.cache)["front-end"] / "build.log"
    log = stack.settings.logs / "react" / "build.log"
    log.parent.mkdir(parents=True)
    log.symlink_to(built)
    yield


def worst(stack):
    return first_broken(walk(stack.settings))


def wait_until_healthy(stack, why):
    poll_until(f"a healthy stack {why}", lambda: worst(stack), SECONDS, is_it=lambda told: told is None)


def wait_until_named(stack, place, why):
    """What doctor finds, once `place` (hop, check) is what it names."""
    named = f"doctor to name {', '.join(place)}: {why}"
    told = poll_until(named, lambda: worst(stack), SECONDS, is_it=lambda told: told and (told.hop, told.check) == place)
    return told.finding


def finding(stack, check):
    [found] = [told.finding for told in walk(stack.settings) if told.check == check]
    return found


def elastic(stack):
    return chain.elasticsearch(stack.settings, "elastic", "ELASTIC_PASSWORD")


def put(stack, path, **body):
    with elastic(stack) as client:
        client.put(path, json=body).raise_for_status()


def cluster(stack, **settings):
    put(stack, "/_cluster/settings", persistent={name.replace("__", "."): value for name, value in settings.items()})


def supervisor(stack, method, path):
    with runtime.api(stack.settings, timeout=60) as client:
        client.request(method, path).raise_for_status()


def line(text, logger="apps.parcels.doctor"):
    now = datetime.now(UTC).isoformat(timespec="milliseconds")[:-6]
    return f"INFO|{logger}|{now}|{text}\n"


def write(stack, file, *lines):
    with (stack.settings.logs / file).open("a") as log:
        log.writelines(lines)


def of_file(file):
    return {"term": {"log.file.path": str(file)}}


def delete(stack, file):
    """The documents of a file. This Elasticsearch has no _delete_by_query."""
    found = Store(stack.settings).search(query=of_file(file), size=1_000)["hits"]["hits"]
    actions = [json.dumps({"delete": {"_index": hit["_index"], "_id": hit["_id"]}}) + "\n" for hit in found]
    with elastic(stack) as client:
        headers = {"content-type": "application/x-ndjson"}
        answer = client.post("/_bulk?refresh=true", content="".join(actions), headers=headers).raise_for_status()
    assert not answer.json()["errors"], answer.text


@contextmanager
def stopped(stack, part):
    supervisor(stack, "PATCH", f"/process/stop/{part}")
    try:
        yield
    finally:
        supervisor(stack, "POST", f"/process/start/{part}")


@contextmanager
def application_stopped(stack):
    with stopped(stack, "flower"):
        yield


@contextmanager
def filebeat_stopped(stack):
    with stopped(stack, "filebeat"):
        write(stack, "django/app.log", line("while Filebeat is away"))
        yield
        waiting = finding(stack, "outage budget")
        assert re.match(r"[1-9][\d,]* lines \([\d,]+ bytes\) wait", waiting.evidence), waiting


@contextmanager
def logstash_stopped(stack):
    with stopped(stack, "logstash"):
        yield


@contextmanager
def file_unreadable(stack):
    """For Filebeat; as another user than root not even we may read it then.

    It takes the file for removed, and keeps no account of what it reads from it later.
    """
    file = stack.settings.logs / "django" / "system.log"
    mode = file.stat().st_mode
    file.chmod(0)
    try:
        yield
    finally:
        file.chmod(mode)
        write(stack, "django/system.log", line("that may be read again"))


@contextmanager
def wrong_port(stack):
    """Filebeat as it is started again after somebody changed LOGSTASH_PORT."""
    path = stack.settings.run / "process-compose.yml"
    text = path.read_text()
    document = yaml.safe_load(text)
    filebeat = document["processes"]["filebeat"]
    others = [given for given in filebeat["environment"] if not given.startswith("LOGSTASH_PORT=")]
    filebeat["environment"] = [*others, "LOGSTASH_PORT=9"]
    runtime.write_document(stack.settings, document)
    supervisor(stack, "POST", "/project/configuration")
    try:
        yield
    finally:
        runtime.write_document(stack.settings, yaml.safe_load(text))
        supervisor(stack, "POST", "/project/configuration")


@contextmanager
def unknown_format(stack):
    """Lines of another format in a file of their own, which goes with their documents."""
    file = stack.settings.logs / "django" / "app.log.unknown"
    file.write_text(line("opened") + "".join(f"{number} a format that nobody knows\n" for number in range(200)))
    stack.wait_for_documents(of_file(file), 201, "lines of another format")
    try:
        yield
    finally:
        file.unlink()
        delete(stack, file)


@contextmanager
def password_of_others(stack):
    """Elasticsearch knows another one for logstash_writer."""
    path = stack.settings.run / "elasticsearch/config/users"
    users = path.read_text()
    other = f"logstash_writer:{elasticsearch.hash_password('of somebody else')}"
    path.write_text(re.sub(r"^logstash_writer:.*$", lambda _: other, users, flags=re.M))
    try:
        yield
    finally:
        path.write_text(users)


@contextmanager
def role_without_rights(stack):
    path = stack.settings.run / "elasticsearch/config/roles.yml"
    roles = path.read_text()
    path.write_text(roles.replace("- create_doc\n", ""))
    try:
        yield
    finally:
        path.write_text(roles)


@contextmanager
def stream_not_created(stack):
    """Elasticsearch has all the shards that it may have when the first line of a service comes."""
    cluster(stack, cluster__max_shards_per_node=1)
    write(stack, "react/react.log", line("the first of its service", "react.doctor"))
    try:
        yield
    finally:
        cluster(stack, cluster__max_shards_per_node=None)
        dead_letters(stack, "replay")


def dead_letters(stack, *action):
    """As docs/operations.md has it."""
    data = stack.settings.data / "logstash"
    command = ["python", "-m", "logstash_py", "dlq", *action, "--path.settings", "elk/logstash/config"]
    stack.run("native", "exec", "logstash", *command, "--path.data", str(data))


@contextmanager
def template_of_others(stack):
    name = stack.settings.data_stream("celerybeat")
    put(stack, "/_index_template/others", index_patterns=[name], data_stream={}, priority=900)
    try:
        yield
    finally:
        with elastic(stack) as client:
            client.delete("/_index_template/others").raise_for_status()


@contextmanager
def read_only(stack):
    stream = stack.settings.data_stream("django")
    # Not read_only_allow_delete, which Elasticsearch takes away as soon as it sees that there is room.
    put(stack, f"/{stream}/_settings", **{"index.blocks.read_only": True})
    write(stack, "django/app.log", line("that is written while nothing may be"))
    try:
        yield
    finally:
        put(stack, f"/{stream}/_settings", **{"index.blocks.read_only": None})


@contextmanager
def hanging(stack):
    [process] = [p for p in stack.processes("java") if "org.elasticsearch.server" in " ".join(p.cmdline())]
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@contextmanager
def no_memory(stack):
    """Its parent circuit breaker opens at a size that its heap has always."""
    cluster(stack, indices__breaker__total__limit="1%")
    try:
        yield
    finally:
        cluster(stack, indices__breaker__total__limit=None)


@contextmanager
def refused(stack):
    """A context deeper than Elasticsearch takes (pt-mappings.json): one document that it never will."""
    deep = '{"a":' * 150 + "1" + "}" * 150
    now = datetime.now(UTC).isoformat(timespec="milliseconds")[:-6]
    record = {"timestamp": now, "level": "INFO", "logger": "apps.parcels.doctor", "message": "deep"}
    file = stack.settings.logs / "django" / "app.log.refused"
    file.write_text(line("opened") + json.dumps(record)[:-1] + f', "deep": {deep}}}\n')
    try:
        yield
    finally:
        file.unlink()
        folder = str(stack.settings.data / "logstash")
        stack.run(
            "native", "exec", "logstash", "python", "-m", "logstash_py", "dlq", "purge", "--all", "--path.data", folder
        )


@contextmanager
def deleted(stack):
    """Somebody deletes documents. The files are read again when Filebeat has forgotten them."""
    file = stack.settings.logs / "django" / "app.log.deleted"
    file.write_text(line("opened") + line("deleted"))
    stack.wait_for_documents(of_file(file), 2, "the lines to be deleted")
    delete(stack, file)
    try:
        yield
    finally:
        with stopped(stack, "filebeat"):
            shutil.rmtree(stack.settings.data / "filebeat" / "registry")
        assert len(stack.wait_for_documents(of_file(file), 2, "the deleted lines")) == 2
        file.unlink()


# {what the README's table says is seen: (how that comes about, the hop and the check that doctor names)}
CASES = {
    "no data: a part of the application is down": (application_stopped, ("Application", "runs")),
    "no data: Filebeat is down": (filebeat_stopped, ("Filebeat", "runs")),
    "permission denied": (file_unreadable, ("Filebeat", "reads")),
    "wrong port": (wrong_port, ("Filebeat", "reaches Logstash")),
    "connection refused": (logstash_stopped, ("Logstash", "answers")),
    "Elasticsearch hangs": (hanging, ("Elasticsearch", "answers")),
    "memory": (no_memory, ("Elasticsearch", "memory")),
    "401, unable to authenticate": (password_of_others, ("Elasticsearch", "rights")),
    "403, unauthorized": (role_without_rights, ("Elasticsearch", "rights")),
    "fields are not searchable: a template of others": (template_of_others, ("Elasticsearch", "template")),
    "data stream not created": (stream_not_created, ("Elasticsearch", "data streams")),
    "read-only": (read_only, ("Elasticsearch", "blocks")),
    "documents refused": (refused, ("Elasticsearch", "refused documents")),
    "fewer documents than lines": (deleted, ("Lines", "stored")),
    "grok failures": (unknown_format, ("Lines", "parsed")),
}


@pytest.mark.parametrize("symptom", CASES)
def test_doctor_names_the_hop_until_it_is_mended(stack, symptom):
    way, expected = CASES[symptom]
    with way(stack):
        told = wait_until_named(stack, expected, symptom)
        assert told.evidence and told.remedy
    wait_until_healthy(stack, f"after {symptom}")


def test_each_row_of_the_readme_is_a_case():
    table = (ROOT / "README.md").read_text().partition("| what you see | doctor names |")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]
    assert {cell[0]: cell[1] for cell in cells} == {symptom: ", ".join(names) for symptom, (_, names) in CASES.items()}


def test_what_is_rotated_away_while_logstash_is_down_is_told_and_not_lost(stack):
    file = stack.settings.logs / "django" / "app.log.rotated"
    text = f"in a file that goes {time.monotonic_ns()}"
    poll_until("Filebeat to have read all", lambda: finding(stack, "shipped").state == State.OK, SECONDS)
    with stopped(stack, "logstash"):
        file.write_text(line("opened") + line(text) * 50)
        [filebeat] = stack.processes("filebeat")
        poll_until("Filebeat to open it", lambda: str(file) in {opened.path for opened in filebeat.open_files()})
        file.unlink()
        told = poll_until("the warning", lambda: (f := finding(stack, "rotated away")).state == State.WARNING and f)
        assert "1 files were rotated away with 51 lines" in told.evidence
    query = {"match_phrase": {"log_message": text}}
    assert len(stack.wait_for_documents(query, 50, "the lines of the removed file")) == 50
    poll_until("the warning's end", lambda: finding(stack, "rotated away").state == State.OK, SECONDS)


def test_the_commands_exit_status_and_its_json(stack):
    wait_until_healthy(stack, "to begin with")
    start = time.monotonic()
    told = json.loads(stack.run("stack", "doctor", "--json").stdout)
    assert time.monotonic() - start < 5
    assert told["healthy"] and told["first_broken"] is None
    assert {found["state"] for found in told["findings"]} <= {"ok", "warning"}
    with stopped(stack, "flower"):
        done = stack.run("stack", "doctor", "--json", check=False)
        told = json.loads(done.stdout)
        assert done.returncode == 1
        assert told["first_broken"] == {"hop": "Application", "check": "runs"}
    wait_until_healthy(stack, "after Flower was stopped")


def test_status_tells_each_streams_lag(stack):
    def lag():
        found = json.loads(stack.run("stack", "status", "--json", check=False).stdout)["lags"]["logs-django-pt"]
        return found["written"], found["shipped"], found["stored"]

    written, shipped, stored = poll_until("all lines to be stored", lambda: (len({*lag()}) == 1) and lag())
    assert written == shipped == stored > 0
    with stopped(stack, "filebeat"):
        write(stack, "django/app.log", *[line("that waits")] * 7)
        assert lag() == (written + 7, shipped, stored)
    poll_until("they are stored too", lambda: lag()[2] >= written + 7)
