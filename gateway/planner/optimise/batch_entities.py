"""One operation per subgraph and wave for all entity lookups, wherever in the answer their objects stand.

A star of 100 systems around one shared entity asks the entity's home once, not 100 times.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.planner.fetch_graph import FetchGraph, FetchGroup

__all__ = ["batch_entities"]


def batch_entities(fetches: FetchGraph) -> None:
    """First what is ready at the same time, then what can wait for a later wave without making the plan longer."""
    levels = fetches.levels()
    waves: dict[object, list[FetchGroup]] = {}
    for group in fetches.in_order():
        if group.inputs:
            waves.setdefault((group.subgraph, levels[group.id], group.deferral), []).append(group)
    for groups in waves.values():
        if len(groups) > 1:
            fetches.batch(groups[0], groups[1:])
    while _delay_one(fetches):
        pass
    for group in fetches.in_order():
        _join_lookups(group)


def _delay_one(fetches: FetchGraph) -> bool:
    """Moves one group into the last wave in which its subgraph is asked anyway."""
    alike: dict[object, list[FetchGroup]] = {}
    for group in fetches.in_order():
        if group.inputs:
            alike.setdefault((group.subgraph, group.deferral), []).append(group)
    candidates = [groups for groups in alike.values() if len(groups) > 1]
    if not candidates:
        return False
    levels = fetches.levels()
    latest = fetches.latest_levels(levels)
    for groups in candidates:
        groups.sort(key=lambda item: -levels[item.id])
        for number, later in enumerate(groups):
            before = None
            for group in groups[number + 1 :]:
                wave = max(levels[group.id], levels[later.id])
                if wave > min(latest[group.id], latest[later.id]):
                    continue
                before = before if before is not None else _before(fetches, later)
                if group.id not in before:
                    fetches.batch(later, [group])
                    return True
    return False


def _before(fetches: FetchGraph, group: FetchGroup) -> set[int]:
    """Everything that the group waits for."""
    found: set[int] = set()
    waiting: list[Iterable[int]] = [group.parents]
    while waiting:
        for item in waiting.pop():
            if item not in found:
                found.add(item)
                waiting.append(fetches.groups[item].parents)
    return found


def _join_lookups(group: FetchGroup) -> None:
    """Lookups at one path that need the same fields under the same conditions become one."""
    kept: list[FetchGroup] = []
    for item in group.lookups:
        same = next((one for one in kept if _is_same_lookup(one, item)), None)
        if same is None:
            kept.append(item)
        else:
            same.output.absorb(item.output)
    group.batched = kept[1:]


def _is_same_lookup(one: FetchGroup, other: FetchGroup) -> bool:
    return (
        one.path == other.path
        and one.inputs == other.inputs
        and one.conditions == other.conditions
        and one.contexts == other.contexts
    )
