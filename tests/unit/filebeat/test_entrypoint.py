"""filebeat/entrypoint.sh: what it refuses, and the configuration that it renders."""

import os
import subprocess

import pytest
import yaml

from tests.paths import DICTIONARIES, ROOT


@pytest.fixture
def entrypoint(tmp_path):
    """Run the script; in place of Filebeat it becomes a program that says how it was called."""
    program = tmp_path / "bin" / "filebeat"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    for folder in ("logs", "data"):
        (tmp_path / folder).mkdir()

    def run(**environ):
        environ = {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "LOG_FILE_PATH": str(tmp_path / "logs"),
            "FILEBEAT_DATA": str(tmp_path / "data"),
            **environ,
        }
        return subprocess.run(
            [ROOT / "filebeat/entrypoint.sh", "--strict.perms"], env=environ, capture_output=True, text=True
        )

    return run


def test_renders_a_private_configuration_and_becomes_filebeat(entrypoint, tmp_path):
    done = entrypoint(LOGSTASH_HOST="logs.example.org", LOGSTASH_PORT="5045", ENVIRONMENT="staging")
    rendered = tmp_path / "data" / "filebeat.yml"
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["-c", str(rendered), "--path.data", str(tmp_path / "data"), "--strict.perms"]
    assert rendered.stat().st_mode & 0o777 == 0o600
    assert "${" not in rendered.read_text().partition("\nfields_under_root")[2].partition("# Harvesters")[0]
    configuration = yaml.safe_load(rendered.read_text())
    assert configuration["output.logstash"]["hosts"] == ["logs.example.org:5045"]
    assert configuration["fields"] == {"environment": "staging", "app_version": "unknown"}


def test_says_which_container_wrote_a_line_and_of_what_version(entrypoint, tmp_path):
    entrypoint(COMPOSE_PROJECT_NAME="shop", APP_VERSION="v1.2.0-3-gabc1234-dirty")
    configuration = yaml.safe_load((tmp_path / "data" / "filebeat.yml").read_text())
    assert configuration["fields"]["app_version"] == "v1.2.0-3-gabc1234-dirty"
    writers = {one["id"]: one["fields"]["container.name"] for one in configuration["filebeat.inputs"]}
    assert writers["pt-celery-celery"] == "shop-celery-1"
    assert writers["pt-django-app"] == "shop-django-1"
    assert writers["pt-react-react"] == "shop-django-1"  # Django takes in what browsers report
    assert writers["pt-react-build"] == "shop-nginx-1"


def test_natively_there_is_no_container(entrypoint, tmp_path):
    entrypoint()
    assert "container" not in (tmp_path / "data" / "filebeat.yml").read_text()


def test_logstash_is_looked_for_on_the_docker_host_by_default(entrypoint, tmp_path):
    assert entrypoint().returncode == 0
    configuration = yaml.safe_load((tmp_path / "data" / "filebeat.yml").read_text())
    assert configuration["output.logstash"]["hosts"] == ["host.docker.internal:5044"]


def test_tls_with_certificates_that_may_come_late(entrypoint, tmp_path):
    entrypoint()
    configuration = yaml.safe_load((tmp_path / "data" / "filebeat.yml").read_text())
    assert configuration["output.logstash"]["ssl"]["enabled"] is False

    certificates = tmp_path / "tls"
    certificates.mkdir()
    # The job that makes them is done while the script waits.
    sleep = tmp_path / "bin" / "sleep"
    sleep.write_text(f"#!/bin/sh\ntouch {certificates}/filebeat.key\n")
    sleep.chmod(0o755)
    done = entrypoint(TLS="on", FILEBEAT_TLS=str(certificates))
    assert done.returncode == 0, done.stderr
    configuration = yaml.safe_load((tmp_path / "data" / "filebeat.yml").read_text())
    assert configuration["output.logstash"]["ssl"] == {
        "enabled": True,
        "certificate_authorities": [f"{certificates}/ca.crt"],
        "certificate": f"{certificates}/filebeat.crt",
        "key": f"{certificates}/filebeat.key",
        "verification_mode": "full",
    }


def test_tls_without_certificates_is_told(entrypoint, tmp_path):
    sleep = tmp_path / "bin" / "sleep"
    sleep.write_text("#!/bin/sh\n")
    sleep.chmod(0o755)
    done = entrypoint(TLS="on", FILEBEAT_TLS=str(tmp_path / "tls"))
    assert done.returncode == 1
    assert f"{tmp_path}/tls/filebeat.key" in done.stderr


def test_one_input_for_each_file_with_its_backups(entrypoint, tmp_path):
    entrypoint()
    inputs = yaml.safe_load((tmp_path / "data" / "filebeat.yml").read_text())["filebeat.inputs"]
    services = yaml.safe_load((DICTIONARIES / "services.yml").read_text())
    assert [(i["paths"], i["fields"]) for i in inputs] == [
        ([f"{tmp_path}/logs/{service}/{file}*"], {"group": "pt", "service": service, "stream": stream})
        for service, files in services.items()
        for file, stream in files.items()
    ]
    streams = set(yaml.safe_load((DICTIONARIES / "streams.yml").read_text()).values())
    assert {i["fields"]["stream"] for i in inputs} == streams
    assert len({i["id"] for i in inputs}) == len(inputs)
    for i in inputs:
        assert i["fields_under_root"]
        assert i["prospector.scanner.fingerprint"]["length"] == 64


@pytest.mark.parametrize(
    "variable, value",
    [
        ("LOGSTASH_HOST", "http://logs.example.org"),
        ("LOGSTASH_HOST", 'a"b'),
        ("LOGSTASH_HOST", "a|b"),
        ("LOGSTASH_PORT", "no"),
        ("LOGSTASH_PORT", "0"),
        ("LOGSTASH_PORT", "65536"),
        ("FILEBEAT_PORT", "-1"),
        ("TLS", "true"),
        ("ENVIRONMENT", "a: b"),
        ("LOG_GROUP", "my-team"),
        ("LOG_FILE_PATH", "/nowhere/at/all"),
        ("FILEBEAT_CONFIG_DIR", "/nowhere/at/all"),
    ],
)
def test_a_bad_value_is_named(entrypoint, variable, value):
    done = entrypoint(**{variable: value})
    assert done.returncode == 1
    assert f"{variable}={value}" in done.stderr
    assert done.stdout == ""
