"""Which fetches of a graph belong to which part of the answer, and which ones a later part waits for."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.planner.deferrals import Deferral, depth_of
from gateway.planner.fetch_graph import FetchGraph, FetchGroup

__all__ = ["awaited_by", "parts_of"]


def parts_of(fetches: FetchGraph) -> dict[Deferral | None, Sequence[FetchGroup]]:
    """The groups of each part: first what is not deferred, every other one after those that it builds on."""
    found: dict[Deferral | None, list[FetchGroup]] = {}
    for group in fetches.in_order():
        found.setdefault(group.deferral, []).append(group)
    return {deferral: found[deferral] for deferral in sorted(found, key=depth_of)}


def awaited_by(fetches: FetchGraph, groups: Sequence[FetchGroup]) -> tuple[str, ...]:
    """Names of the fetches of earlier parts without which these cannot begin; they get one here."""
    own = {item.id for item in groups}
    found = sorted({parent for item in groups for parent in item.parents} - own)
    for group_id in found:
        group = fetches.groups[group_id]
        if group.awaited is None:
            group.awaited = str(sum(item.awaited is not None for item in fetches.groups.values()))
    return tuple(fetches.groups[group_id].awaited or "" for group_id in found)
