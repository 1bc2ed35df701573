"""The elasticsearch output: what its options send, and which of them are refused."""

import asyncio
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from logstash_py import ConfigError, Pipeline
from logstash_py.dead_letters import DeadLetterQueue
from logstash_py.event import build

from .conftest import free_port
from .fake_elasticsearch import FakeElasticsearch


def send(options: str, *events: dict, folder: Path = Path("unused")) -> Pipeline:
    """One batch through an output with these options."""
    pipeline = Pipeline.from_text(f"output {{ elasticsearch {{ id => es retry_initial_interval => 0.01 {options} }} }}")
    (output,) = pipeline.outputs

    async def run() -> None:
        await output.start(DeadLetterQueue(folder / "dlq"))
        try:
            async with asyncio.timeout(10):
                await output.send(output.prepare([build(event) for event in events]))
        finally:
            await output.stop()

    asyncio.run(run())
    return pipeline


def hosts(elasticsearch: FakeElasticsearch) -> str:
    return f'hosts => "{elasticsearch.url}"'


TIME = "2025-02-03T04:05:06.789Z"


def test_auto_means_data_streams(elasticsearch) -> None:
    event = {"message": "a", "data_stream": {"dataset": "given"}}
    send(hosts(elasticsearch), event, {"message": "b"})
    assert elasticsearch.actions == [
        {"create": {"_index": "logs-given-default"}},
        {"create": {"_index": "logs-generic-default"}},
    ]
    (source, other) = elasticsearch.documents.values()
    assert source["data_stream"] == {"type": "logs", "dataset": "given", "namespace": "default"}
    assert other["data_stream"] == {"type": "logs", "dataset": "generic", "namespace": "default"}


@pytest.mark.parametrize(
    ("options", "event", "action"),
    [
        ('index => "pt-%{+yyyy.MM}-%{k}"', {}, {"index": {"_index": "pt-2025.02-v"}}),
        ('data_stream => "false"', {}, {"index": {"_index": "ecs-logstash-2025.02.03"}}),
        ("ecs_compatibility => disabled", {}, {"index": {"_index": "logstash-2025.02.03"}}),
        ('data_stream => "false" action => create', {}, {"create": {"_index": "ecs-logstash-2025.02.03"}}),
        ('index => "i" document_id => "%{k}"', {}, {"index": {"_index": "i", "_id": "v"}}),
        (
            'index => "i" document_id => "%{k}" routing => "r-%{k}" pipeline => "p"',
            {},
            {"index": {"_index": "i", "_id": "v", "routing": "r-v", "pipeline": "p"}},
        ),
        (
            "",
            {"@metadata": {"_ingest_document": {"id": "x", "routing": "r", "index": "own", "pipeline": "p"}}},
            {"create": {"_index": "own", "_id": "x", "routing": "r", "pipeline": "p"}},
        ),
        (
            'index => "i"',
            {"@metadata": {"_ingest_document": {"index": "own"}}},
            {"index": {"_index": "i"}},
        ),
        ('data_stream_type => metrics data_stream_namespace => "n"', {}, {"create": {"_index": "metrics-generic-n"}}),
        (
            "data_stream_auto_routing => false",
            {"data_stream": {"dataset": "given"}},
            {"create": {"_index": "logs-generic-default"}},
        ),
    ],
)
def test_where_a_document_goes(elasticsearch, options: str, event: dict, action: dict) -> None:
    send(f"{hosts(elasticsearch)} {options}", {"k": "v", "@timestamp": TIME, **event})
    assert elasticsearch.actions == [action]


def test_an_index_without_a_name_goes_to_the_dead_letter_queue(elasticsearch, tmp_path) -> None:
    pipeline = send(f'{hosts(elasticsearch)} index => "pt-%{{k}}"', {"k": "v", "n": 1}, {"n": 2}, folder=tmp_path)
    assert [source["n"] for source in elasticsearch.documents.values()] == [1]
    (entry,) = DeadLetterQueue(tmp_path / "dlq").entries()
    assert (entry["event"]["n"], entry["reason"]) == (2, "Could not resolve dynamic index")
    assert pipeline.outputs[0].stats()["documents"] == {"successes": 1, "dlq_routed": 1}


def test_custom_codes_go_to_the_dead_letter_queue(elasticsearch, tmp_path) -> None:
    elasticsearch.answer = lambda documents: [403, 201]
    send(f"{hosts(elasticsearch)} dlq_custom_codes => [403]", {"n": 1}, {"n": 2}, folder=tmp_path)
    assert [entry["event"]["n"] for entry in DeadLetterQueue(tmp_path / "dlq").entries()] == [1]


def test_a_dead_letter_is_the_whole_event(elasticsearch, tmp_path) -> None:
    elasticsearch.answer = lambda documents: [400] * len(documents)
    event = {"@timestamp": TIME, "n": 2**70, "text": "Übel\n\0", "deep": [{"a": [None, 1.5, True]}]}
    send(hosts(elasticsearch), event | {"@metadata": {"service": {"app.log": "app"}}}, folder=tmp_path)
    (entry,) = DeadLetterQueue(tmp_path / "dlq").entries()
    assert event.items() <= entry["event"].items()
    assert entry["event"]["@metadata"] == {"service": {"app.log": "app"}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("action => update", "only create and index"),
        ('data_stream => "true" index => "i"', "Invalid data stream configuration: ['index']"),
        ('data_stream => "true" action => index', "Invalid data stream configuration: ['action']"),
        ('data_stream => "true" ecs_compatibility => disabled', "ecs_compatibility => disabled"),
        ('index => "i" data_stream_type => "logs"', "must not be present when data streams are disabled"),
        ('data_stream_dataset => "a b"', "Invalid characters"),
        ('api_key => "a:b"', "requires SSL/TLS"),
        ('hosts => "https://h" api_key => "a:b" user => "u" password => "p"', "Multiple authentication"),
        ('hosts => "http://h" ssl_enabled => true', "contradicts ssl_enabled"),
        ('hosts => "ftp://h"', "no address"),
        ('hosts => "http://h/a" path => "/b"', "give only one"),
        ('hosts => "https://h" ssl_certificate_authorities => "/nope.pem"', "/nope.pem: No such file"),
        ('hosts => "https://h" ssl_certificate => "/nope.pem"', "go together"),
        ('proxy => "http://p"', "proxy"),
        ("sniffing => true", "name all hosts"),
        ("manage_template => true", "no index template is installed"),
        ("ilm_enabled => true", "not managed"),
        ("dlq_custom_codes => [409]", "already defined"),
        ("compression_level => 10", "one of 0 to 9"),
        ('cloud_id => "x"', "Unknown setting"),
    ],
)
def test_what_is_refused_has_its_place(options: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Pipeline.from_text(f"output {{ elasticsearch {{\n{options} }} }}")
    assert message in raised.value.message
    assert raised.value.line == 2


def test_paths_headers_and_parameters(elasticsearch) -> None:
    options = 'path => "/es" parameters => { "require_alias" => "true" } custom_headers => { "X-A" => "b" }'
    send(f"{hosts(elasticsearch)} {options} user => 'u' password => 'p'", {"n": 1})
    (request,) = elasticsearch.log
    assert request["path"].startswith("/es/_bulk?")
    assert "require_alias=true" in request["path"]
    headers = {name.lower(): value for name, value in request["headers"].items()}
    assert (headers["x-a"], headers["authorization"]) == ("b", "Basic dTpw")


@pytest.mark.parametrize(("options", "smaller"), [("", False), ("compression_level => 1", True)])
def test_bodies_are_compressed_when_asked(elasticsearch, options: str, smaller: bool) -> None:
    send(f"{hosts(elasticsearch)} {options}", *({"n": n, "text": "x" * 1000} for n in range(10)))
    (request,) = elasticsearch.log
    assert len(elasticsearch.documents) == 10
    assert (request["sent"] < request["read"] / 5) == smaller


def test_one_request_is_bounded(elasticsearch, monkeypatch) -> None:
    monkeypatch.setattr("logstash_py.outputs.elasticsearch.TARGET_BULK_BYTES", 3000)
    send(hosts(elasticsearch), *({"n": n, "text": "x" * 1000} for n in range(7)), {"n": 7, "text": "x" * 5000})
    assert len(elasticsearch.documents) == 8
    assert [request["read"] for request in elasticsearch.log if request["read"] > 3000] == [
        max(request["read"] for request in elasticsearch.log)
    ]


def test_a_dead_host_is_left_out_until_it_is_back(elasticsearch) -> None:
    dead = free_port()
    both = f'hosts => ["http://127.0.0.1:{dead}", "{elasticsearch.url}"]'
    for n in range(4):
        send(both, {"n": n})
    assert len(elasticsearch.documents) == 4


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    command += f" -addext subjectAltName=IP:127.0.0.1 -keyout {folder}/key.pem -out {folder}/cert.pem"
    subprocess.run(command.split(), check=True, capture_output=True)
    return folder


@pytest.fixture
def secure(certificates: Path) -> Iterator[FakeElasticsearch]:
    """Asks for a client's certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "cert.pem")
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = FakeElasticsearch(context).start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    "trust", ["ssl_certificate_authorities => '{}'", "cacert => '{}'", "ssl_verification_mode => none"]
)
def test_tls_with_both_sides_certificates(secure, certificates, trust: str) -> None:
    certificate = certificates / "cert.pem"
    options = f"ssl_certificate => '{certificate}' ssl_key => '{certificates / 'key.pem'}' api_key => 'id:key'"
    send(f"hosts => '127.0.0.1:{secure.port}' ssl_enabled => true {options} {trust.format(certificate)}", {"n": 1})
    assert len(secure.documents) == 1
    assert secure.authorizations == {"ApiKey aWQ6a2V5"}


def test_an_unknown_authority_is_not_trusted(secure, certificates, caplog) -> None:
    certificate, key = certificates / "cert.pem", certificates / "key.pem"
    options = f"ssl_certificate => '{certificate}' ssl_key => '{key}' retry_max_interval => 0.01"
    pipeline = Pipeline.from_text(f"output {{ elasticsearch {{ hosts => '{secure.url}' {options} }} }}")

    async def run() -> None:
        (output,) = pipeline.outputs
        await output.start(None)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await output.send(output.prepare([build({"n": 1})]))
        await output.stop()

    asyncio.run(run())
    assert not secure.documents
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


def test_a_host_without_a_port_is_on_9200() -> None:
    pipeline = Pipeline.from_text('output { elasticsearch { hosts => ["a", "b:1", "https://c", "//d"] } }')
    assert [(node.scheme, node.host, node.port) for node in pipeline.outputs[0]._nodes] == [
        ("http", "a", 9200),
        ("http", "b", 1),
        ("https", "c", 9200),
        ("http", "d", 9200),
    ]
