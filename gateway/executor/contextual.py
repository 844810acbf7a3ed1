"""Entity fetches with values of contexts (@fromContext): for each object the value that stands above it.

Objects with one value share an `_entities` field, and all fields travel in one operation. How many values there are is
known at run time only, so operations are prepared for 1, 2, 4 ... values when they are first needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.executor.errors import answer_error
from gateway.executor.representations import Gathered, Gatherer, paths_of
from gateway.executor.run import Fetch, Lookup, RunState, Step, fetch_entities
from gateway.planner.nodes import ContextSource, ContextValue

__all__ = ["ContextualLookup", "Prepared", "contextual_fetch"]

MOST_SLOTS = 64
"""Values in one operation; more of them are several operations at once."""

_MISSING = object()
_Above = tuple[dict[str, Any], Any] | None
"""An object and what is above it in turn; None above the root."""


@dataclass(frozen=True, slots=True)
class ContextualLookup:
    """A lookup whose objects are asked apart by the values of `contexts` (empty: all alike).

    fields: response names that depend on the contexts, for errors.
    """

    lookup: Lookup
    paths: tuple[tuple[str, ...], ...]
    contexts: tuple[ContextValue, ...]
    fields: tuple[str, ...]
    gatherer: Callable[[], Gatherer]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The fetch for a number of slots. names: for each lookup, of each slot the alias, its representations' variable
    and those of its contexts, in order."""

    fetch: Fetch
    names: tuple[tuple[tuple[str, str, tuple[str, ...]], ...], ...]


@dataclass(slots=True)
class _Slot:
    """Objects with the same values. values: in the order of the lookup's contexts."""

    values: tuple[Any, ...]
    gathered: Gathered


def contextual_fetch(
    prepare: Callable[[Sequence[int]], Prepared], lookups: Sequence[ContextualLookup]
) -> Step:
    """All lookups in one call, if they have no more values than an operation takes; nothing is sent where there is
    nobody to ask for. prepare: from the number of slots of each lookup."""
    prepared: dict[tuple[int, ...], Prepared] = {}

    def of(parts: Sequence[Sequence[_Slot]]) -> Prepared:
        counts = tuple(
            _rounded(len(slots)) if item.contexts else 1 for item, slots in zip(lookups, parts, strict=True)
        )
        if counts not in prepared:
            prepared[counts] = prepare(counts)
        return prepared[counts]

    async def run(state: RunState) -> None:
        asked = [_slots_of(item, state) for item in lookups]
        most = max(map(len, asked), default=0)
        calls = []
        for start in range(0, most, MOST_SLOTS):
            parts = [slots[start : start + MOST_SLOTS] for slots in asked]
            calls.append(_ask(of(parts), lookups, parts, state))
        await asyncio.gather(*calls)

    return run


def _rounded(slots: int) -> int:
    """Up to a power of two, so that few operations are prepared."""
    return 1 << (slots - 1).bit_length() if slots else 0


async def _ask(
    prepared: Prepared, lookups: Sequence[ContextualLookup], asked: Sequence[Sequence[_Slot]], state: RunState
) -> None:
    variables: dict[str, Any] = {}
    slots: list[tuple[Lookup, Gathered]] = []
    for item, names, known in zip(lookups, prepared.names, asked, strict=True):
        for number, (alias, variable, contexts) in enumerate(names):
            # a slot too many asks for nobody, with values that fit
            gathered = known[number].gathered if number < len(known) else Gathered([], [])
            variables[variable] = gathered.representations
            if contexts:
                values = known[min(number, len(known) - 1)].values
                variables |= dict(zip(contexts, values, strict=True))
            slots.append((replace(item.lookup, alias=alias, variable=variable), gathered))
    await fetch_entities(prepared.fetch, slots, variables, state, apart=True)


def _slots_of(item: ContextualLookup, state: RunState) -> list[_Slot]:
    """One for each value, with the representations that it is needed for."""
    if not item.lookup.is_asked(state):
        return []
    if not item.contexts:
        gathered = item.lookup.gather(state.data)
        return [_Slot((), gathered)] if gathered.representations else []
    gatherers: dict[Any, tuple[tuple[Any, ...], Gatherer]] = {}
    unknown: list[dict[str, Any]] = []
    for number, path in enumerate(item.paths):
        for value, above in _with_above(state.data, path):
            values = _values(item.contexts, above)
            if values is None:
                unknown.append(value)
                continue
            key = orjson.dumps(values)
            if key not in gatherers:
                gatherers[key] = values, item.gatherer()
            gatherers[key][1].add(value, number)
    _report_unknown(item, unknown, state)
    found = (_Slot(values, gatherer.gathered) for values, gatherer in gatherers.values())
    return [slot for slot in found if slot.gathered.representations]


def _values(contexts: Iterable[ContextValue], above: _Above) -> tuple[Any, ...] | None:
    """None if one of them was never fetched, or is null where the argument takes none."""
    found = []
    for context in contexts:
        value = _value(context.sources, above)
        if value is _MISSING or (value is None and context.type.endswith("!")):
            return None
        found.append(value)
    return tuple(found)


def _value(sources: Sequence[ContextSource], above: _Above) -> Any:
    level = 1
    for source in sources:
        while above is not None and level < source.levels:
            above, level = above[1], level + 1
        if above is None:
            return _MISSING
        if source.type_name is None or above[0].get("__typename") == source.type_name:
            return _at(above[0], source.fields)
    return _MISSING


def _at(value: Any, fields: Sequence[str]) -> Any:
    for number, name in enumerate(fields):
        if value is None or value is _MISSING:
            return value
        if type(value) is list:
            items = [_at(item, fields[number:]) for item in value]
            return _MISSING if any(item is _MISSING for item in items) else items
        value = value.get(name, _MISSING)
    return value


def _with_above(data: dict[str, Any], path: Sequence[str]) -> list[tuple[dict[str, Any], _Above]]:
    """All objects that stand at a flatten path, each with the objects above it, the nearest first."""
    items: list[tuple[Any, _Above]] = [(data, None)]
    for step in path:
        if step == "@":
            items = [(child, above) for value, above in items for child in value if child is not None]
        elif step[0] == "|":
            items = [item for item in items if item[0].get("__typename") == step[2:-1]]
        else:
            items = [
                (child, (value, above)) for value, above in items if (child := value.get(step)) is not None
            ]
    return items


def _report_unknown(item: ContextualLookup, unknown: Sequence[dict[str, Any]], state: RunState) -> None:
    """Fields of objects that were not asked for: said, for they would be silent nulls."""
    if not unknown:
        return
    message = "not asked: the value that the field reads of an object above it could not be had"
    for path in item.paths:
        for place in paths_of(state.data, path, unknown):
            state.errors += [
                answer_error(message, (*place, name), "CONTEXT_VALUE_MISSING") for name in item.fields
            ]
