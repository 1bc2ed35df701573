"""The two runtimes are twins: what one has the other has, or the lists below say why not.

Each list is exact. What is in it and no longer true fails too.
"""

import re

import pytest
import yaml

from native.settings import Settings
from tests.paths import DICTIONARIES
from tests.unit.deployment.files import dockerfile, given_to, is_job, parts, services, with_defaults

IN_DOCKER_ONLY = {
    "postgres": "natively SQLite",
    "certificates": "natively there is no TLS: all ports are on loopback",
    "kibana": "no package registry has it",
    "setup-kibana": "as Kibana",
}

VARIABLES_IN_DOCKER_ONLY = {
    "POSTGRES_HOST": "natively SQLite, see DATABASE_PATH",
    "POSTGRES_PASSWORD": "as POSTGRES_HOST",
    "PT_STATE": "natively process-compose hands it to all parts",
    "MOTO_PORT": "natively an option of the command",
    "LOGSTASH_API_BIND": "natively the default, loopback; in a container that would be nobody's",
    "LS_JAVA_OPTS": "logstash_py has no heap",
    "ELASTIC_PASSWORD": "natively the user is written to a file, and the password not needed by the server",
    "KIBANA_SYSTEM_PASSWORD": "a user of the native realm, which the distribution has not",
    "LOGSTASH_SYSTEM_PASSWORD": "as KIBANA_SYSTEM_PASSWORD",
    "LOGSTASH_WRITER_PASSWORD": "natively setup makes no users",
    "PT_READER_PASSWORD": "as LOGSTASH_WRITER_PASSWORD; Django has it in both",
    "LOG_RETENTION": "the native distribution has no lifecycle management",
    "KIBANA_URL": "no Kibana natively",
    "COMPOSE_PROJECT_NAME": "of the containers' names",
    "TLS": "natively there is none",
    "TLS_CA": "as TLS",
    "ELASTICSEARCH_CA": "as TLS; Django's",
    "LOGSTASH_TLS": "as TLS",
    "LOGSTASH_TLS_CERTIFICATE": "as TLS",
    "LOGSTASH_TLS_KEY": "as TLS",
    "ELASTICSEARCH_SSL_CERTIFICATEAUTHORITIES": "as TLS; Kibana's",
    "ELASTICSEARCH_SSL_VERIFICATIONMODE": "as TLS; Kibana's",
    "SERVER_SSL_ENABLED": "as TLS; Kibana's",
    "SERVER_SSL_CERTIFICATE": "as TLS; Kibana's",
    "SERVER_SSL_KEY": "as TLS; Kibana's",
    "ELASTICSEARCH_HOSTS": "one file for all of the Elastic side; natively just who asks Elasticsearch has it",
    "ELASTICSEARCH_TLS": "as ELASTICSEARCH_HOSTS",
}
VARIABLES_NATIVE_ONLY = {
    "DATABASE_PATH": "in Docker PostgreSQL, see POSTGRES_HOST",
    "DJANGO_PORT": "in Docker the default: a container has its ports to itself",
    "FLOWER_PORT": "as DJANGO_PORT",
    "FILEBEAT_PORT": "as DJANGO_PORT",
    "LOGSTASH_API_PORT": "as DJANGO_PORT",
    "LOGSTASH_BIND": "in Docker the default, all addresses: what is published is the compose file's to say",
    "LOGSTASH_PIPELINE": "in Docker the image's own folder",
    "LOGSTASH_DICTIONARIES": "as LOGSTASH_PIPELINE",
    "LOGSTASH_UNROUTED": "as LOGSTASH_PIPELINE",
    "CELERYBEAT_SCHEDULE_FILE": "in Docker the image's ENV",
    "CELERY_HEARTBEAT_FILE": "as CELERYBEAT_SCHEDULE_FILE",
    "APP_VERSION": "in Docker an argument of the image's build",
    "ES_PATH_CONF": "in Docker the image's own folder",
    "ES_TMPDIR": "as ES_PATH_CONF",
    "FILEBEAT_DATA": "as ES_PATH_CONF",
    "FILEBEAT_CONFIG_DIR": "as ES_PATH_CONF",
    "NGINX_LISTEN": "in Docker the default, port 80",
    "NGINX_RUN": "in Docker the default",
    "REACT_ROOT": "in Docker the default",
    "LOG_FILE_PATH": "nginx and Filebeat: in Docker the default, where the volume is mounted",
}

PORTS_NATIVE_ONLY = {
    "DJANGO_PORT": "in Docker behind nginx",
    "FLOWER_PORT": "in Docker behind nginx",
    "REDIS_PORT": "in Docker for the other containers alone",
    "LABEL_STORE_PORT": "in Docker for the other containers alone",
    "ELASTICSEARCH_TRANSPORT_PORT": "one node: nobody connects to it",
    "FILEBEAT_PORT": "in Docker for its own health check alone",
}
PORTS_IN_DOCKER_ONLY = {"KIBANA_PORT": "no Kibana natively"}

# (service, what it waits for)
ORDER_IN_DOCKER_ONLY = {
    ("elasticsearch", "certificates"): "TLS",
    ("migrate", "postgres"): "natively SQLite",
    ("filebeat", "migrate"): "who makes the folder of the logs; natively `up` does",
    ("nginx", "flower"): "so that the first who opens /flower/ finds it",
}
ORDER_NATIVE_ONLY = {
    ("filebeat", "logstash"): "in Docker Logstash may be on another host: Filebeat waits for it by itself",
}

SERVICES = yaml.safe_load((DICTIONARIES / "services.yml").read_text())
SHARED = sorted(services().keys() & parts().keys())
SERVERS = [name for name in services() if not is_job(services()[name])]


def test_each_service_is_in_both():
    assert services().keys() - parts().keys() == IN_DOCKER_ONLY.keys()
    # A fork's own service has its part, and its container in docker-compose.override.yml.
    assert parts().keys() - services().keys() <= SERVICES.keys()


def test_jobs_are_jobs_in_both():
    for name in SHARED:
        assert is_job(services()[name]) == is_job(parts()[name]), name


@pytest.mark.parametrize("name", SERVERS)
def test_each_server_has_a_health_check_that_can_fail(name):
    """In its compose file or its Dockerfile, and natively a readiness probe."""
    check = services()[name].get("healthcheck", {}).get("test") or re.findall(
        r"^HEALTHCHECK .*$", dockerfile(name), re.MULTILINE
    )
    assert check, f"{name} has no health check"
    assert not re.search(r"\|\|\s*(echo|true|exit 0)", str(check))
    if name in parts():
        assert parts()[name].keys() & {"readiness_probe"}


@pytest.mark.parametrize("name", SERVERS)
def test_each_server_is_started_again(name):
    assert services()[name]["restart"] == "unless-stopped"


def test_jobs_are_waited_for_by_completion_and_servers_by_health():
    conditions = {
        "service_healthy": False,
        "service_completed_successfully": True,
        "process_healthy": False,
        "process_completed_successfully": True,
    }
    for definitions in (services(), parts()):
        for name, definition in definitions.items():
            for other, how in definition.get("depends_on", {}).items():
                assert conditions[how["condition"]] == is_job(definitions[other]), f"{name} waits for {other}"


def test_the_order_of_the_start_is_the_same():
    docker, native = (
        {(name, other) for name in SHARED for other in definitions[name].get("depends_on", {})}
        for definitions in (services(), parts())
    )
    assert docker - native == ORDER_IN_DOCKER_ONLY.keys()
    assert native - docker == ORDER_NATIVE_ONLY.keys()


def test_each_variable_is_given_in_both():
    docker_only, native_only = set(), set()
    for name in SHARED:
        docker, native = given_to(services()[name]), given_to(parts()[name])
        docker_only |= {variable for variable in docker - native if "." not in variable}  # Elasticsearch's settings
        native_only |= native - docker
    assert docker_only == VARIABLES_IN_DOCKER_ONLY.keys()
    assert native_only == VARIABLES_NATIVE_ONLY.keys()


def published() -> dict[str, str]:
    """{variable: default} of the ports that compose opens."""
    ports = [port for definition in services().values() for port in definition.get("ports", ())]
    return dict(re.search(r":\$\{(\w+_PORT):-(\d+)\}:", port).groups() for port in ports)


def test_each_port_is_in_both():
    native = {field.name.upper() for field in Settings.port_fields()}
    assert native - published().keys() == PORTS_NATIVE_ONLY.keys()
    assert published().keys() - native == PORTS_IN_DOCKER_ONLY.keys()


def test_a_port_is_the_same_in_both():
    defaults = {field.name.upper(): str(field.default) for field in Settings.port_fields()}
    assert {variable: port for variable, port in published().items() if defaults.get(variable, port) != port} == {}


def test_ports_are_opened_on_loopback_by_default():
    for name, definition in services().items():
        for port in definition.get("ports", ()):
            assert with_defaults(port).startswith("127.0.0.1:"), f"{name}: {port}"


def test_containers_reach_each_other_on_the_ports_that_the_parts_have_natively():
    defaults = {field.name.upper(): str(field.default) for field in Settings.port_fields()}
    for name, definition in services().items():
        for variable, value in definition.get("environment", {}).items():
            for other, port in re.findall(r"\b([a-z-]+):(\d+)", str(value)):
                if other in services():
                    expected = defaults[f"{other.upper().replace('-', '_')}_PORT"]
                    assert port == expected, f"{variable} of {name} is {value}"


def test_filebeat_sees_the_logs_of_each_service_that_writes_any():
    def logs(name):
        return [one for one in services()[name].get("volumes", ()) if one.startswith("logs:")]

    for name in services():
        if "LOG_FILE_PATH" in given_to(services()[name]) or name == "nginx":
            assert logs(name) == ["logs:/var/log/pt"], name
    assert logs("filebeat") == ["logs:/var/log/pt:ro"]
