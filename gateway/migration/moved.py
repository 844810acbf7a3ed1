"""What of a replaced system is over already: its history in ledger and case files, its open cases on the new side."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, column, delete, exists, func, literal, or_, select, table
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import Database
from gateway.ledger.writer import now_us
from gateway.migration.tables import BACKFILL, MOVED, NUMBER

__all__ = ["LISTED", "History", "begin_anew", "note_moved", "open_left", "read_history", "some_open_left"]

LISTED = "listed"
"""Watermark of a walk whose list came to its end; what is left are single cases."""

FILES = table("case_file", column("case_id"), column("system"), column("is_open"), column("unseen"))
"""What is read here of the case files, whose room is beside this one (`gateway.casefile.tables`)."""


@dataclass(frozen=True, slots=True)
class History:
    """cases, open_cases: that have a file; unseen: files of them whose case was not shown yet. events: appended by all
    walks."""

    system: str
    cases: int = 0
    open_cases: int = 0
    unseen: int = 0
    events: int = 0
    repeated: int = 0
    begun_us: int | None = None
    ended_us: int | None = None
    fault: str | None = None
    listed: bool = False
    at_end: bool = False

    @property
    def lacking(self) -> str | None:
        """Why it is not whole; None where it is."""
        if self.begun_us is None:
            return "never read; quanyu migrate backfill"
        if self.fault is not None:
            return self.fault
        if not (self.listed and self.at_end):
            return "not read to its end"
        return f"{self.unseen} cases not shown yet" if self.unseen else None


async def read_history(database: Database, system: str) -> History:
    """Raises DatabaseUnavailable."""
    # not all databases add up truths
    counted = select(
        func.count(),
        func.count().filter(FILES.c.is_open.is_(True)),
        func.count().filter(FILES.c.unseen.is_(True)),
    ).where(FILES.c.system == system)
    async with database.read() as connection:
        row = (
            (await connection.execute(select(BACKFILL).where(BACKFILL.c.system == system))).mappings().first()
        )
        cases, is_open, unseen = (await connection.execute(counted)).one()
    if row is None:
        return History(system, cases, is_open, unseen)
    ended = row["ended_us"] is not None and row["ended_us"] >= (row["started_us"] or 0)
    return History(
        system,
        cases,
        is_open,
        unseen,
        row["events"],
        row["repeated"],
        row["started_us"],
        row["ended_us"],
        f"{row['fault_code']}: {row['fault']}" if row["fault_code"] else None,
        row["watermark"] == LISTED,
        ended and not row["unfinished"],
    )


async def begin_anew(database: Database, system: str) -> None:
    """The next walk begins at the beginning."""
    async with database.write() as connection:
        await connection.execute(delete(BACKFILL).where(BACKFILL.c.system == system))


async def open_left(database: Database, system: str, *, mapped: bool) -> int | None:
    """Open cases of the case files that are not known to be on the new side: neither has it shown them when it was
    asked, nor, with numbers of its own, have they one. None where the files know no case of the system."""
    async with database.read() as connection:
        any_file = await connection.scalar(select(exists().where(FILES.c.system == system)))
        if not any_file:
            return None
        left = _left(system, mapped=mapped).subquery()
        return int(await connection.scalar(select(func.count()).select_from(left)) or 0)


async def some_open_left(
    database: Database, system: str, *, mapped: bool, after: str = "", limit: int = 500
) -> Sequence[str]:
    """Their old numbers in order, those after `after`."""
    wanted = _left(system, mapped=mapped).where(FILES.c.case_id > f"{system}:{after}")
    async with database.read() as connection:
        rows = await connection.scalars(wanted.order_by(FILES.c.case_id).limit(limit))
        return [str(one).partition(":")[2] for one in rows]


async def note_moved(database: Database, system: str, old: Collection[str]) -> None:
    """Keeps that the new side has shown these. Raises DatabaseUnavailable."""
    if not old:
        return
    at = now_us()
    async with database.write() as connection:
        insert: Any = postgresql.insert if database.kind == "postgresql" else sqlite.insert
        rows = [{"system": system, "old": one, "seen_us": at} for one in old]
        await connection.execute(insert(MOVED).on_conflict_do_nothing(), rows)


def _left(system: str, *, mapped: bool) -> Select[tuple[str]]:
    moved = exists().where(
        MOVED.c.system == system, literal(f"{system}:").concat(MOVED.c.old) == FILES.c.case_id
    )
    found = or_(moved)
    if mapped:
        has_number = exists().where(
            NUMBER.c.system == system,
            NUMBER.c.new.is_not(None),
            literal(f"{system}:").concat(NUMBER.c.old) == FILES.c.case_id,
        )
        found = or_(moved, has_number)
    wanted: Select[tuple[str]] = select(FILES.c.case_id).where(
        and_(FILES.c.system == system, FILES.c.is_open.is_(True), ~found)
    )
    return wanted
