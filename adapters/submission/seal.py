"""Bodies at rest: AES-256-GCM under keys derived from the operators' secrets, bound to the row that they belong to.

Also the keyed hashes by which equal keys and equal bodies are known again without keeping them.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["BodySeal", "SealBroken"]

_NONCE = 12
_ID = 4


class SealBroken(Exception):
    """A body cannot be opened: its key is not here, or it was changed."""

    code = "OUTBOX_BODY_UNREADABLE"


class BodySeal:
    """keys: secrets, the one that seals first; the others open what was sealed before they were replaced.

    Sealed form: version (1 byte), key id (4), nonce (12), ciphertext with tag. Associated data is the row's token.
    """

    def __init__(self, keys: Sequence[bytes], *, hash_key: bytes) -> None:
        if not keys:
            raise ValueError("a seal needs a key")
        self._keys: dict[bytes, AESGCM] = {}
        for key in keys:
            derived = hashlib.blake2b(key[:64], person=b"outbox body", digest_size=32).digest()
            self._keys.setdefault(hashlib.sha256(derived).digest()[:_ID], AESGCM(derived))
        self._current = next(iter(self._keys))
        self._hash_key = hashlib.blake2b(hash_key[:64], person=b"outbox hash", digest_size=32).digest()

    def close(self, body: Any, token: str) -> bytes:
        """body: JSON values."""
        nonce = os.urandom(_NONCE)
        sealed: bytes = self._keys[self._current].encrypt(nonce, orjson.dumps(body), token.encode())
        return b"\x01" + self._current + nonce + sealed

    def open(self, sealed: bytes, token: str) -> Any:
        """Raises SealBroken."""
        key = self._keys.get(sealed[1 : 1 + _ID])
        if sealed[:1] != b"\x01" or key is None:
            raise SealBroken("the key that this body was sealed with is not among `outbox_keys`")
        nonce, rest = sealed[1 + _ID : 1 + _ID + _NONCE], sealed[1 + _ID + _NONCE :]
        try:
            return orjson.loads(key.decrypt(nonce, rest, token.encode()))
        except InvalidTag:
            raise SealBroken("the body was changed, or belongs to another row") from None

    def hash(self, *parts: Any) -> str:
        """The same for the same JSON values, whatever the order of their keys; says nothing of them."""
        text = orjson.dumps(list(parts), option=orjson.OPT_SORT_KEYS)
        return hmac.new(self._hash_key, text, hashlib.sha256).hexdigest()
