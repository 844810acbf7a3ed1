"""Where migrations stand, in SQL: read by every process, moved by compare-and-set, each step with its sealed record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.migration.placement import LEGACY_ONLY, Phase, Placement
from gateway.database import Database
from gateway.ledger import Writer
from gateway.ledger.records import Change
from gateway.ledger.writer import now_us
from gateway.migration.errors import MigrationConflict
from gateway.migration.phases import Wish
from gateway.migration.tables import PROPOSAL, STATE, STEP

__all__ = ["MigrationStore", "Proposal", "State", "Step", "Where"]

Where = tuple[str, str]
"""System, and the capability of it ("" for all that have no place of their own)."""


@dataclass(frozen=True, slots=True)
class State:
    """version: 0 where nothing was ever moved. since_us: when the phase began, in microseconds since 1970."""

    system: str
    part: str = ""
    placement: Placement = LEGACY_ONLY
    version: int = 0
    since_us: int = 0
    changed_us: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the past. was: the phase before. forced: names of gates that were shut."""

    system: str
    part: str
    version: int
    kind: str
    was: Phase
    placement: Placement
    actor: str
    second: str | None
    reason: str
    forced: tuple[str, ...]
    at_us: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A step that waits for a second person. version: of the state that it starts from."""

    system: str
    part: str
    version: int
    wish: Wish
    actor: str
    reason: str
    at_us: int


@dataclass(slots=True)
class MigrationStore:
    """Its tables are those of the migrations; it makes none."""

    database: Database
    _clock: Any = field(default=now_us)  # a callable; dataclass fields of function type are bound otherwise

    async def states(self) -> dict[Where, State]:
        """Of all that were ever moved. Raises DatabaseUnavailable."""
        async with self.database.read() as connection:
            rows = (await connection.execute(select(STATE))).mappings().all()
        return {(row["system"], row["part"]): _state(row) for row in rows}

    async def state(self, system: str, part: str = "") -> State:
        return (await self.states()).get((system, part), State(system, part))

    async def history(self, system: str) -> list[Step]:
        """Oldest first."""
        wanted = select(STEP).where(STEP.c.system == system).order_by(STEP.c.at_us, STEP.c.version)
        async with self.database.read() as connection:
            rows = (await connection.execute(wanted)).mappings().all()
        return [_step(row) for row in rows]

    async def steps_after(self, where: Where, version: int) -> list[Step]:
        """Of one migration, in order."""
        here = (STEP.c.system == where[0]) & (STEP.c.part == where[1]) & (STEP.c.version > version)
        async with self.database.read() as connection:
            found = (await connection.execute(select(STEP).where(here).order_by(STEP.c.version))).mappings()
            return [_step(row) for row in found]

    async def proposal(self, system: str, part: str = "") -> Proposal | None:
        wanted = select(PROPOSAL).where(PROPOSAL.c.system == system, PROPOSAL.c.part == part)
        async with self.database.read() as connection:
            row = (await connection.execute(wanted)).mappings().first()
        return _proposal(row) if row is not None else None

    async def propose(self, writer: Writer, proposal: Proposal) -> None:
        """Keeps it in place of any other, and records that it was made."""

        async def work(connection: AsyncConnection) -> Change:
            await _forget_proposal(connection, (proposal.system, proposal.part))
            wish = {name: value for name, value in asdict(proposal.wish).items() if value is not None}
            row = {
                "system": proposal.system,
                "part": proposal.part,
                "version": proposal.version,
                "wish": orjson.dumps(wish).decode(),
                "actor": proposal.actor,
                "reason": proposal.reason,
                "at_us": proposal.at_us,
            }
            await connection.execute(insert(PROPOSAL).values(row))
            detail = {"part": proposal.part, "wish": _told(wish), "reason": proposal.reason}
            return Change("migration.proposed", proposal.actor, proposal.system, detail)

        await writer.append_with(work)

    async def move(
        self,
        writer: Writer,
        now: State,
        to: Placement,
        *,
        kind: str,
        actor: str,
        reason: str,
        second: str | None = None,
        forced: tuple[str, ...] = (),
    ) -> State:
        """Moves from `now`, which must still be so. One transaction with its record in the ledger.

        Raises MigrationConflict where somebody else has moved it since, DatabaseUnavailable.
        """
        at = self._clock()
        since = at if to.phase is not now.placement.phase else now.since_us
        state = State(now.system, now.part, to, now.version + 1, since, at)

        async def work(connection: AsyncConnection) -> Change:
            await _swap(connection, now, state)
            await _forget_proposal(connection, (now.system, now.part))
            row = {
                **_columns(state),
                "kind": kind,
                "was": now.placement.phase,
                "actor": actor,
                "second": second,
                "reason": reason,
                "forced": ",".join(forced),
                "at_us": at,
            }
            del row["since_us"], row["changed_us"]
            await connection.execute(insert(STEP).values(row))
            detail = {
                "kind": kind,
                "part": now.part,
                "from": _told_placement(now.placement),
                "to": _told_placement(to),
                "reason": reason,
                "forced": list(forced),
                "version": state.version,
            } | ({"second": second} if second else {})
            return Change(f"migration.{kind}", actor, now.system, detail)

        await writer.append_with(work)
        return state


async def _swap(connection: AsyncConnection, now: State, to: State) -> None:
    here = (STATE.c.system == now.system) & (STATE.c.part == now.part)
    found = (await connection.execute(select(STATE).where(here))).mappings().first()
    there = found["version"] if found is not None else 0
    if there == now.version and found is None:
        await connection.execute(insert(STATE).values(_columns(to)))
        return
    if there == now.version:
        swapped = await connection.execute(
            update(STATE).where(here, STATE.c.version == now.version).values(_columns(to))
        )
        if swapped.rowcount == 1:
            return
        found = (await connection.execute(select(STATE).where(here))).mappings().first()
    where = _told_placement(_state(found).placement) if found is not None else {}
    raise MigrationConflict(
        f"{now.system} was moved by someone else at this moment: it is {where.get('phase', 'gone')} now "
        f"(version {found['version'] if found is not None else 0}, not {now.version}). Look at it again."
    )


async def _forget_proposal(connection: AsyncConnection, where: Where) -> None:
    await connection.execute(
        delete(PROPOSAL).where(PROPOSAL.c.system == where[0], PROPOSAL.c.part == where[1])
    )


def _columns(state: State) -> dict[str, Any]:
    return {
        "system": state.system,
        "part": state.part,
        "phase": state.placement.phase,
        "percent": state.placement.percent,
        "sample": state.placement.sample,
        "frozen": state.placement.frozen,
        "version": state.version,
        "since_us": state.since_us,
        "changed_us": state.changed_us,
    }


def _placement(row: Mapping[str, Any] | RowMapping) -> Placement:
    return Placement(Phase(row["phase"]), row["percent"], row["sample"], row["frozen"])


def _state(row: Mapping[str, Any] | RowMapping) -> State:
    return State(
        row["system"], row["part"], _placement(row), row["version"], row["since_us"], row["changed_us"]
    )


def _step(row: RowMapping) -> Step:
    return Step(
        row["system"],
        row["part"],
        row["version"],
        row["kind"],
        Phase(row["was"]),
        _placement(row),
        row["actor"],
        row["second"],
        row["reason"],
        tuple(one for one in row["forced"].split(",") if one),
        row["at_us"],
    )


def _proposal(row: RowMapping) -> Proposal:
    wish = orjson.loads(row["wish"])
    to = wish.get("to")
    return Proposal(
        row["system"],
        row["part"],
        row["version"],
        Wish(wish["kind"], Phase(to) if to else None, wish.get("percent"), wish.get("sample")),
        row["actor"],
        row["reason"],
        row["at_us"],
    )


def _told(wish: Mapping[str, Any]) -> dict[str, Any]:
    """For the ledger, whose bodies hold no fractions."""
    return {name: f"{value:g}" if isinstance(value, float) else value for name, value in wish.items()}


def _told_placement(placement: Placement) -> dict[str, Any]:
    return {
        "phase": str(placement.phase),
        "percent": f"{placement.percent:g}",
        "sample": f"{placement.sample:g}",
        "frozen": placement.frozen,
    }
