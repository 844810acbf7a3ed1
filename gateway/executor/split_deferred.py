"""Selections at an object -> what is answered now, and the deferred fragments that stand there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from gateway.planner.deferrals import Deferral
from gateway.planner.selections import NO_CONDITIONS, Conditions, Fragment, Selection

__all__ = ["LaterSelections", "split_deferred"]


@dataclass(frozen=True, slots=True)
class LaterSelections:
    """What one deferred fragment asks of an object. conditions: sets of which one must hold; empty: always."""

    deferral: Deferral
    conditions: tuple[tuple[tuple[str, bool], ...], ...]
    selections: tuple[Selection, ...]


def split_deferred(
    selections: Sequence[Selection], applies: Callable[[str], bool], deferred: Collection[Deferral]
) -> tuple[Sequence[Selection], list[LaterSelections]]:
    """deferred: those that are answered later; what stands in others is answered with what is around them."""
    if not deferred:
        return selections, []
    found: dict[Deferral, list[Fragment]] = {}

    def walk(items: Iterable[Selection], conditions: Conditions) -> tuple[Selection, ...]:
        kept: list[Selection] = []
        for item in items:
            if not isinstance(item, Fragment) or not _applies(item, applies):
                kept.append(item)
            elif item.deferral is not None and item.deferral in deferred:
                both = conditions | item.conditions
                found.setdefault(item.deferral, []).append(Fragment(None, both, item.children))
            else:
                inner = walk(item.children, conditions | item.conditions)
                kept.append(Fragment(None, item.conditions, inner))
        return tuple(kept)

    now = walk(selections, NO_CONDITIONS)
    return now, [_later(deferral, parts) for deferral, parts in found.items()]


def _applies(item: Fragment, applies: Callable[[str], bool]) -> bool:
    return item.type_condition is None or applies(item.type_condition)


def _later(deferral: Deferral, parts: Sequence[Fragment]) -> LaterSelections:
    always = any(not part.conditions for part in parts)
    conditions = () if always else tuple(tuple(sorted(part.conditions)) for part in parts)
    return LaterSelections(deferral, conditions, tuple(parts))
