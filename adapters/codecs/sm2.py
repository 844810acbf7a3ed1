"""SM2 signatures (GB/T 32918.2, with SM3), by the optional library gmssl_pyx: extra `gm`.

`cryptography` has SM3 and SM4 but no SM2; this is the one place that touches the other library.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from adapters.codecs.errors import CodecDeclared, CodecInput

__all__ = ["Sm2"]

DEFAULT_SIGNER = "1234567812345678"
"""The identity that GM/T 0009 gives to signers without one of their own."""


@dataclass(frozen=True, slots=True)
class Sm2:
    """private, public: hexadecimal, 32 and 64 bytes (or 65 with 04 before, or 33 compressed).

    format: `der` is the sequence of r and s, `raw` their 64 bytes one after the other.
    """

    private: str | None = field(default=None, repr=False)
    public: str = ""
    signer: str = DEFAULT_SIGNER
    format: Literal["der", "raw"] = "der"

    def __post_init__(self) -> None:
        library = self._library()
        try:
            library.normalize_sm2_public_key(self.public.strip())
        except library.GmsslInnerError:
            raise CodecDeclared("sm2", "expected a public key of 64 bytes on the curve, in hex") from None
        if self.private is not None and len(self._private()) != 32:
            raise CodecDeclared("sm2", "expected a private key of 32 bytes, in hex")

    def sign(self, data: bytes) -> bytes:
        """Different each time: the scheme draws a random number."""
        library = self._library()
        public = library.normalize_sm2_public_key(self.public.strip())
        der = bytes(library.sm2_sign(self._private(), public, data, signer_id=self.signer.encode()))
        if self.format == "der":
            return der
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def verify(self, data: bytes, signature: bytes) -> bool:
        library = self._library()
        public = library.normalize_sm2_public_key(self.public.strip())
        if self.format == "raw":
            if len(signature) != 64:
                raise CodecInput("sm2", "expected a signature of 64 bytes")
            r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
            signature = encode_dss_signature(r, s)
        try:
            return bool(library.sm2_verify(public, data, signature, signer_id=self.signer.encode()))
        except library.GmsslInnerError:
            return False

    def _private(self) -> bytes:
        try:
            return binascii.unhexlify((self.private or "").strip())
        except (binascii.Error, ValueError):
            raise CodecDeclared("sm2", "expected a private key in hex") from None

    def _library(self) -> Any:
        try:
            return import_module("gmssl_pyx")
        except ImportError:
            raise CodecDeclared("sm2", "needs the extra `gm`: install quanyu[gm] (gmssl-pyx)") from None
