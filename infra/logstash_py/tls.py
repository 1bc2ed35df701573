"""TLS by the options that Logstash's plugins share: contexts for servers and clients, and who the peer is."""

from __future__ import annotations

import ssl
from typing import Any

from .plugin import Option, array, boolean, list_of, number, one_of, password, path

_PROTOCOLS = {f"TLSv1.{n}": getattr(ssl.TLSVersion, f"TLSv1_{n}") for n in (1, 2, 3)}

COMMON = {
    "ssl_enabled": Option(boolean, False),
    "ssl_certificate": Option(path),
    "ssl_key": Option(path),
    "ssl_key_passphrase": Option(password),
    "ssl_certificate_authorities": Option(array, []),
    "ssl_supported_protocols": Option(list_of(*_PROTOCOLS), ["TLSv1.2", "TLSv1.3"]),
}
SERVER = COMMON | {
    "ssl_client_authentication": Option(one_of("none", "optional", "required"), "none"),
    "ssl_handshake_timeout": Option(number, 10_000),
}
CLIENT = COMMON | {"ssl_verification_mode": Option(one_of("full", "none"), "full")}

# Names that Logstash had before, and what is OpenSSL's matter here.
REFUSED = {
    "ssl_cipher_suites": "not supported: the ciphers are those of Python's defaults",
    "ssl_keystore_path": "not supported: give ssl_certificate and ssl_key",
    "ssl_truststore_path": "not supported: give ssl_certificate_authorities",
    "ssl": "is gone, use ssl_enabled",
    "ssl_enable": "is gone, use ssl_enabled",
    "ssl_cert": "is gone, use ssl_certificate",
    "ssl_verify": "is gone, use ssl_client_authentication (servers) or ssl_verification_mode (clients)",
    "ssl_verify_mode": "is gone, use ssl_client_authentication",
    "cipher_suites": "is gone; the ciphers are those of Python's defaults",
    "tls_min_version": "is gone, use ssl_supported_protocols",
    "tls_max_version": "is gone, use ssl_supported_protocols",
}


def server_context(plugin: Any) -> ssl.SSLContext | None:
    """None without ssl_enabled. Raises ConfigError at the option that is wrong."""
    if not plugin.ssl_enabled:
        return None
    for name in ("ssl_certificate", "ssl_key"):
        if getattr(plugin, name) is None:
            raise plugin.refuse("ssl_enabled", f"{name} is required when ssl_enabled => true")
    asked = plugin.ssl_client_authentication != "none"
    if asked and not plugin.ssl_certificate_authorities:
        raise plugin.refuse(
            "ssl_client_authentication",
            f"ssl_certificate_authorities is required when ssl_client_authentication => "
            f"'{plugin.ssl_client_authentication}'",
        )
    if plugin.ssl_certificate_authorities and not asked:
        raise plugin.refuse(
            "ssl_certificate_authorities", "needs ssl_client_authentication => 'optional' or 'required'"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _configure(context, plugin)
    if asked:
        required = plugin.ssl_client_authentication == "required"
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    return context


def client_context(plugin: Any) -> ssl.SSLContext | None:
    """None without ssl_enabled. Raises ConfigError at the option that is wrong."""
    if not plugin.ssl_enabled:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if plugin.ssl_verification_mode == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif not plugin.ssl_certificate_authorities:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    _configure(context, plugin)
    return context


def _configure(context: ssl.SSLContext, plugin: Any) -> None:
    versions = [_PROTOCOLS[name] for name in plugin.ssl_supported_protocols]
    if versions:
        context.minimum_version, context.maximum_version = min(versions), max(versions)
    if len(set(versions)) == 2 and max(versions) - min(versions) == 2:
        raise plugin.refuse("ssl_supported_protocols", "TLSv1.1 and TLSv1.3 without TLSv1.2 is not supported")
    if plugin.ssl_certificate:
        if plugin.ssl_key is None:
            raise plugin.refuse("ssl_certificate", "ssl_key is required with ssl_certificate")
        try:
            # Without a passphrase OpenSSL would ask at the terminal.
            context.load_cert_chain(plugin.ssl_certificate, plugin.ssl_key, plugin.ssl_key_passphrase or "")
        except (ssl.SSLError, OSError) as error:
            raise plugin.refuse("ssl_key", f"certificate and key can't be used: {_reason(error)}") from None
    for file in plugin.ssl_certificate_authorities:
        try:
            context.load_verify_locations(file)
        except (ssl.SSLError, OSError) as error:
            raise plugin.refuse("ssl_certificate_authorities", f"{file}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)


def describe(error: Exception) -> str:
    """Why a handshake failed, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate was refused: {error.verify_message}"
    reason = getattr(error, "reason", None)
    known = {
        "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the peer sent no certificate",
        "HTTP_REQUEST": "an HTTP request instead of TLS",
        "WRONG_VERSION_NUMBER": "what came is no TLS",
        "UNEXPECTED_MESSAGE": "what came is no TLS",
    }
    if isinstance(error, ConnectionAbortedError):
        return "the handshake took too long"
    return known.get(reason, reason or str(error) or type(error).__name__)


def peer(transport: Any) -> dict[str, str] | None:
    """`subject` (as RFC 2253 writes it), `protocol` and `cipher` of a peer that showed a certificate."""
    connection = transport.get_extra_info("ssl_object")
    certificate = connection.getpeercert(binary_form=True) if connection else None
    if not certificate:
        return None
    # Imported here: it takes longer than the rest of a pipeline's check.
    from cryptography import x509

    return {
        "subject": x509.load_der_x509_certificate(certificate).subject.rfc4514_string(),
        "protocol": connection.version(),
        "cipher": cipher_name(connection.cipher()[0]),
    }


def cipher_name(name: str) -> str:
    """OpenSSL's name of a TLS 1.2 cipher suite as the standard has it, and Java: ECDHE-RSA-AES256-GCM-SHA384 is
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384."""
    if name.startswith("TLS_"):
        return name
    words = name.split("-")
    at = next((n for n, word in enumerate(words) if word.startswith(("AES", "CHACHA20", "CAMELLIA"))), len(words))
    exchange, cipher = words[:at] or ["RSA"], words[at:]
    if cipher and cipher[0] in ("AES128", "AES256"):
        mode = [] if cipher[1] in ("GCM", "CCM", "CCM8") else ["CBC"]
        cipher = ["AES", cipher[0][3:], *mode, *cipher[1:]]
    elif cipher[:2] == ["CHACHA20", "POLY1305"] and len(cipher) == 2:
        cipher = [*cipher, "SHA256"]
    return f"TLS_{'_'.join(exchange)}_WITH_{'_'.join(cipher)}"
