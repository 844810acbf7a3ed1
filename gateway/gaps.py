"""Unmapped codes: counted as they are met, kept where all workers see them, listed at `legacySystem.mapping.gaps`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from adapters.mapping.dates import NETWORK_OFFSET
from adapters.mapping.scope import Gap
from cache.counters import Counters
from gateway.telemetry.metrics import Metrics
from schema.identifiers import mask_in_text
from schema.ports import MappingGapFacts

__all__ = ["GapBook"]

FLUSH_S = 0.2
LONGEST_CODE = 200
"""Characters of a code that are kept: what is longer is a text, and who knows of whom."""
_SEPARATOR = "\x1f"


class GapBook:
    """Takes gaps without blocking (`adapters.network.GapSink`) and writes them in batches."""

    def __init__(self, counters: Counters, metrics: Metrics | None) -> None:
        self._counters, self._metrics = counters, metrics
        self._pending: Counter[tuple[str, str, str]] = Counter()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def note(self, system: str, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            self._pending[system, gap.table, mask_in_text(gap.raw)[:LONGEST_CODE]] += 1
            if self._metrics is not None:
                self._metrics.gap_found(system, gap.table)
        self._wake.set()

    async def of(self, system: str) -> tuple[MappingGapFacts, ...]:
        """What was met so far, most frequent first."""
        await self.flush()
        counted = await self._counters.read(_name(system))
        found = []
        for one in counted:
            table, separator, raw = one.member.partition(_SEPARATOR)
            found.append(
                MappingGapFacts(
                    table if separator else "",
                    raw if separator else one.member,
                    one.count,
                    _text(one.first_seen),
                    _text(one.last_seen),
                )
            )
        return tuple(found)

    async def flush(self) -> None:
        pending, self._pending = self._pending, Counter()
        for (system, table, raw), count in pending.items():
            await self._counters.add(_name(system), f"{table}{_SEPARATOR}{raw}", count)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="gap book")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.flush()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(FLUSH_S)  # gathers what comes at the same time
            await self.flush()


def _name(system: str) -> str:
    return f"gaps:{system}"


def _text(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).astimezone(NETWORK_OFFSET).isoformat(timespec="seconds")
