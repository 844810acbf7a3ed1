"""Where each system stands, and what could not be read, in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Table, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casefile.tables import HARVEST, PUSH, PUSHED, QUARANTINE
from gateway.database import Database, take
from gateway.database.lease import release

__all__ = ["HarvestState", "HarvestStore", "Pushed", "Rejected"]


@dataclass(frozen=True, slots=True)
class HarvestState:
    """watermark: moment up to which all is known. position: where within the list it goes on, None at its start.

    mapping: which declaration read what is there. failures: in a row. unfinished: the last run came to its limits.
    """

    system: str
    mapping: str | None = None
    watermark: str | None = None
    position: int | str | None = None
    started_us: int | None = None
    ended_us: int | None = None
    good_us: int | None = None
    events: int = 0
    repeated: int = 0
    failures: int = 0
    fault_code: str | None = None
    fault: str | None = None
    unfinished: bool = False

    @property
    def interrupted(self) -> bool:
        """A run began and did not come to its end: it runs now, or its process was killed."""
        return self.started_us is not None and (self.ended_us is None or self.ended_us < self.started_us)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that could not be read. raw: as the system gave it, without anything personal; since: the watermark
    that it was asked with."""

    system: str
    verb: str
    reason: str
    raw: str
    since: str | None
    identity: str = ""
    """What it is known by when it comes again; empty: `raw` itself."""

    @property
    def key(self) -> str:
        return self.identity or hashlib.blake2b(self.raw.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a system has told of itself."""

    events: int = 0
    repeated: int = 0
    last_us: int | None = None


class HarvestStore:
    """All methods raise DatabaseUnavailable. table: where it stands; that of the harvest, or one of the same columns."""

    def __init__(self, database: Database, table: Table = HARVEST) -> None:
        self._database, self._table = database, table

    async def state(self, system: str) -> HarvestState:
        async with self._database.read() as connection:
            row = (
                (await connection.execute(select(self._table).where(self._table.c.system == system)))
                .mappings()
                .first()
            )
        return HarvestState(system) if row is None else _state(dict(row))

    async def states(self) -> dict[str, HarvestState]:
        async with self._database.read() as connection:
            rows = (await connection.execute(select(self._table))).mappings().all()
        return {row["system"]: _state(dict(row)) for row in rows}

    async def save(self, state: HarvestState, holder: str, *, lease_s: float) -> bool:
        """False where another holds the system's lease by now: then nothing is saved."""
        async with self._database.write() as connection:
            if not await take(self._database, connection, _lease(state.system), holder, lease_s):
                return False
            await _put(connection, self._table, [_row(state)])
        return True

    async def begin(self, system: str, holder: str, *, lease_s: float) -> bool:
        """Takes the system's lease."""
        async with self._database.write() as connection:
            return await take(self._database, connection, _lease(system), holder, lease_s)

    async def ask_again(self, system: str) -> bool:
        """The next run asks again for what is in quarantine, whatever its mapping; False where a run is under way."""
        if not await self.begin(system, "ask again", lease_s=5):
            return False
        async with self._database.write() as connection:
            await connection.execute(update(HARVEST).where(HARVEST.c.system == system).values(mapping=""))
        await self.give_up(system, "ask again")
        return True

    async def give_up(self, system: str, holder: str) -> None:
        async with self._database.write() as connection:
            await release(connection, _lease(system), holder)

    async def quarantine(self, rejected: Iterable[Rejected], now_us: int) -> None:
        """Once each; seen again, its attempts are counted."""
        async with self._database.write() as connection:
            await self._quarantine(connection, rejected, now_us)

    async def _quarantine(
        self, connection: AsyncConnection, rejected: Iterable[Rejected], now_us: int
    ) -> None:
        for one in rejected:
            row = {
                "system": one.system,
                "key": one.key,
                "verb": one.verb,
                "reason": one.reason,
                "raw": one.raw,
                "seen_us": now_us,
                "tried_us": now_us,
                "attempts": 1,
                "since": one.since,
            }
            statement = _insert(connection)(QUARANTINE).values(row)
            again = {
                "reason": statement.excluded.reason,
                "tried_us": statement.excluded.tried_us,
                "attempts": QUARANTINE.c.attempts + 1,
            }
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["system", "key"], set_=again)
            )

    async def quarantined(self, system: str) -> tuple[int, str | None]:
        """How many records that it was asked for, and the earliest moment that they were asked from (None where it was
        the beginning)."""
        table = QUARANTINE
        query = select(func.count(), func.min(func.coalesce(table.c.since, ""))).where(
            table.c.system == system, table.c.verb != "push"
        )
        async with self._database.read() as connection:
            count, since = (await connection.execute(query)).one()
        return int(count), since or None

    async def let_go(self, system: str, before_us: int, since: str | None) -> int:
        """Takes out what was not met again by a run that began at `before_us` and asked from `since` (None: from the
        beginning): it can be read now. What an ordinary run did not ask for stays. How many."""
        table = QUARANTINE
        gone = delete(table).where(
            table.c.system == system,
            table.c.verb != "push",
            table.c.tried_us < before_us,
            func.coalesce(table.c.since, "") >= (since or ""),
        )
        async with self._database.write() as connection:
            return int((await connection.execute(gone)).rowcount)

    async def quarantined_each(self) -> dict[str, int]:
        """System -> how many of its records wait."""
        query = select(QUARANTINE.c.system, func.count()).group_by(QUARANTINE.c.system)
        async with self._database.read() as connection:
            return {system: int(count) for system, count in await connection.execute(query)}

    async def pushed_each(self) -> dict[str, Pushed]:
        async with self._database.read() as connection:
            rows = await connection.execute(select(PUSH))
            return {row.system: Pushed(row.events, row.repeated, row.last_us or None) for row in rows}

    # --- what was pushed ---

    async def pushed(self, system: str, events: int, repeated: int, at_us: int | None) -> None:
        """Counts. at_us: when the system told of it; None where it was read only now."""
        async with self._database.write() as connection:
            statement = _insert(connection)(PUSH).values(
                system=system, events=events, repeated=repeated, last_us=at_us or 0
            )
            more = {
                "events": PUSH.c.events + events,
                "repeated": PUSH.c.repeated + repeated,
                **({"last_us": at_us} if at_us is not None else {}),
            }
            await connection.execute(statement.on_conflict_do_update(index_elements=["system"], set_=more))

    async def keep_pushed(
        self, rejected: Iterable[Rejected], sealed: Mapping[str, bytes], mapping: str, now_us: int
    ) -> None:
        """In quarantine, with what is needed to read it again. sealed: by key."""
        rows = [
            {"system": one.system, "key": one.key, "mapping": mapping, "sealed": sealed[one.key]}
            for one in rejected
        ]
        async with self._database.write() as connection:
            await self._quarantine(connection, rejected, now_us)
            await _put(connection, PUSHED, list({row["key"]: row for row in rows}.values()))

    async def pushed_mappings(self) -> list[tuple[str, str]]:
        """(system, mapping that could not read something of it)."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(PUSHED.c.system, PUSHED.c.mapping).distinct())
            return [(row.system, row.mapping) for row in rows]

    async def pushed_of(self, system: str) -> list[tuple[str, bytes]]:
        """(key, sealed) of what could not be read."""
        query = select(PUSHED.c.key, PUSHED.c.sealed).where(PUSHED.c.system == system).limit(1000)
        async with self._database.read() as connection:
            return [(row.key, row.sealed) for row in await connection.execute(query)]

    async def still_unread(
        self, system: str, key: str, mapping: str, reason: str | None, now_us: int
    ) -> None:
        there = QUARANTINE.c.system == system, QUARANTINE.c.key == key
        fresh = {"tried_us": now_us, "attempts": QUARANTINE.c.attempts + 1}
        async with self._database.write() as connection:
            await connection.execute(
                update(QUARANTINE).where(*there).values(**fresh, **({"reason": reason} if reason else {}))
            )
            await connection.execute(
                update(PUSHED).where(PUSHED.c.system == system, PUSHED.c.key == key).values(mapping=mapping)
            )

    async def forget_pushed(self, system: str, key: str) -> None:
        async with self._database.write() as connection:
            for table in (QUARANTINE, PUSHED):
                await connection.execute(delete(table).where(table.c.system == system, table.c.key == key))

    async def list_quarantined(self, system: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Rows of the table, the latest first."""
        query = select(QUARANTINE).order_by(QUARANTINE.c.tried_us.desc(), QUARANTINE.c.key).limit(limit)
        if system is not None:
            query = query.where(QUARANTINE.c.system == system)
        async with self._database.read() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings().all()]


def _lease(system: str) -> str:
    return f"harvest:{system}"


def _state(row: Mapping[str, Any]) -> HarvestState:
    position = orjson.loads(row["position"]) if row["position"] else None
    return replace(HarvestState(**{**row, "position": None}), position=position)


def _row(state: HarvestState) -> dict[str, Any]:
    position = orjson.dumps(state.position).decode() if state.position is not None else None
    return {name: getattr(state, name) for name in HarvestState.__slots__} | {"position": position}


def _insert(connection: AsyncConnection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


async def _put(connection: AsyncConnection, table: Any, rows: list[dict[str, Any]]) -> None:
    statement = _insert(connection)(table)
    keys = [column.name for column in table.primary_key]
    fresh = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys
    }
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh), rows)
