"""docs/fork.md: each recipe, followed to the letter in a copy of the tree, is all that the change takes."""

import json
import os
import re
import shutil
import subprocess

import pytest

from tests.fork import recipes
from tests.paths import ROOT

EVENT = {"service": "django", "message": "INFO|apps.parcels.views|2025-02-02T12:34:56.123|hello"}


def test_the_document_has_these_recipes():
    assert recipes.titles() == ["Rename the group", "Add a service", "Add a Django app"]


@pytest.mark.parametrize(
    "title, place",
    [
        ("Rename the group", ".env.example"),
        ("Add a service", "elk/logstash/dictionaries/services.yml"),
        ("Add a Django app", "elk/logstash/dictionaries/app_modules.yml"),
    ],
)
def test_one_place_is_changed_and_all_else_is_new(fork, title, place):
    before = {path for path in fork.tree.rglob("*") if path.is_file()}
    touched = fork.follow(title)
    assert [path for path in touched if path in before] == [fork.tree / place]


def test_the_group_is_renamed(fork):
    fork.follow("Rename the group")

    assert {fields["group"] for fields in fork.filebeat_inputs().values()} == {"acme"}
    event = EVENT | {"group": "acme"}
    ours, unmatched, foreign = fork.documents(event, event | {"message": "?"}, event | {"group": "pt"})
    assert ours["data_stream"] == {"type": "logs", "dataset": "django", "namespace": "acme"}
    assert ours["event"] == {"module": "acme"} and ours["group"] == "acme"
    assert unmatched["tags"] == ["_grokparsefailure_acme"]
    assert "data_stream" not in foreign
    assert "logs-django-acme" in fork.streams()
    assert "/logs-*-acme/_search" in fork.elasticsearch.sent
    # Elasticsearch makes no other stream by itself: elk/elasticsearch/config/elasticsearch.yml.
    assert fork.part("elasticsearch")["LOG_GROUP"] == "acme"
    assert indices(fork.roles()) == {"logs-*-acme"}

    fork.set_up()

    [template] = fork.elasticsearch.sent_below("/_index_template/").values()
    assert template["index_patterns"] == ["logs-*-acme"]
    assert indices(fork.elasticsearch.sent_below("/_security/role/")) == {"logs-*-acme"}
    in_kibana = fork.elasticsearch.sent["/api/saved_objects/_import"]
    assert "logs-django-acme" in in_kibana and "-pt" not in in_kibana and "_pt" not in in_kibana


def test_the_name_of_the_group_stands_nowhere_else():
    folders = ("elk", "filebeat", "nginx", "infra/native", "infra/containers", "infra/stack")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.*") if path.suffix not in (".pyc", ".sum")]
    files += ROOT.glob("docker-compose*.yml")
    name = re.compile(
        r"""logs-[^\s"']*-pt\b|failure_pt\b|\b(group|namespace|module)\b["'\]]*\s*(:|=|=>|==)\s*["']?pt\b"""
    )
    found = [f"{path}: {line}" for path in files for line in path.read_text().splitlines() if name.search(line)]
    assert found == []


def indices(roles: dict[str, dict]) -> set[str]:
    return {name for role in roles.values() for one in role["indices"] for name in one["names"]}


def test_no_golden_case_needs_the_group_to_be_called_pt(fork):
    fork.follow("Rename the group")
    fork.golden_cases()
    fork.golden_cases(
        ("group: pt\n", "group: acme\n"),
        ("{group: pt,", "{group: acme,"),
        ("LOG_GROUP: pt", "LOG_GROUP: acme"),
        ("namespace: pt", "namespace: acme"),
        ("module: pt", "module: acme"),
        ("failure_pt", "failure_acme"),
    )


def test_a_service_is_added(fork):
    mail = EVENT | {"service": "mailer", "group": fork.group}
    [before] = fork.documents(mail)
    fork.follow("Add a service")
    assert "data_stream" not in before  # it was no service of ours

    assert "1 passed" in fork.python("-m", "logstash_py", "test", "tests/pipeline/cases", "-k", "a mail that was sent")
    fork.golden_cases()
    [document] = fork.documents(mail)
    assert document["data_stream"]["dataset"] == "mailer"
    inputs = fork.filebeat_inputs()
    assert inputs["mailer/mailer.log*"] == {"group": fork.group, "service": "mailer", "stream": "app"}
    assert inputs["celery/celery.log*"]["service"] == "celery"
    assert {f"logs-mailer-{fork.group}", f"logs-django-{fork.group}"} <= set(fork.streams())

    fork.set_up()

    assert f"logs-mailer-{fork.group}" in fork.elasticsearch.sent["/api/saved_objects/_import"]


def test_a_process_of_the_service_writes_its_file(fork):
    """What the recipe says of SERVICE_NAME."""
    script = "from config.logging import build_logging; streams = 'elk/logstash/dictionaries/streams.yml'; "
    script += "built = build_logging(service='mailer', catalogue_path=streams, log_file_path='/l'); "
    script += "print(built['handlers']['file_mailer']['filename'])"
    assert fork.python("-c", script, PYTHONPATH=str(fork.tree / "services/django")).strip() == "/l/mailer/mailer.log"


def test_the_override_example_starts_the_service(fork):
    """With all of Compose's own rules for merging, which need no engine."""
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("`docker compose` is not there")
    shutil.copyfile(ROOT / "docker-compose.override.yml.example", fork.tree / "docker-compose.override.yml")
    script = "import json; from containers import compose; from native.settings import Settings; "
    script += "print(json.dumps(compose.config(Settings.load())['services']))"
    docker = {name: os.environ[name] for name in ("HOME", "DOCKER_CONFIG") if name in os.environ}
    services = json.loads(fork.python("-c", script, RUNTIME="docker", **docker))
    mailer, celery = services["mailer"], services["celery"]
    assert mailer["environment"].items() >= {"SERVICE_NAME": "mailer", "LOG_FILE_PATH": "/var/log/pt"}.items()
    for shared in ("image", "volumes", "healthcheck", "depends_on", "restart"):
        assert mailer[shared] == celery[shared]
    assert celery["environment"]["CELERY_CONCURRENCY"] == "8"


def test_an_app_is_added(fork):
    record = EVENT | {"group": fork.group, "message": "INFO|apps.billing.views|2025-02-02T12:34:56.123|hello"}
    [before] = fork.documents(record)
    fork.follow("Add a Django app")
    assert before["app_module"] == "unknown"

    fork.golden_cases()
    [document] = fork.documents(record)
    assert (document["stream"], document["app_module"]) == ("app", "billing")
    script = "import django; django.setup(); from django.apps import apps; print(apps.get_app_config('billing').name)"
    told = fork.python(
        "-c", script, PYTHONPATH=str(fork.tree / "services/django"), DJANGO_SETTINGS_MODULE="config.settings.test"
    )
    assert told.strip() == "apps.billing"
