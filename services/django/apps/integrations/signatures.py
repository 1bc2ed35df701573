"""Signatures of webhooks: HMAC-SHA256 of the body, in the header ``X-Signature: sha256=<hex>``."""

import hashlib
import hmac


def sign(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_valid(signature: str, body: bytes, secret: str) -> bool:
    """Compares in constant time. Without a secret nothing is valid."""
    return bool(secret) and hmac.compare_digest(sign(body, secret).encode(), signature.encode())
