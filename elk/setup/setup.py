"""Set up Elasticsearch: lifecycle policy, component templates, index template. Safe to run again at any time.

Reads the JSON files of elk/elasticsearch/, one object a file, named as the object is named. Roles and users are not
made here: natively they are of the file realm, which infra/native writes from the same JSON files.

Environment: ELASTICSEARCH_HOSTS (URL), ELASTIC_PASSWORD. Exit status 1, with the reason, when Elasticsearch stays away
or refuses.
"""

import json
import logging
import os
import sys
import time
from pathlib import Path

from elasticsearch import ApiError, Elasticsearch, TransportError

DEFINITIONS = Path(__file__).resolve().parents[1] / "elasticsearch"
WAIT_SECONDS = 120
JSON = "application/json"

log = logging.getLogger("setup")


def definitions(folder: str):
    """Yield (name, body) of each JSON file of a folder of elk/elasticsearch/, in name order."""
    for path in sorted((DEFINITIONS / folder).glob("*.json")):
        yield path.stem, json.loads(path.read_text())


def wait_for(client: Elasticsearch, seconds: float = WAIT_SECONDS) -> None:
    """Return when the cluster is at least yellow. Raises TimeoutError that names the last answer."""
    log.info("waiting for Elasticsearch")
    deadline = time.monotonic() + seconds
    while True:
        try:
            health = client.cluster.health(wait_for_status="yellow", timeout="10s")
            log.info("Elasticsearch answers: cluster %s is %s", health["cluster_name"], health["status"])
            return
        except (ApiError, TransportError) as error:
            if isinstance(error, ApiError) and error.status_code in (401, 403):
                raise
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"Elasticsearch is not healthy after {seconds:.0f} s; its last answer: {error}"
                ) from error
            time.sleep(0.5)


def has_lifecycle(client: Elasticsearch) -> bool:
    """Whether this Elasticsearch manages lifecycles. The distribution that the native runtime uses does not."""
    try:
        client.ilm.get_status()
    except ApiError as error:
        if error.status_code in (400, 405):  # no such endpoint
            return False
        raise
    return True


def set_up(client: Elasticsearch) -> None:
    wait_for(client)
    lifecycle = has_lifecycle(client)
    if lifecycle:
        for name, body in definitions("lifecycle"):
            put(client, f"/_ilm/policy/{name}", body)
    else:
        log.info(
            "no lifecycle management in this Elasticsearch: policy and pt-lifecycle left out, nothing is ever deleted"
        )
    for name, body in definitions("component_templates"):
        if name == "pt-lifecycle" and not lifecycle:
            continue
        put(client, f"/_component_template/{name}", body)
    for name, body in definitions("index_templates"):
        put(client, f"/_index_template/{name}", body)


def put(client: Elasticsearch, path: str, body: dict) -> None:
    """PUT a JSON file as it is, so that what stands in the file is what Elasticsearch's documentation shows."""
    client.perform_request("PUT", path, headers={"accept": JSON, "content-type": JSON}, body=body)
    log.info("PUT %s", path)


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    logging.getLogger("elastic_transport").setLevel(logging.CRITICAL)  # each failed try with its traceback
    hosts = os.environ.get("ELASTICSEARCH_HOSTS", "http://127.0.0.1:9200")
    password = os.environ.get("ELASTIC_PASSWORD")
    if not password:
        log.error("ELASTIC_PASSWORD is not set")
        return 1
    try:
        set_up(Elasticsearch(hosts, basic_auth=("elastic", password), request_timeout=30, max_retries=0))
    except (ApiError, TransportError, TimeoutError) as error:
        log.error("set-up of %s failed: %s", hosts, error)
        return 1
    log.info("set-up is complete")
    return 0


if __name__ == "__main__":
    sys.exit(main())
