"""Values of people, apart from the trail: each subject's under a key of its own, so that destroying the key is erasing.

A subject's key is random and lies in the database encrypted with the master key; the values are encrypted with it
(AES-256-GCM, bound to subject and name). Nothing here is hashed into the trail.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.ledger.errors import KeyInvalid
from gateway.ledger.tables import SUBJECT_KEY, SUBJECT_VALUE

__all__ = ["Vault"]

_NONCE = 12


class Vault:
    """master: 32 bytes. All calls are inside a transaction of the caller's."""

    def __init__(self, master: bytes) -> None:
        self._master = AESGCM(master)

    async def put(self, connection: AsyncConnection, subject: str, values: Mapping[str, str]) -> None:
        """Keeps the values under their names; those there before are replaced."""
        key = AESGCM(await self._key(connection, subject))
        insert = _insert(connection)
        for name, value in values.items():
            nonce = os.urandom(_NONCE)
            sealed = nonce + key.encrypt(nonce, value.encode(), _bound(subject, name))
            statement = insert(SUBJECT_VALUE).values(subject=subject, name=name, sealed=sealed)
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["subject", "name"], set_={"sealed": statement.excluded.sealed}
                )
            )

    async def get(self, connection: AsyncConnection, subject: str) -> dict[str, str]:
        """All that is kept of a subject; nothing after an erasure. Raises KeyInvalid for another master key."""
        wrapped = await connection.scalar(
            select(SUBJECT_KEY.c.wrapped).where(SUBJECT_KEY.c.subject == subject)
        )
        if wrapped is None:
            return {}
        key = AESGCM(self._unwrap(subject, wrapped))
        rows = await connection.execute(
            select(SUBJECT_VALUE.c.name, SUBJECT_VALUE.c.sealed).where(SUBJECT_VALUE.c.subject == subject)
        )
        return {name: _opened(key, sealed, _bound(subject, name)).decode() for name, sealed in rows}

    async def erase(self, connection: AsyncConnection, subject: str) -> int:
        """Destroys the key and the values; how many values there were."""
        await connection.execute(delete(SUBJECT_KEY).where(SUBJECT_KEY.c.subject == subject))
        gone = await connection.execute(delete(SUBJECT_VALUE).where(SUBJECT_VALUE.c.subject == subject))
        return int(gone.rowcount)

    async def _key(self, connection: AsyncConnection, subject: str) -> bytes:
        """The subject's key, made at first need; of two who make one at once both get the first."""
        nonce, fresh = os.urandom(_NONCE), os.urandom(32)
        wrapped = nonce + self._master.encrypt(nonce, fresh, subject.encode())
        await connection.execute(
            _insert(connection)(SUBJECT_KEY)
            .values(subject=subject, wrapped=wrapped)
            .on_conflict_do_nothing(index_elements=["subject"])
        )
        kept = await connection.scalar(select(SUBJECT_KEY.c.wrapped).where(SUBJECT_KEY.c.subject == subject))
        assert kept is not None  # noqa: S101 - inserted above, or by another
        return self._unwrap(subject, kept)

    def _unwrap(self, subject: str, wrapped: bytes) -> bytes:
        return _opened(self._master, wrapped, subject.encode())


def _opened(key: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    try:
        return key.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound)
    except InvalidTag:
        raise KeyInvalid(
            "values of a subject do not open: subject_key is another one, or they were altered"
        ) from None


def _bound(subject: str, name: str) -> bytes:
    return f"{subject}\x1f{name}".encode()


def _insert(connection: AsyncConnection) -> Any:
    return sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
