"""Events of others reach no pt stream: they are counted and kept."""

import json
import subprocess
import uuid

import pytest

from tests.polling import poll_until

CONFIGURATION = """
filebeat.inputs:
  - type: filestream
    id: foreign
    paths: ["{folder}/foreign.log"]
    file_identity.fingerprint: ~
    prospector.scanner.fingerprint: {{enabled: true, offset: 0, length: 64}}
    prospector.scanner.check_interval: 1s
    fields: {{group: "{group}", service: "{service}"}}
    fields_under_root: true
output.logstash.hosts: ["127.0.0.1:{port}"]
queue.mem.flush.timeout: 100ms
logging.to_stderr: true
"""


@pytest.mark.parametrize("group, service", [("other", "django"), ("pt", "postgres")])
def test_a_foreign_event_is_kept_apart(stack, tmp_path, group, service):
    marker = uuid.uuid4().hex
    (tmp_path / "foreign.log").write_text(
        f"INFO|apps.parcels.views|2025-02-02T12:34:56.123|{marker} of somebody else\n"
    )
    configuration = tmp_path / "filebeat.yml"
    configuration.write_text(
        CONFIGURATION.format(folder=tmp_path, group=group, service=service, port=stack.settings.logstash_port)
    )
    configuration.chmod(0o600)
    before = json.loads(stack.run("stack", "status", "--json").stdout)["unrouted"]
    [running, *_] = poll_until("Filebeat to run", lambda: stack.processes("filebeat"))
    foreign = subprocess.Popen(
        [running.exe(), "-c", str(configuration), "--path.data", str(tmp_path / "data")],
        stderr=subprocess.DEVNULL,
    )
    try:
        kept = poll_until("the event in the unrouted file", lambda: unrouted_events(stack, marker))
    finally:
        foreign.terminate()
        foreign.wait(20)
    assert [(event["group"], event["service"]) for event in kept] == [(group, service)]
    assert json.loads(stack.run("stack", "status", "--json").stdout)["unrouted"] == before + 1
    assert stack.count({"match_phrase": {"log_message": marker}}) == 0


def unrouted_events(stack, marker):
    file = stack.settings.unrouted_file
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines if marker in line]
