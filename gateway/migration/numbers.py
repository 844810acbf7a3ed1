"""The identifier map of a system and its successor: old number to new one, both ways, with reservation.

An old protocol hands out a number before there is a case; the new one gives it with the case. So a pair may be
reserved first (the old number, no new one yet) and bound later; a binding never changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from gateway.database import Database
from gateway.ledger.writer import now_us
from gateway.migration.errors import MigrationConflict
from gateway.migration.tables import NUMBER

__all__ = ["NumberMap"]

KEPT = 50_000
"""Pairs in memory: a binding never changes, so that what was found once is true for ever."""

AT_ONCE = 500


@dataclass(slots=True)
class NumberMap:
    """Asked on the path of a request: what is known costs a dictionary look-up, the rest one query."""

    database: Database
    _new: OrderedDict[tuple[str, str], str] = field(default_factory=OrderedDict, init=False)
    _old: OrderedDict[tuple[str, str], str] = field(default_factory=OrderedDict, init=False)

    async def new_number(self, system: str, old: str) -> str | None:
        """None where there is none yet. Raises DatabaseUnavailable."""
        found = self._new.get((system, old))
        if found is not None:
            return found
        wanted = select(NUMBER.c.new).where(NUMBER.c.system == system, NUMBER.c.old == old)
        async with self.database.read() as connection:
            new: str | None = (await connection.execute(wanted)).scalar_one_or_none()
        if new is not None:
            self._keep(system, old, new)
        return new

    async def old_numbers(self, system: str, new: Collection[str]) -> Mapping[str, str]:
        """New number -> old one, of those that have one. Raises DatabaseUnavailable."""
        found = {one: self._old[system, one] for one in new if (system, one) in self._old}
        missing = [one for one in new if one not in found]
        if missing:
            wanted = select(NUMBER.c.old, NUMBER.c.new).where(
                NUMBER.c.system == system, NUMBER.c.new.in_(missing[:AT_ONCE])
            )
            async with self.database.read() as connection:
                for row in (await connection.execute(wanted)).all():
                    found[row.new] = row.old
                    self._keep(system, row.old, row.new)
        return found

    async def reserve(self, system: str, old: str) -> bool:
        """Takes an old number before there is a new one; False where it was taken already."""
        statement = self._insert([(system, old, None)])
        async with self.database.write() as connection:
            return (await connection.execute(statement)).first() is not None

    async def free(self, system: str, old: str) -> None:
        """Gives back a reserved number that no new one came for."""
        gone = delete(NUMBER).where(NUMBER.c.system == system, NUMBER.c.old == old, NUMBER.c.new.is_(None))
        async with self.database.write() as connection:
            await connection.execute(gone)

    async def reserved(self, system: str) -> list[tuple[str, int]]:
        """Old numbers without a new one, the oldest first, and since when (microseconds)."""
        wanted = select(NUMBER.c.old, NUMBER.c.reserved_us).where(
            NUMBER.c.system == system, NUMBER.c.new.is_(None)
        )
        async with self.database.read() as connection:
            rows = await connection.execute(wanted.order_by(NUMBER.c.reserved_us, NUMBER.c.old))
            return [(row.old, row.reserved_us) for row in rows]

    async def bind(self, system: str, old: str, new: str) -> None:
        """Reserved or not. The same pair again changes nothing. Raises MigrationConflict where either number is bound
        to another one."""
        await self.bind_all(system, [(old, new)])

    async def bind_all(self, system: str, pairs: Sequence[tuple[str, str]]) -> int:
        """All or none; how many of them are new. Raises MigrationConflict."""
        fresh = 0
        try:
            async with self.database.write() as connection:
                for start in range(0, len(pairs), AT_ONCE):
                    some = pairs[start : start + AT_ONCE]
                    statement = self._insert([(system, old, new) for old, new in some])
                    made = {row.old for row in (await connection.execute(statement)).all()}
                    fresh += len(made)
                    for old, new in some:
                        if old not in made:
                            await self._fill(connection, system, old, new)
        except IntegrityError as error:
            raise MigrationConflict(
                f"A new number of {system} is bound to another old number already."
            ) from error
        return fresh

    async def _fill(self, connection: Any, system: str, old: str, new: str) -> None:
        here = (NUMBER.c.system == system) & (NUMBER.c.old == old)
        there = await connection.scalar(select(NUMBER.c.new).where(here))
        if there is None:
            await connection.execute(update(NUMBER).where(here).values(new=new))
        elif there != new:
            raise MigrationConflict(f"{system}: {old} is bound to {there} already, not to {new}.")

    def _insert(self, rows: Sequence[tuple[str, str, str | None]]) -> Any:
        """Any: the two dialects' inserts have no common type."""
        dialect: Any = postgresql.insert if self.database.kind == "postgresql" else sqlite.insert
        at = now_us()
        values = [{"system": system, "old": old, "new": new, "reserved_us": at} for system, old, new in rows]
        return (
            dialect(NUMBER)
            .values(values)
            .on_conflict_do_nothing(index_elements=[NUMBER.c.system, NUMBER.c.old])
            .returning(NUMBER.c.old)
        )

    def _keep(self, system: str, old: str, new: str) -> None:
        self._new[system, old] = new
        self._old[system, new] = old
        while len(self._new) > KEPT:
            self._new.popitem(last=False)
        while len(self._old) > KEPT:
            self._old.popitem(last=False)
