"""One question asked of both sides: records paired by number, compared, and noise told from difference.

Noise is what the old system says differently when it is asked twice (a time of day in a field, a list in no order). It
is asked again for every difference, and for a small sample of the rest, so that noise has a rate of its own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.migration.compare import Outcome, Result, compare_records
from adapters.migration.port import Comparison, MigrationPort, SideName
from adapters.migration_model import Migration
from adapters.source import Page
from adapters.traffic.errors import SourceCircuitOpen, SourceError, SourceNotFound

__all__ = ["EXISTS", "Pairing"]

EXISTS = "exists"
"""Path of a difference where only one side has the record."""

NOISE_SAMPLE = 0.05
MOST_RECORDS = 25
"""Records of one list that are compared: the first ones."""

AskOther = Callable[[SideName], Awaitable[Page]]


@dataclass(slots=True)
class Pairing:
    """Of one system. draw: in [0, 1)."""

    system: str
    mapping: str
    declared: Migration
    port: MigrationPort
    draw: Callable[[], float] = random.random

    async def compare(
        self,
        verb: str,
        args: Mapping[str, Any],
        fields: frozenset[str],
        side: SideName,
        first: Page | None,
        ask: AskOther,
    ) -> None:
        """side: which one gave `first` (None: it said that there is nothing); ask: puts the question to a side."""
        number = str(args.get("number", ""))
        other: SideName = "new" if side == "old" else "old"
        started = asyncio.get_running_loop().time()
        try:
            page: Page | None = await ask(other)
        except SourceNotFound:
            page = None
        except SourceCircuitOpen:
            self.port.not_compared(self.system, "circuit")
            return
        except SourceError as error:
            self.port.compared(
                Comparison(
                    self.system, self.mapping, verb, number, Result(), problem=error.code, problem_of=other
                )
            )
            return
        took_ms = (asyncio.get_running_loop().time() - started) * 1000
        old, new = (first, page) if side == "old" else (page, first)
        found = self._pairs(verb, number, old, new)
        again = await self._again(found, fields, ask)
        timing = (0.0, took_ms) if other == "new" else (took_ms, 0.0)
        for key, (one, two) in found.items():
            await asyncio.sleep(0)  # requests come between
            result = self._result(one, two, fields)
            noise = None
            if again is not None:
                noise = _noise(one, two, again.get(key), self._rules, fields)
            self.port.compared(
                Comparison(self.system, self.mapping, verb, key, result, noise, timing[0], timing[1])
            )

    @property
    def _rules(self) -> Mapping[str, Any]:
        return self.declared.compare

    def _result(
        self, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, fields: Collection[str]
    ) -> Result:
        if old is not None and new is not None:
            result = compare_records(old, new, self.declared.compare, fields)
            result.outcomes.setdefault(EXISTS, Outcome.SAME)
            return result
        result = Result()
        result.note(EXISTS, Outcome.DIFFERENT, old is not None, new is not None)
        return result

    async def _again(
        self,
        found: Mapping[str, tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]],
        fields: Collection[str],
        ask: AskOther,
    ) -> Mapping[str, Mapping[str, Any]] | None:
        """The old side's records once more, by number; None where there was no need or they could not be had."""
        differs = any(
            self._result(one, two, fields).verdict is Outcome.DIFFERENT for one, two in found.values()
        )
        if not differs and self.draw() >= NOISE_SAMPLE:
            return None
        try:
            return _by_number(await ask("old"))
        except SourceNotFound:
            return {}
        except SourceError:
            return None

    def _pairs(
        self, verb: str, number: str, old: Page | None, new: Page | None
    ) -> dict[str, tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]]:
        old_records, new_records = _by_number(old), _by_number(new)
        if verb == "case":
            if not old_records and not new_records:
                return {}
            key = number or next(iter(old_records or new_records))
            return {key: (old_records.get(key), new_records.get(key))}
        keys = [key for key in old_records if key in new_records][:MOST_RECORDS]
        pairs: dict[str, Any] = {key: (old_records[key], new_records[key]) for key in keys}
        # what one side lacks is missing only where the other side's page reaches so far
        for mine, page, other in ((old_records, new, new_records), (new_records, old, old_records)):
            reach = (
                None if page is None or page.next is None else min(map(_applied, other.values()), default="")
            )
            for key, record in list(mine.items())[:MOST_RECORDS]:
                if key not in other and (reach is None or _applied(record) > reach):
                    pairs[key] = (record, None) if mine is old_records else (None, record)
        return pairs


def _applied(record: Mapping[str, Any]) -> str:
    return str(record.get("appliedAt") or "")


def _by_number(page: Page | None) -> dict[str, Mapping[str, Any]]:
    if page is None:
        return {}
    return {str(one.get("localNo", one.get("localCode", ""))): one for one in page.records}


def _noise(
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    again: Mapping[str, Any] | None,
    rules: Mapping[str, Any],
    fields: Collection[str],
) -> frozenset[str]:
    """Paths on which the old side contradicts itself, or agrees with the new one when asked again: the record changed
    between the two questions."""
    if old is None or again is None:
        return frozenset({EXISTS}) if (old is None) != (again is None) else frozenset()
    found = set(compare_records(old, again, rules, fields).differences)
    if new is not None:
        first = compare_records(old, new, rules, fields).differences
        later = compare_records(again, new, rules, fields).differences
        found |= first.keys() - later.keys()
    return frozenset(found)
