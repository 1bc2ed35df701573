"""Signatures of webhooks as https://www.standardwebhooks.com describes them, those we are sent and those we send.

Three headers: ``webhook-id``, the delivery's own, the same each time it is tried; ``webhook-timestamp``, in seconds
since 1970; ``webhook-signature``, one or more of ``v1,<base64>`` with blanks between, each the HMAC-SHA256 of
``<id>.<timestamp>.<body>``. The timestamp ends a delivery's life, the id lets it take effect once: a copy of it is
worth nothing. A secret is ``whsec_<base64>``, as there, or else any text, whose bytes are the key.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping

TOLERANCE = 300  # seconds that sender's and receiver's clocks may differ, delivery included
MAX_ID = 100  # characters
SECRET_PREFIX = "whsec_"  # noqa: S105 - what stands before a secret


class WrongSignature(Exception):
    """The message says what is wrong."""


def sign(delivery_id: str, timestamp: int, body: bytes, secret: str) -> dict[str, str]:
    """The three headers."""
    signature = _signature(delivery_id, str(timestamp), body, secret)
    return {"webhook-id": delivery_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> str:
    """The delivery's id. Raises WrongSignature; without a secret everything is wrong."""
    if not secret:
        raise WrongSignature("no secret is configured")
    delivery_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not 0 < len(delivery_id) <= MAX_ID or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise WrongSignature("a header is missing or malformed")
    expected = _signature(delivery_id, timestamp, body, secret).encode()
    given = headers.get("webhook-signature", "").split(" ")
    # All of them, in constant time each: several stand there while a secret is changed.
    if not any([hmac.compare_digest(expected, signature.encode()) for signature in given]):
        raise WrongSignature("the signature does not fit")
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        raise WrongSignature("the timestamp is too old or in the future")
    return delivery_id


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def _signature(delivery_id: str, timestamp: str, body: bytes, secret: str) -> str:
    encoded = secret.startswith(SECRET_PREFIX)
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX)) if encoded else secret.encode()
    digest = hmac.new(key, f"{delivery_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
