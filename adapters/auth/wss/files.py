"""Reads certificates and private keys for WS-Security. Blocking; errors never quote what is in a file."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificate

__all__ = ["WssFile", "read_certificate", "read_key", "rsa_of"]


class WssFile(Exception):
    """A certificate or key of a declaration cannot be used: which key of it, and why."""

    code = "BAD_KEY_FILE"

    def __init__(self, key: str, reason: str) -> None:
        self.key, self.reason = key, reason
        super().__init__(f"{key}: {reason}")


def read_certificate(path: str, key: str) -> Certificate:
    """Raises WssFile."""
    try:
        return load_pem_x509_certificate(_read(path, key))
    except ValueError:
        raise WssFile(key, "expected a certificate in PEM") from None


def rsa_of(certificate: Certificate, key: str) -> RSAPublicKey:
    """Raises WssFile."""
    found = certificate.public_key()
    if not isinstance(found, RSAPublicKey):
        raise WssFile(key, "expected a certificate with an RSA key")
    return found


def read_key(path: str, password: str | None, certificate: Certificate) -> RSAPrivateKey:
    """Raises WssFile, also if the key is not the certificate's."""
    data = _read(path, "key")
    try:
        found = load_pem_private_key(data, password.encode() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise WssFile(
            "key", "expected a private key in PEM, and the password that it has or has not"
        ) from None
    if not isinstance(found, RSAPrivateKey):
        raise WssFile("key", "expected an RSA key")
    if found.public_key().public_numbers() != rsa_of(certificate, "certificate").public_numbers():
        raise WssFile("key", "it is not the certificate's key")
    return found


def _read(path: str, key: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise WssFile(key, str(error.strerror)) from None
