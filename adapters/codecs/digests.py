"""Digests, HMACs and checksums, and how they are written as text. As steps they go one way only: into requests."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from adapters.codecs.errors import CodecValue
from adapters.codecs.step import Context, as_bytes

__all__ = [
    "HASHES",
    "Crc32",
    "Digest",
    "HashName",
    "Hmac",
    "TextForm",
    "crc32_of",
    "digest_of",
    "hmac_of",
    "written",
]

HashName = Literal["md5", "sha1", "sha256", "sha512", "sm3"]
TextForm = Literal["hex", "hexUpper", "base64", "base64url", "decimal"]

HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "md5": hashes.MD5,
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha512": hashes.SHA512,
    "sm3": hashes.SM3,
}
"""md5 and sha1 because systems demand them; nothing of ours rests on them."""


def digest_of(name: HashName, data: bytes) -> bytes:
    """RFC 1321, FIPS 180-4, GB/T 32905."""
    digest = hashes.Hash(HASHES[name]())
    digest.update(data)
    return digest.finalize()


def hmac_of(name: HashName, key: bytes, data: bytes) -> bytes:
    """RFC 2104; with SM3 as in GM/T 0091."""
    code = HMAC(key, HASHES[name]())
    code.update(data)
    return code.finalize()


def crc32_of(data: bytes) -> bytes:
    """The CRC of ISO-HDLC, gzip and zip (reflected, 0xEDB88320), as 4 bytes, highest first."""
    return zlib.crc32(data).to_bytes(4, "big")


def written(raw: bytes, form: TextForm) -> str:
    """decimal: the bytes as one whole number, as checksums are often sent."""
    match form:
        case "hex":
            return raw.hex()
        case "hexUpper":
            return raw.hex().upper()
        case "base64":
            return base64.b64encode(raw).decode("ascii")
        case "base64url":
            return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
        case "decimal":
            return str(int.from_bytes(raw, "big"))


@dataclass(frozen=True, slots=True)
class Digest:
    """A value's digest instead of the value: passwords, file fingerprints."""

    algorithm: HashName
    form: TextForm = "hex"

    def encode(self, value: Any, context: Context) -> str:
        del context
        return written(digest_of(self.algorithm, as_bytes(value, "digest", error=CodecValue)), self.form)


@dataclass(frozen=True, slots=True)
class Hmac:
    """A value's HMAC instead of the value."""

    algorithm: HashName
    key: bytes = field(repr=False)
    form: TextForm = "hex"

    def encode(self, value: Any, context: Context) -> str:
        del context
        return written(
            hmac_of(self.algorithm, self.key, as_bytes(value, "hmac", error=CodecValue)), self.form
        )


@dataclass(frozen=True, slots=True)
class Crc32:
    """A value's CRC-32 instead of the value."""

    form: TextForm = "hex"

    def encode(self, value: Any, context: Context) -> str:
        del context
        return written(crc32_of(as_bytes(value, "crc32", error=CodecValue)), self.form)
