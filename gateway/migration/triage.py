"""Differences that a person decides to live with: kept, and recorded in the ledger."""

from __future__ import annotations

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.ledger import Writer
from gateway.ledger.records import Change
from gateway.ledger.writer import now_us
from gateway.migration.errors import TransitionRefused
from gateway.migration.tables import TRIAGE

__all__ = ["accept_difference"]


async def accept_difference(writer: Writer, system: str, path: str, actor: str, reason: str) -> None:
    """In place of an earlier decision on the same field. Raises TransitionRefused without a reason."""
    if not reason.strip():
        raise TransitionRefused("A reason is needed; it is kept for good.")

    async def work(connection: AsyncConnection) -> Change:
        await connection.execute(delete(TRIAGE).where(TRIAGE.c.system == system, TRIAGE.c.path == path))
        row = {"system": system, "path": path, "actor": actor, "reason": reason.strip(), "at_us": now_us()}
        await connection.execute(insert(TRIAGE).values(row))
        return Change("migration.accepted", actor, system, {"path": path, "reason": reason.strip()})

    await writer.append_with(work)
