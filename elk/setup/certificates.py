"""Certificate authority and certificates for TLS=on. Safe to run again: what is good stays.

In the folder (TLS_DIR, or ./tls):

    ca/ca.crt, ca/ca.key                             the authority; its key goes nowhere else
    trust/ca.crt                                     for who only checks others
    <part>/ca.crt, <part>/<part>.crt, <part>.key     all that elasticsearch, kibana, logstash or filebeat needs

Made anew is what is missing, ends within 30 days, is not from the authority or lacks one of the names. A server's
certificate is for its own name, localhost, host.docker.internal and the names and addresses of TLS_NAMES (with
commas), by which remote Filebeats and browsers reach it. Filebeat's is a client's.

    python elk/setup/certificates.py            as the job `certificates` does at each `up`
    python elk/setup/certificates.py --renew    all certificates anew, by the same authority
    rm -r tls/ca, then the first                another authority, and all certificates by it

As root the keys are handed to user 1000, which the official images run as; else they stay yours, mode 600.
Environment: TLS (`off`: nothing is made), TLS_DIR, TLS_NAMES.
"""

import argparse
import ipaddress
import os
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from server import SetupError, log, run

Pair = tuple[x509.Certificate, rsa.RSAPrivateKey]

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
# On the transport layer nodes of Elasticsearch are each other's clients.
PARTS = {"elasticsearch": (SERVER, CLIENT), "kibana": (SERVER,), "logstash": (SERVER,), "filebeat": (CLIENT,)}
NAMES = ("localhost", "host.docker.internal", "127.0.0.1", "::1")

RENEW_BEFORE = timedelta(days=30)
AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 730  # browsers take up to 825 from a private authority
KEY_BITS = 3072
IMAGES_USER = (1000, 0)  # uid and gid of the official images' processes


def make_all(folder: Path, names: Iterable[str], renew: bool = False) -> None:
    """Make what is missing or no longer good below `folder`. Raises SetupError."""
    names = (*NAMES, *names)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        authority = make_authority(folder / "ca")
        trusted = pem(authority[0])
        write(folder / "trust" / "ca.crt", trusted)
        for part, usages in PARTS.items():
            alternatives = subject_alternatives((part, *names) if SERVER in usages else (part,))
            path = folder / part
            write(path / "ca.crt", trusted)
            reason = (
                "asked for" if renew else why_new(path / f"{part}.crt", path / f"{part}.key", authority, alternatives)
            )
            if reason:
                certificate, key = issue(part, usages, alternatives, authority)
                write(path / f"{part}.key", pem(key), IMAGES_USER)
                write(path / f"{part}.crt", pem(certificate))
                log.info("%s: new certificate until %s (%s)", part, f"{certificate.not_valid_after_utc:%F}", reason)
            else:
                log.info("%s: certificate is good", part)
    except OSError as error:
        raise SetupError(f"{error.filename}: {error.strerror}. Files of the job belong to root.") from None


def make_authority(folder: Path) -> Pair:
    """The authority in `folder`; a new one where there is none, or it ends."""
    pair = load(folder / "ca.crt", folder / "ca.key")
    if pair and not ends(pair[0]):
        log.info("authority: good until %s", f"{pair[0].not_valid_after_utc:%F}")
        return pair
    key = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Parcel Tracking certificate authority")])
    certificate = (
        builder(name, name, key, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write(folder / "ca.key", pem(key), private=True)
    write(folder / "ca.crt", pem(certificate))
    log.info(
        "authority: new, until %s: who checks our certificates needs trust/ca.crt",
        f"{certificate.not_valid_after_utc:%F}",
    )
    return certificate, key


def why_new(crt: Path, key: Path, authority: Pair, alternatives: x509.SubjectAlternativeName) -> str:
    """Why the certificate is to be made anew; "" when it is good."""
    pair = load(crt, key)
    if not pair:
        return "there was none"
    certificate = pair[0]
    if ends(certificate):
        return f"the old one ends {certificate.not_valid_after_utc:%F}"
    try:
        certificate.verify_directly_issued_by(authority[0])
    except (ValueError, TypeError, InvalidSignature):
        return "the old one is of another authority"
    if certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value != alternatives:
        return "the names changed"
    return ""


def issue(part: str, usages: Iterable[x509.ObjectIdentifier], alternatives, authority: Pair) -> Pair:
    issuer, issuer_key = authority
    key = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, part)])
    certificate = (
        builder(name, issuer.subject, key, CERTIFICATE_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(digital_signature=True, key_encipherment=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(alternatives, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return certificate, key


def builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks differ
        .not_valid_after(now + timedelta(days=days))
    )


def key_usage(**wanted: bool) -> x509.KeyUsage:
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    every += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in every})


def subject_alternatives(names: Iterable[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([general_name(name) for name in dict.fromkeys(names)])


def general_name(name: str) -> x509.GeneralName:
    """An address or a host name. Raises SetupError."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if not re.fullmatch(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
            raise SetupError(f"TLS_NAMES: {name} is neither a host name nor an address") from None
        return x509.DNSName(name)


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def load(crt: Path, key: Path) -> Pair | None:
    """Certificate and key that belong together; None where either is missing or unreadable as such."""
    try:
        certificate = x509.load_pem_x509_certificate(crt.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return (certificate, private) if certificate.public_key() == private.public_key() else None


def ends(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - datetime.now(UTC) < RENEW_BEFORE


def pem(thing: x509.Certificate | rsa.RSAPrivateKey) -> bytes:
    """PEM; a key unencrypted in PKCS #8, the one form that Logstash reads."""
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM)
    return thing.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write(path: Path, content: bytes, owner: tuple[int, int] | None = None, private: bool = False) -> None:
    """Write a file at once or not at all. Private, or with an owner, it is for that one alone, else for all to read."""
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(0o755)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    mode = 0o600 if private or owner else 0o644
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)  # whatever the umask
        if owner and os.geteuid() == 0:
            os.fchown(file.fileno(), *owner)
    fresh.replace(path)


def main() -> int:
    parser = argparse.ArgumentParser(description="Certificate authority and certificates for TLS=on.")
    parser.add_argument("--renew", action="store_true", help="all certificates anew, by the same authority")
    arguments = parser.parse_args()

    def job() -> None:
        if os.environ.get("TLS") == "off":
            log.info("TLS=off: no certificates are needed")
            return
        names = [name.strip() for name in os.environ.get("TLS_NAMES", "").split(",") if name.strip()]
        make_all(Path(os.environ.get("TLS_DIR") or "tls"), names, arguments.renew)

    return run(job)


if __name__ == "__main__":
    sys.exit(main())
