"""Which migrations are declared: told to the database by gateways, read by commands that load no declarations."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

import orjson
from sqlalchemy import delete, insert, select

from adapters.migration.port import Declared
from gateway.database import Database
from gateway.ledger.writer import now_us
from gateway.migration.errors import MigrationUnknown
from gateway.migration.tables import DECLARED

__all__ = ["Declared", "declared_of", "read_declared", "write_declared"]


async def write_declared(database: Database, declared: Collection[Declared]) -> None:
    """In place of what was told before. Raises DatabaseUnavailable."""
    at = now_us()
    rows = [
        {
            "system": one.system,
            "successor": one.successor,
            "mapping": one.mapping,
            "detail": orjson.dumps(asdict(one)).decode(),
            "at_us": at,
        }
        for one in declared
    ]
    async with database.write() as connection:
        there = (await connection.execute(select(DECLARED.c.system, DECLARED.c.detail))).all()
        if {row.system: row.detail for row in there} == {str(row["system"]): row["detail"] for row in rows}:
            return
        await connection.execute(delete(DECLARED))
        if rows:
            await connection.execute(insert(DECLARED), rows)


async def read_declared(database: Database) -> dict[str, Declared]:
    """By the code of the system that is replaced."""
    async with database.read() as connection:
        rows = (await connection.execute(select(DECLARED.c.detail).order_by(DECLARED.c.system))).all()
    found = [orjson.loads(row.detail) for row in rows]
    return {
        one["system"]: Declared(
            one["system"],
            one["successor"],
            one["mapping"],
            tuple(one["critical"]),
            one["numbers_mapped"],
            tuple(one["missing"]),
        )
        for one in found
    }


def declared_of(declared: dict[str, Declared], system: str) -> Declared:
    """Raises MigrationUnknown."""
    if system not in declared:
        known = ", ".join(sorted(declared)) or "none is"
        raise MigrationUnknown(
            f"No system in service replaces {system!r}; being replaced: {known}. A declaration says "
            f"`migration: {{replaces: {system}}}`, and a gateway with it must have started once."
        )
    return declared[system]
