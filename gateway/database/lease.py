"""Leases: one process at a time may do a thing, and another takes over when it is gone.

A lease is a row with an end. Its clock is the database's, so that the clocks of machines need not agree.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Table, Text, delete, literal_column, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.connect import Database

__all__ = ["LEASE", "database_now_us", "release", "take"]

METADATA = MetaData()
LEASE = Table(
    "lease",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)

_NOW: dict[str, Any] = {
    "sqlite": literal_column("CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"),
    "postgresql": literal_column("CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"),
}


def database_now_us(kind: str) -> Any:
    """SQL expression: microseconds since 1970 by the database's clock."""
    return _NOW[kind]


async def take(database: Database, connection: AsyncConnection, name: str, holder: str, for_s: float) -> bool:
    """Takes the lease, or renews it where `holder` has it; False where another has. Inside a `write()`.

    It holds from the commit. What is done under it checks in its own transaction (by calling this again) that it still
    holds: a process that was asleep may have lost it.
    """
    insert: Any = postgresql.insert if database.kind == "postgresql" else sqlite.insert
    now = database_now_us(database.kind)
    fresh = {"holder": holder, "expires_us": now + int(for_s * 1_000_000)}
    statement = (
        insert(LEASE)
        .values(name=name, **fresh)
        .on_conflict_do_update(
            index_elements=[LEASE.c.name],
            set_=fresh,
            where=or_(LEASE.c.holder == holder, LEASE.c.expires_us <= now),
        )
        .returning(LEASE.c.holder)
    )
    return (await connection.execute(statement)).first() is not None


async def release(connection: AsyncConnection, name: str, holder: str) -> None:
    """Gives the lease back before its end."""
    await connection.execute(delete(LEASE).where(LEASE.c.name == name, LEASE.c.holder == holder))
