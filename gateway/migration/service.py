"""Migrations of one process: where each stands (`adapters.migration.port.MigrationPort`), followed by polling, and what
the process counts of them.

Every process asks the database a few times a second, so a step that any of them makes is in force everywhere within
`poll_s`. While the database is away all stays as it was; what was last known is kept in a file for a start without it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import structlog

from adapters.migration.compare import Difference, Outcome
from adapters.migration.placement import LEGACY_ONLY, Phase, Placement, share_of_lot
from adapters.migration.port import Comparison, Declared, SideName
from gateway.database import DatabaseUnavailable
from gateway.ledger.writer import now_us
from gateway.migration.declared import write_declared
from gateway.migration.masking import shown_value
from gateway.migration.numbers import NumberMap
from gateway.migration.store import MigrationStore, State, Where
from gateway.migration.tally import Tally, latency_name

__all__ = ["LABEL", "Migrations", "StepTold"]

log = structlog.get_logger("gateway.migration")

LABEL = "migration:"
"""Labels of progressive @override that follow a migration: `migration:JT-PERMIT`."""

HOUR_US = 3_600_000_000
SLOTS = 5
"""Samples kept of each path and outcome."""

StepTold = Callable[[State], None]


@dataclass(slots=True)
class Migrations:
    """Use: `await load()`, `start()`, `stop()`. key: of the lots of labels; kept: file of the last known places."""

    store: MigrationStore
    numbers: NumberMap
    tally: Tally
    key: bytes = field(default=b"", repr=False)
    kept: Path | None = None
    poll_s: float = 0.4
    flush_s: float = 0.5
    window_s: float = 60.0
    told: StepTold | None = None
    declared: Mapping[str, Declared] = field(default_factory=dict, init=False)
    moved: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Set when something moves; another takes its place then."""
    _declared_written: bool = field(default=True, init=False)
    _states: dict[Where, State] = field(default_factory=dict, init=False)
    _places: dict[Where, Placement] = field(default_factory=dict, init=False)
    _slots: dict[tuple[str, str, str], int] = field(default_factory=dict, init=False)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list, init=False)
    _faults: set[str] = field(default_factory=set, init=False)

    # --- where they stand ---

    async def load(self) -> None:
        """Reads where everything stands; what was last known where the database is away."""
        try:
            self._take(await self.store.states())
        except DatabaseUnavailable as error:
            states = self._read_kept()
            log.warning("migrations as last known", fault=str(error), systems=len(states))
            self._take(states)

    def start(self) -> None:
        work: Mapping[str, tuple[float, Callable[[], Awaitable[None]]]] = {
            "poll": (self.poll_s, self.refresh),
            "flush": (self.flush_s, self._flush),
        }
        self._tasks = [
            asyncio.create_task(self._every(name, period, what)) for name, (period, what) in work.items()
        ]

    def also(self, name: str, period_s: float, work: Callable[[], Awaitable[None]]) -> None:
        """A further task of this process's migrations; ended with the others."""
        self._tasks.append(asyncio.create_task(self._every(name, period_s, work)))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._flush()
        except DatabaseUnavailable as error:
            log.warning("the last counts of migrations are lost", fault=str(error))

    async def refresh(self) -> None:
        self._take(await self.store.states())

    def state(self, system: str, part: str = "") -> State:
        return self._states.get((system, part), State(system, part))

    @property
    def states(self) -> Mapping[Where, State]:
        return self._states

    def _take(self, states: Mapping[Where, State]) -> None:
        moved = [one for where, one in states.items() if self._states.get(where) != one]
        if not moved:
            return
        first = not self._states
        self._states = dict(states)
        self._places = {where: one.placement for where, one in states.items()}
        self._keep()
        self.moved.set()
        self.moved = asyncio.Event()
        for one in moved:
            at = one.placement
            if not first:
                log.info(
                    "migration moved",
                    system=one.system,
                    part=one.part,
                    phase=str(at.phase),
                    percent=at.percent,
                    frozen=at.frozen,
                    version=one.version,
                )
            if self.told is not None:
                self.told(one)

    # --- MigrationPort ---

    def declare(self, declared: Collection[Declared]) -> None:
        self.declared = {one.system: one for one in declared}
        self._declared_written = False

    def placement(self, system: str, verb: str) -> Placement:
        places = self._places
        if not places:
            return LEGACY_ONLY
        found = places.get((system, verb))
        return found if found is not None else places.get((system, ""), LEGACY_ONLY)

    def label_holds(self, label: str, lot: str) -> bool:
        """Whether `migration:SYSTEM` holds: for the share of cases (or callers) that the new side answers for."""
        system = label.removeprefix(LABEL)
        placement = self.placement(system, "")
        # a case's id, where the lot is one: it is on the side where its own fields are
        return placement.is_new(share_of_lot(self.key, system, lot.removeprefix(f"{system}:")))

    def asked(self, system: str, side: SideName, code: str | None, elapsed_s: float, *, beside: bool) -> None:
        scope = f"{'shadow' if beside else 'side'}:{side}"
        self._count(system, scope, "calls")
        self._count(system, scope, latency_name(elapsed_s * 1000))
        if code is not None:
            self._count(system, scope, "errors")
            self._count(system, scope, f"code:{code}")

    def fell_back(self, system: str, code: str) -> None:
        # an error is counted already; that the new side lacks a case is not one by itself
        if code == "NOT_FOUND":
            self._count(system, "side:new", "fell_back")
        self._count(system, "side:new", f"fell_back:{code}")

    def compared(self, comparison: Comparison) -> None:
        one, at = comparison, now_us()
        hour = at - at % HOUR_US

        def count(scope: str, name: str) -> None:
            self.tally.add((one.system, one.mapping, hour, scope, name), at)

        count("verdict", one.verdict)
        if one.problem is not None:
            return
        noise, real = one.noise or frozenset(), one.real
        self._count(one.system, "compared", "different" if real else "alike")
        for path, outcome in one.result.outcomes.items():
            excused = outcome is Outcome.DIFFERENT and path in noise
            count(f"path:{path}", "noise" if excused else outcome)
            if one.noise is not None:
                count(f"path:{path}", "noise_asked")
                if path in noise:
                    count(f"path:{path}", "noise_differs")
        for found, word in (
            *((one.result.differences[path], "different") for path in real),
            *((each, "explained") for each in one.result.explained.values()),
        ):
            self._sample(one, found, word, at)

    def not_compared(self, system: str, reason: str) -> None:
        self._count(system, "dropped", reason)

    async def new_number(self, system: str, old: str) -> str | None:
        return await self.numbers.new_number(system, old)

    async def old_numbers(self, system: str, new: Collection[str]) -> Mapping[str, str]:
        return await self.numbers.old_numbers(system, new)

    # --- inside ---

    async def _flush(self) -> None:
        if not self._declared_written:
            await write_declared(self.store.database, self.declared.values())
            self._declared_written = True
        await self.tally.flush()

    def _count(self, system: str, scope: str, name: str) -> None:
        at = now_us()
        window = int(self.window_s * 1_000_000)
        self.tally.add((system, "", at - at % window, scope, name), at)

    def _sample(self, one: Comparison, found: Difference, outcome: str, at_us: int) -> None:
        """The first few of each path, and then every so often a newer one."""
        place = (one.system, one.mapping, found.path)
        seen = self._slots.get(place, 0)
        self._slots[place] = seen + 1
        if seen >= SLOTS and seen % 97:
            return
        self.tally.keep_sample(
            (*place, seen % SLOTS),
            {
                "outcome": outcome,
                "number": one.number[:80],
                "old": shown_value(found.path, found.old),
                "new": shown_value(found.path, found.new),
                "at_us": at_us,
            },
        )

    async def _every(self, name: str, period_s: float, work: Callable[[], Awaitable[None]]) -> None:
        """Goes on after every fault; each is told once, and its end."""
        while True:
            try:
                await work()
            except DatabaseUnavailable as error:
                if name not in self._faults:
                    log.warning("migrations cannot reach the database", task=name, fault=str(error))
                self._faults.add(name)
            except Exception:  # such a task must not end silently
                log.exception("a task of migrations failed", task=name)
            else:
                self._faults.discard(name)
            await asyncio.sleep(period_s)

    def _keep(self) -> None:
        if self.kept is None:
            return
        rows = [_row(one) for one in self._states.values()]
        draft = self.kept.with_name(f".{self.kept.name}.{os.getpid()}.tmp")
        try:
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(orjson.dumps(rows))
            draft.replace(self.kept)
        except OSError as error:
            log.warning("where migrations stand could not be kept", fault=str(error))

    def _read_kept(self) -> dict[Where, State]:
        if self.kept is None:
            return {}
        try:
            rows = orjson.loads(self.kept.read_bytes())
            return {(row["system"], row["part"]): _state_of(row) for row in rows}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


def _row(state: State) -> dict[str, Any]:
    at = state.placement
    return {
        "system": state.system,
        "part": state.part,
        "phase": str(at.phase),
        "percent": at.percent,
        "sample": at.sample,
        "frozen": at.frozen,
        "version": state.version,
        "since_us": state.since_us,
        "changed_us": state.changed_us,
    }


def _state_of(row: Mapping[str, Any]) -> State:
    placement = Placement(Phase(row["phase"]), row["percent"], row["sample"], row["frozen"])
    return State(row["system"], row["part"], placement, row["version"], row["since_us"], row["changed_us"])
