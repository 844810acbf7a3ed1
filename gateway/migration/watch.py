"""Goes back by itself: a migration whose new side is over the limits for several windows in a row is rolled back.

Every process watches; the step is a compare-and-set, so one of them makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from sqlalchemy import func, select

from adapters.migration.placement import Phase
from gateway.database import Database
from gateway.ledger import Writer
from gateway.ledger.writer import now_us
from gateway.migration.errors import MigrationConflict, TransitionRefused
from gateway.migration.gates import Policy, Watch
from gateway.migration.operate import Operator, move
from gateway.migration.parity import side_of
from gateway.migration.phases import Wish
from gateway.migration.store import MigrationStore, State
from gateway.migration.tables import COUNT

__all__ = ["ACTOR", "Watcher", "why_over"]

log = structlog.get_logger("gateway.migration")

ACTOR = "quanyu"
_WATCHED = (Phase.CANARY, Phase.PRIMARY_NEW)

Window = Mapping[str, Mapping[str, int]]
"""scope -> name -> n, of one window."""


@dataclass(slots=True)
class Watcher:
    """settle_s: how long after its end a window is judged, so that every process has written its counts."""

    database: Database
    store: MigrationStore
    writer: Writer
    policy: Policy
    window_s: float = 60.0
    settle_s: float = 1.0
    on_rollback: Callable[[State, str], None] | None = None
    _clock: Callable[[], int] = field(default=now_us)

    async def look(self) -> None:
        """Raises DatabaseUnavailable."""
        for state in (await self.store.states()).values():
            if state.placement.phase in _WATCHED:
                await self._look_at(state)

    async def _look_at(self, state: State) -> None:
        size = int(self.window_s * 1_000_000)
        now = self._clock() - int(self.settle_s * 1_000_000)
        last = now - now % size
        first = last - self.policy.watch.windows * size
        # what was counted before the last step says nothing of it
        if first < state.changed_us - state.changed_us % size + size:
            return
        windows = await self._windows(state.system, first, last)
        reasons = [
            why_over(windows.get(first + n * size, {}), self.policy.watch)
            for n in range(self.policy.watch.windows)
        ]
        if any(reason is None for reason in reasons):
            return
        reason = f"{len(reasons)} windows of {self.window_s:g} s over the limit; the last: {reasons[-1]}"
        try:
            moved = await move(
                self.store,
                self.writer,
                state.system,
                Wish("rollback", Phase.SHADOW),
                Operator(ACTOR, reason),
                part=state.part,
            )
        except (MigrationConflict, TransitionRefused):
            return  # another process, or a person, was faster
        log.error("migration rolled back by itself", system=state.system, part=state.part, reason=reason)
        if self.on_rollback is not None:
            self.on_rollback(moved, reason)

    async def _windows(self, system: str, first: int, last: int) -> dict[int, dict[str, dict[str, int]]]:
        wanted = (
            select(COUNT.c.bucket_us, COUNT.c.scope, COUNT.c.name, func.sum(COUNT.c.n).label("n"))
            .where(
                COUNT.c.system == system,
                COUNT.c.mapping == "",
                COUNT.c.bucket_us >= first,
                COUNT.c.bucket_us < last,
            )
            .group_by(COUNT.c.bucket_us, COUNT.c.scope, COUNT.c.name)
        )
        found: dict[int, dict[str, dict[str, int]]] = {}
        async with self.database.read() as connection:
            for row in (await connection.execute(wanted)).all():
                found.setdefault(row.bucket_us, {}).setdefault(row.scope, {})[row.name] = int(row.n)
        return found


def why_over(window: Window, limits: Watch) -> str | None:
    """What is over a limit in one window; None where nothing is, or too little happened to say."""
    new, old = side_of(window.get("side:new", {})), side_of(window.get("side:old", {}))
    beside = side_of(window.get("shadow:old", {}))
    failed = new.errors + new.fell_back
    usual = old.error_rate if old.calls >= limits.min_calls else beside.error_rate
    if new.calls >= limits.min_calls and failed / new.calls > usual + limits.max_error_excess:
        return f"{failed} of {new.calls} questions failed on the new side (old: {usual * 100:.1f} %)"
    compared = window.get("compared", {})
    different, whole = compared.get("different", 0), sum(compared.values())
    if whole >= limits.min_calls and different / whole > limits.max_mismatch:
        return f"{different} of {whole} compared records differ"
    if limits.max_latency_ratio is not None and new.calls >= limits.min_calls:
        slow, than = new.p95_ms, old.p95_ms or beside.p95_ms
        if slow is not None and than is not None and slow > than * limits.max_latency_ratio:
            return f"p95 of the new side is {slow:g} ms (old: {than:g} ms)"
    return None
