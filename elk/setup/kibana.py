"""Put data views and saved searches into Kibana. Safe to run again: what is there by the same id is overwritten.

elk/kibana/data_view.json is put once for all data streams and once for each service of services.yml (${SERVICE}); each
file of elk/kibana/saved_objects/ is one object, as Kibana exports it (Stack Management, Saved Objects, Export: one line
is one object), except that searchSourceJSON may be written as JSON instead of as a text that holds JSON.

Environment: KIBANA_URL, ELASTIC_PASSWORD, TLS_CA (file, for https), LOG_GROUP (pt). Exit status 1, with the reason,
when Kibana stays away or refuses.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import yaml
from server import Server, SetupError, log, run, variable

ELK = Path(__file__).resolve().parents[1]
DEFINITIONS = ELK / "kibana"
SERVICES = ELK / "logstash" / "dictionaries" / "services.yml"
# Kibana takes no request without it that changes anything.
HEADERS = {"kbn-xsrf": "setup"}


def set_up(environ: Mapping[str, str] = os.environ) -> None:
    url = environ.get("KIBANA_URL", "http://127.0.0.1:5601")
    server = Server("Kibana", url, variable(environ, "ELASTIC_PASSWORD"), environ.get("TLS_CA"), HEADERS)
    objects = list(saved_objects(environ.get("LOG_GROUP") or "pt"))
    server.wait_until("available", "/api/status", is_available)
    lines = "".join(f"{json.dumps(body)}\n" for body in objects)
    file = {"file": ("objects.ndjson", lines, "application/ndjson")}
    answer = server.send("POST", "/api/saved_objects/_import?overwrite=true", files=file).json()
    failed = [f"{error['type']} {error['id']}: {error['error']}" for error in answer.get("errors", ())]
    if failed or not answer["success"]:
        raise SetupError(f"Kibana did not take all objects: {'; '.join(failed) or answer}")
    for body in objects:
        log.info("put %s: %s", body["type"], body["attributes"]["title"])


def is_available(answer: httpx.Response) -> bool:
    return answer.is_success and answer.json()["status"]["overall"]["level"] == "available"


def saved_objects(group: str) -> Iterator[dict]:
    """Data views first: the searches refer to them."""
    data_view = (DEFINITIONS / "data_view.json").read_text()
    for service in ("*", *yaml.safe_load(SERVICES.read_text())):
        yield json.loads(data_view.replace("${SERVICE}", service).replace("${LOG_GROUP}", group))
    for path in sorted((DEFINITIONS / "saved_objects").glob("*.json")):
        body = json.loads(path.read_text().replace("${LOG_GROUP}", group))
        meta = body["attributes"].get("kibanaSavedObjectMeta", {})
        if isinstance(source := meta.get("searchSourceJSON"), dict):
            meta["searchSourceJSON"] = json.dumps(source)
        yield body


if __name__ == "__main__":
    sys.exit(run(set_up))
