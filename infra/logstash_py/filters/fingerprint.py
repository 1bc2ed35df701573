"""fingerprint: a hash of fields."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import ipaddress
import unicodedata
import uuid
from collections.abc import Callable
from typing import Any, ClassVar

from .. import fieldref
from ..code import Code, Field
from ..event import Event
from ..murmur3 import murmur3_32, murmur3_128
from ..plugin import Inlined, Option, WrongValue, array, boolean, field_reference, one_of
from ..text import ruby_text

_DIGESTS = {
    "SHA1": hashlib.sha1,
    "SHA256": hashlib.sha256,
    "SHA384": hashlib.sha384,
    "SHA512": hashlib.sha512,
    "MD5": hashlib.md5,
}
_METHODS = (*_DIGESTS, "MURMUR3", "MURMUR3_128", "IPV4_NETWORK", "UUID", "PUNCTUATION")
# The seed that Logstash's plugin gives to the 128-bit hash.
_SEED_128 = 2


def _key(value: Any) -> str:
    if not isinstance(value, str):
        raise WrongValue("could not coerce the key to a text: write it in quotes")
    return value


def _bytes(value: Any) -> bytes:
    return (value if type(value) is str else ruby_text(value)).encode("utf-8", "surrogatepass")


def _murmur_bytes(value: Any, *, short: bool) -> bytes:
    """Integers are hashed as their eight bytes, or four if `short` and they are enough; everything else as text."""
    if type(value) is int and -(1 << 63) <= value < 1 << 63:
        return value.to_bytes(4 if short and -(1 << 31) <= value < 1 << 31 else 8, "little", signed=True)
    return _bytes(value)


def _punctuation(text: Any) -> str:
    """Punctuation and symbols only. What is no text kills Logstash's pipeline."""
    if not isinstance(text, str):
        raise TypeError(f"undefined method `gsub' for {text!r}")
    return "".join(char for char in text if unicodedata.category(char)[0] in "PS")


def _sorted(value: Any) -> Any:
    if type(value) is dict:
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if type(value) is list else value


def _text(value: Any) -> str:
    return str(value) if type(value) is int else ruby_text(_sorted(value))


def _all_fields(event: Event) -> str:
    fields = sorted((key, value) for key, value in event.items() if key != "@metadata")
    return "".join(f"|{key}|{_text(value)}" for key, value in fields) + "|"


class Fingerprint(Inlined):
    name = "fingerprint"
    options: ClassVar = {
        "source": Option(array, ["message"]),
        "target": Option(field_reference),
        "key": Option(_key),
        "method": Option(one_of(*_METHODS), "SHA1"),
        "base64encode": Option(boolean, False),
        "concatenate_sources": Option(boolean, False),
        "concatenate_all_fields": Option(boolean, False),
    }

    def register(self) -> None:
        if self.target is None:
            self.target = "[event][hash]" if self.ecs else "fingerprint"
        if self.method == "IPV4_NETWORK" and not (self.key or "").isdigit():
            raise self.refuse("key", "Key value is empty. Please fill in a subnet prefix length")

    def emit(self, code: Code) -> None:
        target = Field(code, fieldref.parse(self.target))
        digest = code.bind(self._digest(), "digest")
        sources = [(name, Field(code, fieldref.parse(name))) for name in self.source]
        if self.method == "UUID":
            target.set(f"str({code.bind(uuid.uuid4)}())")
        elif self.method == "PUNCTUATION":
            for _, field in sorted(sources, key=lambda source: source[0]):
                with code.block(f"if {field.includes()}:"):
                    target.set(f"{digest}({field.get()})")
        elif self.concatenate_all_fields:
            target.set(f"{digest}({code.bind(_all_fields)}(event))")
        elif self.concatenate_sources:
            parts = []
            for name, field in sorted(sources, key=lambda source: source[0]):
                value = code.local(field.get())
                # An integer in a text is written as `_text` does it.
                with code.block(f"if type({value}) is not str and type({value}) is not int:"):
                    code.line(f"{value} = {code.bind(_text)}({value})")
                parts += [repr(f"|{name}|"), value]
            text = code.joined([*parts, repr("|")])
            target.set(self._inlined_digest(code, text) or f"{digest}({text})")
        else:
            for _, field in sources:
                value = code.fresh()
                with code.block(f"if {field.includes()}:"):
                    code.line(f"{value} = {code.bind(_sorted)}({field.get()})")
                    target.set(f"[{digest}(item) for item in {value}] if type({value}) is list else {digest}({value})")
        self.emit_matched(code)

    def _digest(self) -> Callable[[Any], Any]:
        if self.method in _DIGESTS:
            return self._hash_digest(_DIGESTS[self.method])
        match self.method:
            case "MURMUR3":
                return lambda value: murmur3_32(_murmur_bytes(value, short=False))
            case "MURMUR3_128":
                return lambda value: self._encode(murmur3_128(_murmur_bytes(value, short=True), _SEED_128))
            case "IPV4_NETWORK":
                return lambda text: str(ipaddress.ip_network(f"{text}/{self.key}", strict=False).network_address)
        return _punctuation

    def _inlined_digest(self, code: Code, text: str) -> str | None:
        """An expression for the digest of an expression for a text: two calls less for each event."""
        if self.method not in _DIGESTS or self.key is not None:
            return None
        digest = f"{code.bind(_DIGESTS[self.method])}({text}.encode('utf-8', 'surrogatepass'))"
        if not self.base64encode:
            return f"{digest}.hexdigest()"
        return f"{code.bind(binascii.b2a_base64)}({digest}.digest(), newline=False).decode()"

    def _hash_digest(self, algorithm: Callable[..., Any]) -> Callable[[Any], str]:
        if self.key is not None:
            key = self.key.encode()
            return lambda value: self._encode(hmac.digest(key, _bytes(value), algorithm))
        return lambda value: self._encode(algorithm(_bytes(value)).digest())

    def _encode(self, digest: bytes) -> str:
        return binascii.b2a_base64(digest, newline=False).decode() if self.base64encode else digest.hex()


plugin = Fingerprint
