"""Keys as declarations give them (text that references have already filled in) to bytes or key objects."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from adapters.codecs.errors import CodecDeclared

__all__ = ["KeyEncoding", "key_bytes", "rsa_private_key", "rsa_public_key"]

KeyEncoding = Literal["utf8", "hex", "base64"]


def key_bytes(text: str, encoding: KeyEncoding, step: str) -> bytes:
    """Raises CodecDeclared; its message never quotes the key."""
    try:
        match encoding:
            case "hex":
                return binascii.unhexlify("".join(text.split()))
            case "base64":
                return base64.b64decode("".join(text.split()), validate=True)
            case "utf8":
                return text.encode()
    except (binascii.Error, ValueError):
        raise CodecDeclared(step, f"expected a key in {encoding} (keyEncoding)") from None


def rsa_private_key(text: str, step: str) -> RSAPrivateKey:
    """PEM, or base64 of DER (PKCS #8), as Java systems hand it out."""
    try:
        key = (
            load_pem_private_key(text.encode(), None)
            if "-----BEGIN" in text
            else load_der_private_key(_der(text), None)
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CodecDeclared(step, "expected an RSA private key, PEM or base64 of PKCS #8") from None
    if not isinstance(key, RSAPrivateKey):
        raise CodecDeclared(step, "expected an RSA key, found one of another kind")
    return key


def rsa_public_key(text: str, step: str) -> RSAPublicKey:
    """PEM, or base64 of DER (SubjectPublicKeyInfo)."""
    try:
        key = load_pem_public_key(text.encode()) if "-----BEGIN" in text else load_der_public_key(_der(text))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CodecDeclared(step, "expected an RSA public key, PEM or base64 of its DER") from None
    if not isinstance(key, RSAPublicKey):
        raise CodecDeclared(step, "expected an RSA key, found one of another kind")
    return key


def _der(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)
