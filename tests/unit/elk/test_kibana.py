"""elk/setup/kibana.py and the objects of elk/kibana: what is imported, and whether the searches can find anything."""

import json
import re

import pytest
import yaml

from tests.paths import DICTIONARIES, ROOT

IMPORT = "POST /api/saved_objects/_import?overwrite=true"
MAPPINGS = ROOT / "elk/elasticsearch/component_templates/pt-mappings.json"
AVAILABLE = {"status": {"overall": {"level": "available"}}}


@pytest.fixture
def kibana(recorder):
    recorder.answers["GET /api/status"] = (200, AVAILABLE)
    recorder.answers[IMPORT] = (200, {"success": True, "successCount": 17})
    return recorder


def imported(kibana) -> list[dict]:
    [body] = [body for request, body in kibana.asked if request == IMPORT]
    return [json.loads(line) for line in body.decode().splitlines() if line.startswith("{")]


def test_a_data_view_for_all_and_for_each_service(kibana, run):
    done = run("kibana.py", LOG_GROUP="acme")
    assert done.returncode == 0, done.stdout
    views = {body["id"]: body["attributes"] for body in imported(kibana) if body["type"] == "index-pattern"}
    services = yaml.safe_load((DICTIONARIES / "services.yml").read_text())
    assert list(views) == ["logs-*-acme", *(f"logs-{service}-acme" for service in services)]
    for name, attributes in views.items():
        assert attributes["title"] == name and attributes["timeFieldName"] == "@timestamp"
        assert name in done.stdout


def test_what_a_search_refers_to_is_imported_with_it(kibana, run):
    run("kibana.py")
    objects = imported(kibana)
    ids = {(body["type"], body["id"]) for body in objects}
    assert len(ids) == len(objects)
    for body in objects:
        assert {(reference["type"], reference["id"]) for reference in body["references"]} <= ids
        if body["type"] == "search":
            meta = body["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"]
            names = {reference["name"] for reference in body["references"]}
            assert json.loads(meta)["indexRefName"] in names


def test_searches_name_fields_that_are_mapped(kibana, run):
    run("kibana.py")
    fields = set(mapped(json.loads(MAPPINGS.read_text())["template"]["mappings"]["properties"]))
    for body in imported(kibana):
        if body["type"] == "search":
            query = json.loads(body["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
            named = {*body["attributes"]["columns"], *re.findall(r"([\w.@]+)\s*(?::|>=)", query)}
            assert named <= fields, f"{body['id']}: {named - fields}"


def mapped(properties: dict, prefix: str = ""):
    for name, field in properties.items():
        if "properties" in field:
            yield from mapped(field["properties"], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_it_waits_until_kibana_is_available(kibana, run):
    class Late(dict):
        def get(self, request, default):
            if request == "GET /api/status" and len(kibana.asked) < 3:
                return 503, {"status": {"overall": {"level": "unavailable"}}}
            return super().get(request, default)

    kibana.answers = Late(kibana.answers)
    assert run("kibana.py").returncode == 0
    assert [request for request, _ in kibana.asked] == ["GET /api/status"] * 3 + [IMPORT]


def test_what_kibana_does_not_take_is_told(kibana, run):
    error = {"type": "search", "id": "pt-errors", "error": {"type": "missing_references"}}
    kibana.answers[IMPORT] = (200, {"success": False, "successCount": 0, "errors": [error]})
    done = run("kibana.py")
    assert done.returncode == 1
    assert "search pt-errors: {'type': 'missing_references'}" in done.stdout
