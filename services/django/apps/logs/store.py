"""Asks Elasticsearch about the log streams, as the user pt_reader, who can read them and nothing else."""

import logging
from functools import lru_cache
from typing import Any

from django.conf import settings
from elastic_transport import Transport, TransportError
from elastic_transport.client_utils import basic_auth_to_header, url_to_node_config
from rest_framework import status
from rest_framework.exceptions import APIException

USER = "pt_reader"
PARAMETERS = "ignore_unavailable=true&allow_no_indices=true"
JSON, NDJSON = "application/json", "application/x-ndjson"
# Elasticsearch stops by itself and answers with what it has; should it not, we stop waiting.
SEARCH_SECONDS, WAIT_SECONDS = 3, 5
TROUBLE = "The log store can't search just now. Please try again."

logger = logging.getLogger(__name__)


class Unavailable(APIException):
    """There is no answer; the detail says why, in words for the user."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"


class Refused(Unavailable):
    """Elasticsearch takes the request for wrong: `reason` says why, to who has sent it what a user wrote."""

    def __init__(self, reason: str) -> None:
        super().__init__(TROUBLE)
        self.reason = reason


def ask(api: str, body: dict[str, Any] | list[dict[str, Any]], parameters: str = "") -> dict[str, Any]:
    """What Elasticsearch's `api` (``_search``) says of all data streams of the group. A list goes as NDJSON.

    Raises Unavailable, and Refused when it answers 400.
    """
    if not (settings.ELASTICSEARCH_HOSTS and settings.PT_READER_PASSWORD):
        raise Unavailable("Log search is not set up here: ELASTICSEARCH_HOSTS or PT_READER_PASSWORD is empty.")
    transport = _transport(
        tuple(settings.ELASTICSEARCH_HOSTS), settings.PT_READER_PASSWORD, settings.ELASTICSEARCH_CA or None
    )
    target = f"/logs-*-{settings.LOG_GROUP}/{api}?{PARAMETERS}{parameters}"
    headers = {"accept": JSON, "content-type": NDJSON if isinstance(body, list) else JSON}
    try:
        answer = transport.perform_request("POST", target, body=body, headers=headers, request_timeout=WAIT_SECONDS)
    except TransportError as error:
        logger.error("The log store gave no answer: %s", type(error).__name__, exc_info=error)
        raise Unavailable("The log store gave no answer in time. Please try again.") from error
    return _answered(answer.meta.status, answer.body)


def ask_at_once(*bodies: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of several searches, which Elasticsearch does at the same time. Raises as `ask` does."""
    answers = ask("_msearch", [part for body in bodies for part in ({}, body)])["responses"]
    return [_answered(answer["status"], answer) for answer in answers]


def _answered(code: int, body: Any) -> dict[str, Any]:
    if code == status.HTTP_200_OK:
        return body
    reason = body.get("error") if isinstance(body, dict) else None
    reason = reason if isinstance(reason, dict) else {}
    if code == status.HTTP_400_BAD_REQUEST:
        raise Refused(_innermost(reason))
    logger.error("The log store refused a search: %s", code, extra={"reason": reason.get("type")})
    raise Unavailable(TROUBLE)


def stopped(answer: dict[str, Any]) -> bool:
    """Whether a search's answer is not the whole one."""
    return answer["timed_out"] or answer["_shards"]["failed"] > 0


def _innermost(error: dict[str, Any]) -> str:
    """The text of what caused what caused … the error, which is the same on every shard."""
    if shards := error.get("failed_shards"):
        error = shards[0]["reason"]
    while isinstance(cause := error.get("caused_by"), dict):
        error = cause
    return str(error.get("reason") or "")


@lru_cache(maxsize=1)
def _transport(hosts: tuple[str, ...], password: str, ca: str | None) -> Transport:
    headers = {"authorization": basic_auth_to_header((USER, password))}
    nodes = [
        url_to_node_config(host, use_default_ports_for_scheme=True).replace(headers=headers, ca_certs=ca)
        for host in hosts
    ]
    return Transport(nodes, max_retries=0)
