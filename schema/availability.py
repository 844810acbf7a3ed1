"""Can I apply for this item here, on this day? Pure rules over the registry (在基层能不能办).

The nearest body that handles the item on that day answers: the division itself, else the tiers above it,
else a body elsewhere that accepts for the whole city (通办). Otherwise the answer says why not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from schema.registry import ImplementationRow, ItemRow, RegionRow, in_force
from schema.vocabulary import AcceptScope, AvailabilityReason, ItemState, RegionLevel

__all__ = ["AvailabilityFacts", "AvailabilityRegistry", "find_availability"]

_TIERS = tuple(RegionLevel)
"""From the municipality down to the village."""

_AVAILABLE = frozenset(
    {AvailabilityReason.HERE, AvailabilityReason.AT_SUPERIOR, AvailabilityReason.ACCEPTED_ELSEWHERE}
)


class AvailabilityRegistry(Protocol):
    """The part of the registry that the rules need."""

    def ancestors(self, code: str) -> Sequence[RegionRow]: ...

    def descendants(self, code: str) -> frozenset[str]: ...

    def implementations(self, base_code: str) -> Sequence[ImplementationRow]: ...


@dataclass(frozen=True, slots=True)
class AvailabilityFacts:
    """`implementations`: where to apply, best first; for AT_SUBORDINATE those below. `lowest_tier`: the lowest
    tier at which the item is handled for the division or under it."""

    reason: AvailabilityReason
    implementations: tuple[ImplementationRow, ...] = ()
    lowest_tier: RegionLevel | None = None

    @property
    def available(self) -> bool:
        return self.reason in _AVAILABLE


def find_availability(
    registry: AvailabilityRegistry, item: ItemRow, *, region: RegionRow, on: date
) -> AvailabilityFacts:
    """Where `item` can be applied for from `region` on that day, or why it cannot."""
    if item.state is not ItemState.PUBLISHED or not in_force(item, on):
        return AvailabilityFacts(AvailabilityReason.ITEM_NOT_IN_USE)
    path = (region.code, *(row.code for row in registry.ancestors(region.code)))
    below = registry.descendants(region.code)
    every = registry.implementations(item.base_code)
    current = [row for row in every if in_force(row, on)]
    reason, found = _nearest(current, path, below)
    if not found and any(row.region in path for row in every):
        reason = AvailabilityReason.NOT_IN_FORCE
    reachable = [row for row in current if row.region in path or row.region in below]
    return AvailabilityFacts(reason, tuple(found), _lowest(reachable or found))


def _nearest(
    current: Sequence[ImplementationRow], path: Sequence[str], below: frozenset[str]
) -> tuple[AvailabilityReason, list[ImplementationRow]]:
    for distance, code in enumerate(path):
        if found := [row for row in current if row.region == code]:
            return (AvailabilityReason.AT_SUPERIOR if distance else AvailabilityReason.HERE), found
    if found := [row for row in current if row.accept_scope is AcceptScope.CITY_WIDE]:
        return AvailabilityReason.ACCEPTED_ELSEWHERE, sorted(found, key=lambda row: row.region not in below)
    if found := [row for row in current if row.region in below]:
        return AvailabilityReason.AT_SUBORDINATE, found
    return AvailabilityReason.NOT_OFFERED, []


def _lowest(rows: Sequence[ImplementationRow]) -> RegionLevel | None:
    return max((row.level for row in rows), key=_TIERS.index, default=None)
