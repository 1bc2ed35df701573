"""Senders over TLS, each with a certificate of its own: a real Filebeat and python-logstash-async."""

import logging
import socket
import subprocess
import sys
import uuid

import pytest
import trustme
from logstash_async.handler import AsynchronousLogstashHandler

from tests.paths import ROOT
from tests.polling import poll_until

LINES = 5_000
PIPELINE = """
input {{
  beats {{ host => "127.0.0.1" port => {beats} enrich => [] {tls} }}
  tcp {{ host => "127.0.0.1" port => {tcp} codec => json_lines {tls} }}
}}
filter {{
  mutate {{
    # The raw line is not searched, log_message is.
    add_field => {{
      "[data_stream][dataset]" => "django" "[data_stream][namespace]" => "pt" "log_message" => "%{{message}}"
    }}
    remove_field => ["host", "log", "event", "agent", "ecs", "input"]
  }}
  fingerprint {{ source => "message" method => "SHA256" target => "[@metadata][_ingest_document][id]" }}
}}
output {{
  elasticsearch {{
    hosts => ["{elasticsearch}"] data_stream => "true"
    user => "logstash_writer" password => "${{LOGSTASH_WRITER_PASSWORD}}"
  }}
}}
"""
TLS = """
    ssl_enabled => true ssl_certificate => "{0}/server.pem" ssl_key => "{0}/server.key"
    ssl_certificate_authorities => ["{0}/ca.pem"] ssl_client_authentication => "required"
"""
FILEBEAT = """
filebeat.inputs:
  - {{type: filestream, id: tls, paths: ["{0}/sent.log"]}}
output.logstash:
  hosts: ["127.0.0.1:{1}"]
  ssl: {{certificate_authorities: ["{0}/ca.pem"], certificate: "{0}/client.pem", key: "{0}/client.key"}}
queue.mem.flush.timeout: 100ms
logging.to_stderr: true
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def certificates(tmp_path):
    """The folder with ca.pem, and a certificate with its key for the server and for a client."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, identity in (("server", "127.0.0.1"), ("client", "shipper.example")):
        issued = ca.issue_cert(identity)
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
    return tmp_path


@pytest.fixture
def logstash(stack, certificates):
    """A logstash_py of the test's own before the stack's Elasticsearch: (what starts it, Beats port, tcp port)."""
    beats, tcp, api = free_port(), free_port(), free_port()
    pipeline = certificates / "tls.conf"
    pipeline.write_text(
        PIPELINE.format(
            beats=beats, tcp=tcp, tls=TLS.format(certificates), elasticsearch=stack.settings.elasticsearch_url
        )
    )
    environ = stack.environ | {"LOGSTASH_WRITER_PASSWORD": stack.settings.secrets["LOGSTASH_WRITER_PASSWORD"]}
    command = [sys.executable, "-m", "logstash_py", "run", "-f", pipeline, "--path.data", certificates / "data"]
    running = []

    def start():
        running.append(subprocess.Popen([*command, "--api.http.port", str(api)], cwd=ROOT, env=environ))
        return running[-1]

    yield start, beats, tcp
    for process in running:
        process.kill()
        process.wait(10)


def test_filebeat_delivers_though_logstash_is_killed(stack, certificates, logstash):
    start, beats, _ = logstash
    marker = uuid.uuid4().hex
    text = "".join(f"tls {marker} {number:06d}\n" for number in range(LINES))
    (certificates / "sent.log").write_text(text)
    configuration = certificates / "filebeat.yml"
    configuration.write_text(FILEBEAT.format(certificates, beats))
    configuration.chmod(0o600)
    [running, *_] = poll_until("Filebeat to run", lambda: stack.processes("filebeat"))
    shipped = {"match_phrase": {"log_message": marker}}
    first = start()
    filebeat = subprocess.Popen(
        [running.exe(), "-c", configuration, "--path.data", certificates / "registry"], stderr=subprocess.DEVNULL
    )
    try:
        poll_until("the first lines", lambda: stack.count(shipped) > 0)
        first.kill()
        first.wait(10)
        start()
        poll_until(f"all {LINES} lines", lambda: stack.count(shipped) >= LINES, seconds=60)
    finally:
        filebeat.terminate()
        filebeat.wait(20)
    assert sorted(d["message"] for d in stack.documents(shipped)) == text.splitlines()


def test_python_logstash_async_delivers(stack, certificates, logstash):
    start, _, tcp = logstash
    start()
    marker = uuid.uuid4().hex
    handler = AsynchronousLogstashHandler(
        "127.0.0.1",
        tcp,
        database_path=None,
        ssl_enable=True,
        ssl_verify=True,
        ca_certs=str(certificates / "ca.pem"),
        certfile=str(certificates / "client.pem"),
        keyfile=str(certificates / "client.key"),
    )
    logger = logging.getLogger(f"tls.{marker}")
    logger.propagate = False
    logger.addHandler(handler)
    logger.setLevel("INFO")
    for number in range(200):
        logger.info("async %s %06d", marker, number)
    query = {"match_phrase": {"log_message": marker}}
    try:
        poll_until("200 documents", lambda: stack.count(query) >= 200, seconds=60)
    finally:
        logger.removeHandler(handler)
        handler.close()
    assert sorted(d["message"].split()[-1] for d in stack.documents(query)) == [f"{n:06d}" for n in range(200)]
