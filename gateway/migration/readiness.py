"""What the gates of a migration are judged by, gathered from the database and the declarations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from adapters.migration.placement import Phase, Placement
from gateway.database import Database
from gateway.ledger.writer import now_us
from gateway.migration.declared import Declared
from gateway.migration.gates import Evidence, Gate, Policy, gates_of
from gateway.migration.moved import open_left, read_history
from gateway.migration.parity import ParityReport, read_parity, read_sides
from gateway.migration.reserving import open_writes
from gateway.migration.store import State
from gateway.migration.tables import COUNT, STEP

__all__ = ["Readiness"]


@dataclass(slots=True)
class Readiness:
    """Reads; changes nothing."""

    database: Database
    policy: Policy

    async def parity(self, declared: Declared) -> ParityReport:
        return await read_parity(
            self.database, declared.system, declared.mapping, critical=(*declared.critical, "exists")
        )

    async def gates(self, declared: Declared, now: State, to: Placement | Phase) -> Sequence[Gate]:
        phase = to.phase if isinstance(to, Placement) else to
        return gates_of(phase, self.policy, await self.evidence(declared, now))

    async def evidence(self, declared: Declared, now: State) -> Evidence:
        parity = await self.parity(declared)
        begun = max(parity.since_us or 0, await self._begun(now))
        sides = await read_sides(self.database, declared.system, since_us=begun)
        return Evidence(
            parity,
            sides,
            declared.missing,
            await self._last_answer(declared.system),
            now.since_us,
            await open_left(self.database, declared.system, mapped=declared.numbers_mapped),
            (await read_history(self.database, declared.system)).lacking,
            *await open_writes(self.database, declared.system),
            now_us=now_us(),
            numbers_mapped=declared.numbers_mapped,
        )

    async def _last_answer(self, system: str) -> int | None:
        """When the old side last answered a caller."""
        wanted = select(func.max(COUNT.c.last_us)).where(
            COUNT.c.system == system, COUNT.c.scope == "side:old", COUNT.c.name == "calls"
        )
        async with self.database.read() as connection:
            found: int | None = await connection.scalar(wanted)
        return found

    async def _begun(self, now: State) -> int:
        """Since when errors and latency count: of this phase; in CANARY those of SHADOW too, for at 5 % there are few,
        but not those of a trial that was rolled back and mended."""
        if now.placement.phase is not Phase.CANARY:
            return now.since_us
        wanted = select(func.max(STEP.c.at_us)).where(
            STEP.c.system == now.system, STEP.c.part == now.part, STEP.c.kind == "rollback"
        )
        async with self.database.read() as connection:
            found: int | None = await connection.scalar(wanted)
        return found or 0
