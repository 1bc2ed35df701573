"""elk/setup/setup.py: what it asks of Elasticsearch, in which order, and what it says when it is refused."""

import json

import pytest

from tests.paths import ROOT
from tests.unit.elk.conftest import PASSWORDS

DEFINITIONS = ROOT / "elk/elasticsearch"
AUTHENTICATE, PLUGINS = "GET /_security/_authenticate", "GET /_nodes/plugins?filter_path=nodes.*.modules.name"
POLICY, LIFECYCLE = "PUT /_ilm/policy/pt-logs", "PUT /_component_template/pt-lifecycle"


def realm(kind: str) -> dict:
    return {"authentication_realm": {"name": kind, "type": kind}}


@pytest.fixture
def elasticsearch(recorder):
    """The official distribution: elastic is built in."""
    recorder.answers[AUTHENTICATE] = (200, realm("reserved"))
    return recorder


def test_everything_is_put_and_may_be_put_again(elasticsearch, run):
    for _ in range(2):
        elasticsearch.asked.clear()
        done = run("setup.py")
        assert done.returncode == 0, done.stdout
        assert elasticsearch.changes == [
            "POST /_security/user/kibana_system/_password",
            "POST /_security/user/logstash_system/_password",
            "PUT /_security/role/logstash_writer_pt",
            "PUT /_security/role/pt_reader",
            "PUT /_security/user/logstash_writer",
            "PUT /_security/user/pt_reader",
            POLICY,
            LIFECYCLE,
            "PUT /_component_template/pt-mappings",
            "PUT /_component_template/pt-settings",
            "PUT /_index_template/pt-logs",
        ]
        for change in elasticsearch.changes:
            name = change.removesuffix("/_password").rpartition("/")[2]
            assert name in done.stdout, f"{change} is not in the log"


def test_each_user_gets_his_own_password_and_roles(elasticsearch, run):
    run("setup.py")
    for name in ("kibana_system", "logstash_system"):
        body = elasticsearch.body(f"POST /_security/user/{name}/_password")
        assert body == {"password": PASSWORDS[f"{name.upper()}_PASSWORD"]}
    assert elasticsearch.body("PUT /_security/user/logstash_writer") == {
        "roles": ["logstash_writer_pt"],
        "password": PASSWORDS["LOGSTASH_WRITER_PASSWORD"],
    }
    assert elasticsearch.body("PUT /_security/user/pt_reader") == {
        "roles": ["pt_reader"],
        "password": PASSWORDS["PT_READER_PASSWORD"],
    }


def test_no_password_is_logged(elasticsearch, run):
    done = run("setup.py")
    assert not [secret for secret in PASSWORDS.values() if secret in done.stdout + done.stderr]


def test_group_and_retention_stand_in_the_definitions(elasticsearch, run):
    assert run("setup.py", LOG_GROUP="acme", LOG_RETENTION="90d").returncode == 0
    assert elasticsearch.body("PUT /_index_template/pt-logs")["index_patterns"] == ["logs-*-acme"]
    [indices] = elasticsearch.body("PUT /_security/role/logstash_writer_pt")["indices"]
    assert indices["names"] == ["logs-*-acme"]
    phases = elasticsearch.body(POLICY)["policy"]["phases"]
    assert {name: phase.get("min_age") for name, phase in phases.items()} == {
        "hot": None,
        "warm": "7d",
        "cold": "14d",
        "delete": "90d",
    }
    assert b"${" not in b"".join(body for _, body in elasticsearch.asked)


def test_a_short_retention_has_no_phases_after_its_end(elasticsearch, run):
    done = run("setup.py", LOG_RETENTION="10d")
    assert list(elasticsearch.body(POLICY)["policy"]["phases"]) == ["hot", "warm", "delete"]
    assert "no phase cold" in done.stdout


def test_of_the_native_distribution_only_templates_are_asked(recorder, run):
    """Its users are of files, and it has no lifecycle management: that it says in its modules, not by an error."""
    recorder.answers[AUTHENTICATE] = (200, realm("file"))
    recorder.answers[PLUGINS] = (200, {"nodes": {"a": {"modules": [{"name": "x-pack-core"}]}}})
    done = run("setup.py", **{name: "" for name in PASSWORDS if name != "ELASTIC_PASSWORD"})
    assert done.returncode == 0, done.stdout
    assert recorder.changes == [
        "PUT /_component_template/pt-mappings",
        "PUT /_component_template/pt-settings",
        "PUT /_index_template/pt-logs",
    ]
    assert "none are put" in done.stdout and "no document is ever deleted" in done.stdout


@pytest.mark.parametrize("refused", ["POST /_security/user/kibana_system/_password", POLICY, LIFECYCLE])
def test_the_official_distribution_must_take_every_step(elasticsearch, run, refused):
    elasticsearch.answers[refused] = (400, {"error": {"reason": "no such endpoint"}, "status": 400})
    done = run("setup.py")
    assert done.returncode == 1
    assert f"{refused} was refused: 400 no such endpoint" in done.stdout
    assert elasticsearch.changes[-1] == refused


def test_a_wrong_password_is_told_at_once(elasticsearch, run):
    done = run("setup.py", ELASTIC_PASSWORD="another")
    assert done.returncode == 1
    assert "does not take ELASTIC_PASSWORD" in done.stdout
    assert len(elasticsearch.asked) == 1


def test_it_waits_until_elasticsearch_is_healthy(elasticsearch, run):
    health = "GET /_cluster/health?wait_for_status=yellow&timeout=10s"

    class Late(dict):
        def get(self, request, default):
            if request == health and len(elasticsearch.asked) < 3:
                return 408, {"timed_out": True}
            return super().get(request, default)

    elasticsearch.answers = Late(elasticsearch.answers)
    assert run("setup.py").returncode == 0
    assert [request for request, _ in elasticsearch.asked[:4]] == [health] * 3 + [AUTHENTICATE]


@pytest.mark.parametrize(
    "environ, told",
    [
        ({"ELASTIC_PASSWORD": ""}, "ELASTIC_PASSWORD is not set: run `make up`"),
        ({"PT_READER_PASSWORD": ""}, "PT_READER_PASSWORD is not set: run `make up`"),
        ({"LOG_RETENTION": "30"}, "30 is no age"),
        ({"ELASTICSEARCH_HOSTS": "https://127.0.0.1:9", "TLS_CA": "/nowhere/ca.crt"}, "/nowhere/ca.crt (TLS_CA)"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_changed(elasticsearch, run, environ, told):
    done = run("setup.py", **environ)
    assert done.returncode == 1
    assert told in done.stdout
    assert elasticsearch.changes == []


def test_each_user_has_roles_that_exist_and_a_password():
    users = json.loads((DEFINITIONS / "users.json").read_text())
    ours = {path.stem for path in (DEFINITIONS / "roles").glob("*.json")}
    for name, user in users.items():
        assert user["password_variable"] in PASSWORDS
        if not user.get("built_in"):
            assert set(user["roles"]) <= ours, name
    assert ours == {role for user in users.values() if not user.get("built_in") for role in user["roles"]}
