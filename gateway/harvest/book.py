"""How far the harvest of each system has come, from the database: the same in every process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.source import Source
from gateway.harvest.model import harvested_by
from gateway.harvest.store import HarvestState, HarvestStore, Pushed
from schema.ports import HarvestFacts
from schema.scalars import CHINA_STANDARD_TIME
from schema.vocabulary import HarvestMode

__all__ = ["HarvestBook", "facts_of"]

FRESH_US = 500_000
"""A list of systems asks for each of them: the tables are read once."""


@dataclass(frozen=True, slots=True)
class _Read:
    at_us: int
    states: Mapping[str, HarvestState]
    quarantined: Mapping[str, int]
    pushed: Mapping[str, Pushed]


class HarvestBook:
    """default_every_s: of systems whose declaration says none. clock: microseconds since 1970."""

    def __init__(self, store: HarvestStore, default_every_s: float, clock: Callable[[], int]) -> None:
        self._store, self._every_s, self._clock = store, default_every_s, clock
        self._turn = asyncio.Lock()
        self._last: _Read | None = None

    async def of(self, source: Source) -> HarvestFacts:
        """Raises DatabaseUnavailable."""
        read = await self._read()
        code = source.code
        return facts_of(
            source,
            read.states.get(code, HarvestState(code)),
            read.quarantined.get(code, 0),
            read.pushed.get(code, Pushed()),
            self._every_s,
            self._clock(),
        )

    async def _read(self) -> _Read:
        async with self._turn:
            now = self._clock()
            if self._last is None or now - self._last.at_us > FRESH_US:
                states, quarantined = await self._store.states(), await self._store.quarantined_each()
                self._last = _Read(now, states, quarantined, await self._store.pushed_each())
            return self._last


def facts_of(
    source: Source, state: HarvestState, quarantined: int, pushed: Pushed, default_every_s: float, now_us: int
) -> HarvestFacts:
    verb = harvested_by(source)
    declared = source.declaration.harvest
    return HarvestFacts(
        mode=HarvestMode(verb.upper()) if verb is not None else HarvestMode.NONE,
        pushes=source.declaration.push is not None,
        every_s=(declared.every_s or default_every_s) if verb is not None else None,
        last_run_at=_text(state.ended_us),
        last_good_at=_text(state.good_us),
        last_push_at=_text(pushed.last_us),
        running_since=_text(state.started_us) if state.interrupted else None,
        watermark=state.watermark,
        lag_s=round(max(0, now_us - state.good_us) / 1_000_000, 1) if state.good_us is not None else None,
        more=state.unfinished,
        fault_code=state.fault_code,
        fault=state.fault,
        failures=state.failures,
        quarantined=quarantined,
        events=state.events + pushed.events,
        repeated=state.repeated + pushed.repeated,
    )


def _text(us: int | None) -> str | None:
    if us is None:
        return None
    return datetime.fromtimestamp(us / 1_000_000, CHINA_STANDARD_TIME).isoformat(timespec="seconds")
