"""Merges fetches to one subgraph at one path that can be sent at the same time."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.planner.fetch_graph import FetchGraph, FetchGroup
from gateway.planner.nodes import RequiredField

__all__ = ["merge_siblings"]

Likeness = tuple[str, tuple[str, ...], int, object, object]


def merge_siblings(fetches: FetchGraph) -> None:
    """Groups of one level never wait for each other, so merging them adds no step.

    Two fetches that wait for different ones and need different fields stay apart: if what one needs fails, the
    other must not fail with it.
    """
    while _merge_once(fetches):
        pass


def _merge_once(fetches: FetchGraph) -> bool:
    levels = fetches.levels()
    alike: dict[Likeness, list[FetchGroup]] = {}
    merged = False
    for group in fetches.in_order():
        if not group.inputs:
            continue  # root fetches are opened once per subgraph already
        likeness = (group.subgraph, group.path, levels[group.id], group.conditions, group.deferral)
        known = alike.setdefault(likeness, [])
        partner = next(
            (item for item in known if _share_fate(item, group) and not _contradict(item, group)), None
        )
        if partner is None:
            known.append(group)
        else:
            fetches.merge(partner, group)
            merged = True
    return merged


def _share_fate(one: FetchGroup, other: FetchGroup) -> bool:
    """Whether a failure before them hits both alike: the same fetches before, or the same fields needed per type."""
    if one.parents == other.parents:
        return True
    return all(
        set(one.inputs[name]) == set(other.inputs[name]) for name in one.inputs if name in other.inputs
    )


def _contradict(one: FetchGroup, other: FetchGroup) -> bool:
    """Whether a representation for both would need one field with two values: @requires with other arguments."""
    return any(
        _differ(fields, other.inputs[name]) for name, fields in one.inputs.items() if name in other.inputs
    )


def _differ(some: Sequence[RequiredField], others: Sequence[RequiredField]) -> bool:
    return any(
        item.name == known.name
        and (item.response != known.response or _differ(item.selections, known.selections))
        for item in some
        for known in others
    )
