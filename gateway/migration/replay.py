"""Looks that the trail knows, asked once more of both sides and compared as a shadow's questions are.

What was asked for is known by case, never by person (subjects are keyed hashes), so each case is asked for once,
whole, however often it was looked at.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select

from adapters.migration.placement import Phase, Placement
from adapters.migration.port import Comparison, MigrationPort, NoMigrations
from adapters.migration.route import Route, mapping_of
from adapters.migration.shadow import Shadow
from adapters.source import Source
from adapters.traffic.errors import SourceError, SourceNotFound
from gateway.database import Database
from gateway.ledger.tables import ACCESS_ABOUT

__all__ = ["AT_ONCE", "Replayed", "Replayer", "count_looked_at", "looked_at"]

AT_ONCE = 4
TRIES = 3
"""A comparison is left out where this process is busy (`adapters.migration.shadow`); here nobody waits, so it is
tried again."""
_COMPARING = Placement(Phase.SHADOW, sample=100)


async def looked_at(
    database: Database, system: str, *, since_us: int = 0, after: str = "", at_once: int = AT_ONCE
) -> AsyncGenerator[list[str], None]:
    """Numbers of the system's cases that were looked at since then, each once, in order; `at_once` at a time. after: the
    last one that was had. Raises DatabaseUnavailable."""
    about, prefix = ACCESS_ABOUT.c, f"{system}:"
    last = prefix + after
    while True:
        statement = (
            select(about.ref)
            .where(
                about.kind == "case",
                about.ref > last,
                func.substr(about.ref, 1, len(prefix)) == prefix,
                about.at_us >= since_us,
            )
            .distinct()
            .order_by(about.ref)
            .limit(at_once)
        )
        async with database.read() as connection:
            found = list((await connection.scalars(statement)).all())
        if not found:
            return
        last = found[-1]
        yield [one.removeprefix(prefix) for one in found]


async def count_looked_at(database: Database, system: str, *, since_us: int = 0, after: str = "") -> int:
    about, prefix = ACCESS_ABOUT.c, f"{system}:"
    statement = select(func.count(func.distinct(about.ref))).where(
        about.kind == "case",
        about.ref > prefix + after,
        func.substr(about.ref, 1, len(prefix)) == prefix,
        about.at_us >= since_us,
    )
    async with database.read() as connection:
        return int(await connection.scalar(statement) or 0)


@dataclass(slots=True)
class Replayed:
    """cases: asked for. verdicts: how many compared how, as in the parity report. old_faults: cases that the old side
    gave no answer for, by code. left_out: not compared, by reason."""

    cases: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    old_faults: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


class _Port(NoMigrations):
    """Comparisons go to the gateway's own counts; how long sides took does not: nobody waited for them."""

    def __init__(self, kept: MigrationPort) -> None:
        self._kept = kept
        self.verdicts: dict[str, list[str]] = {}
        self.left_out: list[str] = []

    def placement(self, system: str, verb: str) -> Placement:
        del system, verb
        return _COMPARING

    def compared(self, comparison: Comparison) -> None:
        self.verdicts.setdefault(comparison.number, []).append(comparison.verdict)
        self._kept.compared(comparison)

    def not_compared(self, system: str, reason: str) -> None:
        del system
        self.left_out.append(reason)

    async def new_number(self, system: str, old: str) -> str | None:
        return await self._kept.new_number(system, old)

    async def old_numbers(self, system: str, new: Collection[str]) -> Mapping[str, str]:
        return await self._kept.old_numbers(system, new)


class Replayer:
    """old: the system that is replaced; new: its successor, whose declaration says so. port: counts what is compared."""

    def __init__(self, old: Source, new: Source, port: MigrationPort) -> None:
        migration = new.declaration.migration
        assert migration is not None  # noqa: S101 - it is its successor
        self._port = _Port(port)
        self.mapping = mapping_of(old.declaration, new.declaration)
        self._route = Route(
            old.declaration,
            old,
            new,
            migration,
            self.mapping,
            self._port,
            b"replay",
            shadow=Shadow(at_once=AT_ONCE),
        )
        self._fields = old.connectors["case"].mapped | new.connectors["case"].mapped
        self._timeout_s = old.traffic.policy.timeout_s

    async def replay(self, numbers: Collection[str], into: Replayed) -> None:
        """Asks both sides for each, at most `AT_ONCE` of them at a time."""
        waiting = list(numbers)
        for attempt in range(TRIES):
            self._port.verdicts.clear()
            self._port.left_out.clear()
            faults = await asyncio.gather(*(self._ask(number) for number in waiting))
            await self._route.shadow.settled()
            for verdict in (one for each in self._port.verdicts.values() for one in each):
                into.verdicts[verdict] += 1
            into.old_faults.update(code for code in faults if code is not None)
            done = {number for number, code in zip(waiting, faults, strict=True) if code is not None}
            waiting = [one for one in waiting if one not in done and one not in self._port.verdicts]
            if not waiting or not self._port.left_out:
                break
            if attempt == TRIES - 1:
                into.left_out.update(self._port.left_out)
        into.cases += len(numbers)

    async def close(self) -> None:
        await self._route.close()

    async def _ask(self, number: str) -> str | None:
        """The code of what the old side failed with."""
        until = asyncio.get_running_loop().time() + self._timeout_s
        side = self._route.side("case", number)
        try:
            await side.ask("case", {"number": number}, fields=self._fields, deadline=until, live=True)
        except SourceNotFound:
            return None  # compared as well: the new side should have none either
        except SourceError as error:
            return error.code
        return None
