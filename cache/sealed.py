"""A store whose values nobody can read but those who have the key: what systems answer holds people, and a shared server
has other readers (its administrators, its dumps, its replicas)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cache.freshness import Entry
from cache.store import Store

__all__ = ["SealedStore"]

_NONCE: Final = 12
_VERSION: Final = b"\x01"


@dataclass(slots=True)
class SealedStore:
    """AES-256-GCM, bound to the entry's key: a value that was moved, changed or sealed by others is a miss.

    secret: up to 64 bytes, the same for all that share the store; the key is derived from it. unreadable: how many were
    misses for that.
    """

    inner: Store
    secret: bytes = field(repr=False)
    unreadable: int = 0
    _cipher: AESGCM = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.secret:
            raise ValueError("a sealed store needs a secret")
        self._cipher = AESGCM(blake2b(self.secret[:64], person=b"quanyu cached", digest_size=32).digest())

    async def get(self, key: str) -> Entry | None:
        found = await self.inner.get(key)
        if found is None:
            return None
        sealed = found.value
        try:
            if sealed[:1] != _VERSION:
                raise InvalidTag
            nonce, rest = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
            return replace(found, value=self._cipher.decrypt(nonce, rest, key.encode()))
        except (InvalidTag, ValueError):
            self.unreadable += 1
            return None

    async def put(self, key: str, value: bytes, *, keep_s: float) -> None:
        nonce = os.urandom(_NONCE)
        sealed = _VERSION + nonce + self._cipher.encrypt(nonce, value, key.encode())
        await self.inner.put(key, sealed, keep_s=keep_s)

    async def delete(self, key: str) -> None:
        await self.inner.delete(key)

    async def close(self) -> None:
        await self.inner.close()
