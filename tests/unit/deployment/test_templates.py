"""Templates and the scripts that render them; the files that are written and those that Filebeat is told of."""

import re

import pytest
import yaml

from tests.paths import DICTIONARIES, ROOT
from tests.unit.deployment.files import REFERENCE, dockerfile, text

TEMPLATES = {
    "filebeat/filebeat.template.yml": "filebeat/entrypoint.sh",
    "nginx/nginx.conf.template": "nginx/entrypoint.sh",
}
# What the images build, and no process here writes.
WRITTEN_BY_A_BUILD = {("react", "build.log")}


@pytest.mark.parametrize("template, script", TEMPLATES.items())
def test_the_script_puts_a_value_for_each_name_of_its_template_and_no_other(template, script):
    named = {match["name"] for match in REFERENCE.finditer(text(template))}
    put = set(re.findall(r"s\|\\\$\{([A-Z_]+)\}\|", (ROOT / script).read_text()))
    assert put == named


@pytest.mark.parametrize("template, script", TEMPLATES.items())
def test_the_image_holds_both(template, script):
    service = template.partition("/")[0]
    for path in (template, script):
        assert re.search(rf"^COPY .*{re.escape(path)}\b", dockerfile(service), re.MULTILINE), path


def test_the_script_says_what_it_reads():
    """The list at its head is the documentation."""
    for script in TEMPLATES.values():
        said = set(re.findall(r"^#   ([A-Z_]+)  ", (ROOT / script).read_text(), re.MULTILINE))
        assert said == {match["name"] for match in REFERENCE.finditer(text(script)) if match["operator"] == ":-"}


def test_filebeat_reads_what_the_services_write(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "services/django")
    from config.logging import build_logging

    written = {("nginx", file) for file in re.findall(r"/nginx/(\w+\.log)", text("nginx/nginx.conf.template"))}
    for service in ("django", "celery", "celerybeat", "flower"):
        built = build_logging(service=service, catalogue_path=DICTIONARIES / "streams.yml", log_file_path="/logs")
        files = [handler["filename"] for handler in built["handlers"].values() if "filename" in handler]
        written |= {tuple(file.removeprefix("/logs/").split("/")) for file in files}
    ours = {service for service, _ in written}  # a fork has more
    catalogue = yaml.safe_load((DICTIONARIES / "services.yml").read_text())
    read = {(service, file) for service, files in catalogue.items() if service in ours for file in files}
    assert read - written == WRITTEN_BY_A_BUILD
    assert written - read == set()
