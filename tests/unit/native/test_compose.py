import re
from dataclasses import replace

import pytest

from native import compose, state
from native.settings import SECRET_NAMES


@pytest.fixture
def ready(settings):
    state.prepare(settings)
    state.generate_secrets(settings)
    return settings


def environments(settings) -> dict[str, dict[str, str]]:
    parts = compose.render(settings)["processes"]
    return {name: dict(pair.split("=", 1) for pair in part["environment"]) for name, part in parts.items()}


def test_a_secret_stands_only_where_it_is_used(ready):
    where = {name: set() for name in SECRET_NAMES}
    for part, environment in environments(ready).items():
        for name, secret in ready.secrets.items():
            if secret in environment.values():
                where[name].add(part)
    django = {"migrate", "django", "celery", "celerybeat", "flower"}
    assert where == {
        "ELASTIC_PASSWORD": {"setup"},
        "LOGSTASH_WRITER_PASSWORD": {"logstash"},
        "PT_READER_PASSWORD": {"django"},
        "DJANGO_SECRET_KEY": django,
        "CARRIER_WEBHOOK_SECRET": {"django"},
        "DEMO_PASSWORD": {"migrate"},
        # In Docker alone.
        "KIBANA_SYSTEM_PASSWORD": set(),
        "LOGSTASH_SYSTEM_PASSWORD": set(),
        "KIBANA_ENCRYPTION_KEY": set(),
        "POSTGRES_PASSWORD": set(),
    }


def test_nothing_inherits_a_secret(ready, monkeypatch):
    monkeypatch.setenv("ELASTIC_PASSWORD", "of the shell")
    assert not set(SECRET_NAMES) & set(compose.environment(ready, {}))


def test_every_part_listens_on_loopback_and_the_stacks_own_ports(ready):
    rendered = str(compose.render(ready))
    assert "0.0.0.0" not in rendered  # noqa: S104
    for port in ready.ports.values():
        if port not in (ready.elasticsearch_transport_port,):  # stands in elasticsearch.yml
            assert str(port) in rendered


def test_every_value_is_put_in(ready):
    assert not re.findall(r"\$\{", str(compose.render(ready)))


def test_a_name_without_value_or_default_is_an_error_that_names_the_part(ready, monkeypatch):
    document = {"processes": {"web": {"entrypoint": ["x", "${NO_SUCH}"], "availability": {"restart": "always"}}}}
    monkeypatch.setattr(compose, "template", lambda: document)
    with pytest.raises(compose.ComposeError, match=r"part web: \$\{NO_SUCH\} has no value"):
        compose.render(ready)


def test_a_password_with_signs_reaches_the_probe_quoted(ready):
    odd = replace(ready, variables={**ready.variables, "ELASTIC_PASSWORD": "p@ss/w:rd$x"})
    probe = compose.render(odd)["processes"]["elasticsearch"]["readiness_probe"]["http_get"]
    assert probe["host"] == "elastic:p%40ss%2Fw%3Ard%24x@127.0.0.1"


def test_every_part_has_its_place_in_the_stop_order_after_those_that_depend_on_it():
    stages = {part: number for number, stage in enumerate(compose.stop_order()) for part in stage}
    assert set(stages) == set(compose.names())
    for name, part in compose.template()["processes"].items():
        for needed in set(part.get("depends_on", {})) - compose.jobs():
            assert stages[name] < stages[needed], f"{name} needs {needed}"


def test_every_server_has_a_probe():
    for name, part in compose.template()["processes"].items():
        assert ("readiness_probe" in part) == (name not in compose.jobs()), name
