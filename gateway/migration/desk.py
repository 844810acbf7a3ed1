"""`schema.migration_port.MigrationDesk` over the database: what GraphQL and the page ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from dataclasses import dataclass, field

from adapters.migration.placement import Phase, Placement
from adapters.source import Source
from gateway.ledger import Writer
from gateway.migration.declared import Declared, declared_of
from gateway.migration.errors import OverlapImpossible
from gateway.migration.follow import follow
from gateway.migration.gates import Gate
from gateway.migration.operate import Operator, move
from gateway.migration.overlap import read_overlap, told_overlap
from gateway.migration.phases import Kind, Wish, next_phase
from gateway.migration.readiness import Readiness
from gateway.migration.service import Migrations
from gateway.migration.store import State
from gateway.migration.told import told_gate, told_parity, told_state, told_step
from gateway.migration.triage import accept_difference
from gateway.migration.usage import read_usage
from schema.migration_port import Facts

__all__ = ["Desk", "DeskContext"]

SPARE_S = 0.3
"""Of the time of a request: for comparing what was read."""

_KINDS: dict[str, Kind] = {"advance": "advance", "percent": "percent", "rollback": "rollback"}


@dataclass(slots=True)
class Desk:
    """service: reads a step back at once, so that whoever made it sees it."""

    service: Migrations
    writer: Writer
    readiness: Readiness
    four_eyes: bool = False
    lend: Callable[[], AbstractContextManager[Mapping[str, Source]]] = lambda: nullcontext({})
    _overlapping: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def migrations(self) -> Sequence[Facts]:
        states = await self.service.store.states()
        declared = self.service.declared
        return [told_state(states.get((code, ""), State(code)), declared[code]) for code in sorted(declared)]

    async def migration(self, system: str) -> Facts | None:
        declared = self.service.declared.get(system)
        if declared is None:
            return None
        return told_state(await self.service.store.state(system), declared)

    async def history(self, system: str) -> Sequence[Facts]:
        return [told_step(one) for one in await self.service.store.history(system)]

    async def events(self, system: str | None, after: str | None) -> AsyncGenerator[Facts, None]:
        """Raises MigrationUnknown, CursorUnknown."""
        if system is not None:
            self._declared(system)
        async with aclosing(follow(self.service, system, after)) as steps:
            async for step, cursor in steps:
                yield told_step(step) | {"system": step.system, "cursor": cursor}

    async def gates(self, system: str, to: str | None) -> Sequence[Facts]:
        declared = self._declared(system)
        state = await self.service.store.state(system)
        wanted = Phase(to) if to is not None else next_phase(state.placement.phase)
        if wanted is None:
            return []
        return [told_gate(one) for one in await self.readiness.gates(declared, state, wanted)]

    async def parity(self, system: str) -> Facts:
        return told_parity(await self.readiness.parity(self._declared(system)))

    async def overlap(self, a: str, b: str, deadline: float) -> Facts:
        """One at a time in a process, for each reads two systems whole. Raises OverlapImpossible."""
        declared = self.service.declared.get(a)
        replaces = declared is not None and declared.successor == b
        mapped = self.service.numbers if declared is not None and declared.numbers_mapped else None
        async with self._overlapping:
            with self.lend() as sources:
                left, right = _listing(sources, a), _listing(sources, b)
                if a == b:
                    raise OverlapImpossible(f"{a} with itself: name two systems.")
                migration = right.declaration.migration
                found = await read_overlap(
                    left,
                    right,
                    rules=migration.compare if replaces and migration is not None else {},
                    by_number=replaces,
                    numbers=mapped if replaces else None,
                    deadline=deadline - SPARE_S,
                )
        return told_overlap(a, b, found)

    async def usage(self, system: str, days: int) -> Sequence[Facts]:
        return [one.told() for one in await read_usage(self.readiness.database, system=system, days=days)]

    async def move(
        self,
        system: str,
        kind: str,
        actor: str,
        reason: str,
        *,
        to: str | None = None,
        percent: float | None = None,
        sample: float | None = None,
        force: bool = False,
    ) -> Facts:
        """Raises MigrationError, DatabaseUnavailable."""
        declared = self._declared(system)

        async def gates(now: State, after: Placement) -> Sequence[Gate]:
            return await self.readiness.gates(declared, now, after)

        state = await move(
            self.service.store,
            self.writer,
            system,
            Wish(_KINDS[kind], Phase(to) if to is not None else None, percent, sample),
            Operator(actor, reason, force),
            gates=gates,
            four_eyes=self.four_eyes,
        )
        await self.service.refresh()
        return told_state(state, declared)

    async def accept(self, system: str, field: str, actor: str, reason: str) -> Facts:
        self._declared(system)
        await accept_difference(self.writer, system, field, actor, reason)
        return await self.parity(system)

    def _declared(self, system: str) -> Declared:
        return declared_of(dict(self.service.declared), system)


@dataclass(frozen=True, slots=True)
class DeskContext:
    """`schema.migration_port.MigrationContext` of one request."""

    desk: Desk
    actor: str
    deadline: float


def _listing(sources: Mapping[str, Source], code: str) -> Source:
    source = sources.get(code)
    if source is None or not source.can("cases"):
        able = ", ".join(sorted(one for one, each in sources.items() if each.can("cases"))) or "none"
        raise OverlapImpossible(f"{code!r} is not in service or has no `cases`; those that have: {able}.")
    return source
