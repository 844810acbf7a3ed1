"""Who asks for what: by day, client, operation, field of the graph and system that answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from adapters.mapping.dates import NETWORK_OFFSET
from gateway.database import Database
from gateway.ledger.writer import now_us
from gateway.migration.tables import USAGE
from gateway.migration.tally import DAY_US, OFFSET_US, Tally
from gateway.migration.told import told_time

__all__ = ["UsageBook", "UsageRow", "read_usage"]

MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class UsageRow:
    """system or field is empty, whichever is not what the row is about."""

    system: str
    field: str
    client: str
    version: str
    operation: str
    calls: int
    errors: int
    last_us: int

    def told(self) -> dict[str, Any]:
        return {
            "system": self.system or None,
            "field": self.field or None,
            "client": self.client,
            "version": self.version,
            "operation": self.operation,
            "calls": self.calls,
            "errors": self.errors,
            "lastSeen": told_time(self.last_us),
        }


@dataclass(slots=True)
class UsageBook:
    """Notes one answered operation; written with the other counts."""

    tally: Tally

    def note(
        self,
        *,
        client: str,
        version: str,
        operation: str,
        fields: Collection[str],
        systems: Mapping[str, str],
        failed: bool,
    ) -> None:
        """fields: coordinates `Type.field`. systems: code -> how it answered (OK, CACHED, TIMEOUT, …)."""
        at = now_us()
        day = (at + OFFSET_US) // DAY_US
        who = (client, version, operation)
        self.tally.add_answer((day, *who, tuple(fields), tuple(systems.items()), failed), at)


async def read_usage(
    database: Database, *, system: str | None = None, field: str | None = None, days: int = 30
) -> list[UsageRow]:
    """Who asks most first, at most 500 rows. Without a field: by system."""
    first = (datetime.now(NETWORK_OFFSET).date() - timedelta(days=days - 1)).isoformat()
    wanted = (
        select(
            USAGE.c.system,
            USAGE.c.field,
            USAGE.c.client,
            USAGE.c.version,
            USAGE.c.operation,
            func.sum(USAGE.c.calls).label("calls"),
            func.sum(USAGE.c.errors).label("errors"),
            func.max(USAGE.c.last_us).label("last_us"),
        )
        .where(USAGE.c.day >= first, USAGE.c.field == (field or ""))
        .group_by(USAGE.c.system, USAGE.c.field, USAGE.c.client, USAGE.c.version, USAGE.c.operation)
        .order_by(func.sum(USAGE.c.calls).desc())
        .limit(MOST_ROWS)
    )
    if system is not None:
        wanted = wanted.where(USAGE.c.system == system)
    async with database.read() as connection:
        rows = (await connection.execute(wanted)).all()
    return [
        UsageRow(
            row.system,
            row.field,
            row.client,
            row.version,
            row.operation,
            int(row.calls),
            int(row.errors),
            row.last_us,
        )
        for row in rows
    ]
