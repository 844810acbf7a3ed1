"""Why a plan asks whom: for each fetch and each field that the client asks for, in codes and in words.

The placer notes which host answered which field, and how the host was found (`Host.how`); the words are made here,
afterwards, for plans that are to be explained only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.planner.fetch_graph import FetchGraph, FetchGroup
from gateway.planner.nodes import ContextValue, PlanNode, QueryPlan, RequiredField, shown_path
from gateway.planner.places import Host, Place
from gateway.planner.query_graph import QueryGraph
from gateway.planner.selections import Field
from schema.compose.field_sets import field_set_text
from schema.compose.supergraph import FieldJoin

__all__ = ["FetchWhy", "FieldWhy", "Notes", "explain"]


@dataclass(frozen=True, slots=True)
class FieldWhy:
    """Why a subgraph was asked for a field.

    path: of the answer, "@" for every item of a list; types: object types that it was placed for.
    codes: ONLY, HERE, ROOT, KEY, REQUIRES, CONTEXT, PROVIDES, FEWEST, MOST, OVERRIDE.
    """

    path: tuple[str, ...]
    types: tuple[str, ...]
    name: str
    codes: tuple[str, ...]
    text: str

    def to_json(self) -> dict[str, Any]:
        """One of `fields`."""
        return {
            "path": shown_path(self.path),
            "types": list(self.types),
            "field": self.name,
            "codes": list(self.codes),
            "why": self.text,
        }


@dataclass(frozen=True, slots=True)
class FetchWhy:
    """Why a fetch is there. waits_for: numbers of the fetches before it; fetches are counted from 1 in the plan's order."""

    number: int
    subgraph: str
    texts: tuple[str, ...]
    waits_for: tuple[int, ...]
    fields: tuple[FieldWhy, ...]

    def to_json(self) -> dict[str, Any]:
        """One of `extensions.why`."""
        return {
            "fetch": self.number,
            "serviceName": self.subgraph,
            "waitsFor": list(self.waits_for),
            "why": list(self.texts),
            "fields": [item.to_json() for item in self.fields],
        }


@dataclass(frozen=True, slots=True)
class _Note:
    """A field that was placed. `type_name`: of the place."""

    path: tuple[str, ...]
    type_name: str
    asked: Field
    host: Host


@dataclass(slots=True)
class Notes:
    """What the placer did."""

    found: list[_Note] = field(default_factory=list)

    def mark(self) -> int:
        """Where a field belongs whose children are placed first."""
        return len(self.found)

    def add(self, place: Place, host: Host, asked: Field, *, at: int) -> None:
        """A field that a host answers at a place."""
        if not asked.internal:
            self.found.insert(at, _Note((*place.path, asked.response), place.type_name, asked, host))


def explain(
    graph: QueryGraph, fetches: FetchGraph, notes: Notes, node: PlanNode | None, *, before: int = 0
) -> list[FetchWhy]:
    """For a plan (or a step of a mutation) after the optimiser. before: how many fetches stand before it."""
    nodes = QueryPlan(node).fetches()
    numbers = {item.group: before + number for number, item in enumerate(nodes, 1)}
    by_group: dict[int, list[_Note]] = {}
    for note in notes.found:
        current = fetches.current(note.host.group.id)
        if current is not None:
            by_group.setdefault(current, []).append(note)
    found = []
    for item in nodes:
        group = fetches.groups[item.group]
        waits = sorted(numbers[parent] for parent in group.parents if parent in numbers)
        fields = tuple(_fields(graph, by_group.get(group.id, ())))
        texts = tuple(dict.fromkeys(_lookup(one) for one in group.lookups))
        found.append(FetchWhy(numbers[item.group], group.subgraph, texts, tuple(waits), fields))
    return found


# ── fetches ──


def _lookup(group: FetchGroup) -> str:
    where = ".".join(shown_path(group.path))
    if not group.inputs:
        return f"a new query below {where}" if where else f"a root operation of {group.subgraph}"
    parts = []
    for (type_name, _), fields in group.inputs.items():
        keys = " ".join(_shown(item) for item in fields if item.key)
        needed = " ".join(_shown(item) for item in fields if not item.key)
        parts.append(f"{type_name} by key {keys}" + (f" with {needed} for @requires" if needed else ""))
    text = f"{where}: {_some(parts)}"
    sources = [_source(value) for value in group.contexts.values()]
    return text + (f", once for each value of {_some(dict.fromkeys(sources))}" if sources else "")


def _shown(item: RequiredField) -> str:
    below = " ".join(map(_shown, item.selections))
    return f"{item.name} {{ {below} }}" if below else item.name


def _source(value: ContextValue) -> str:
    places = (f"{item.type_name or 'the object'} {item.levels} above" for item in value.sources)
    return f"{value.sources[0].fields[-1]} of {_some(list(places))}"


# ── fields ──


def _fields(graph: QueryGraph, notes: Iterable[_Note]) -> Iterator[FieldWhy]:
    """Types of an interface that were placed alike share an entry."""
    found: dict[tuple[tuple[str, ...], str, tuple[str, ...], str], list[str]] = {}
    for note in notes:
        codes, texts = zip(*_reasons(graph, note), strict=True)
        types = found.setdefault((note.path, note.asked.name, codes, "; ".join(texts)), [])
        if note.type_name not in types:
            types.append(note.type_name)
    for (path, name, codes, text), types in found.items():
        yield FieldWhy(path, tuple(types), name, codes, text)


def _reasons(graph: QueryGraph, note: _Note) -> Iterator[tuple[str, str]]:
    host, name = note.host, note.asked.name
    join = graph.join(host.subgraph, host.type_name, name)
    assert join is not None  # noqa: S101 - it was placed there
    yield from _way(graph, note, join)
    others = [item for item in _resolvers(graph, note) if item != host.subgraph]
    if not others:
        yield "ONLY", "no other subgraph resolves it"
    elif host.how.equal:
        yield "MOST", f"as near as {_some(host.how.equal)}, and gives no less of what is asked below"
    elif host.how.kind == "key":
        yield "FEWEST", f"also in {_some(others)}, over no fewer steps"
    yield from _override(graph, join)


def _way(graph: QueryGraph, note: _Note, join: FieldJoin) -> Iterator[tuple[str, str]]:
    host = note.host
    if host.how.kind == "needs":
        if join.requires is not None:
            yield "REQUIRES", f'after what it @requires(fields: "{field_set_text(join.requires)}")'
        for argument in join.context_arguments:
            context = argument.context.rpartition("__")[2]
            yield "CONTEXT", f"its argument {argument.name} is read of the context {context} above"
    elif host.provided and not graph.is_local(host.subgraph, host.type_name, note.asked.name):
        yield "PROVIDES", "given here by @provides"
    elif host.how.kind == "key":
        yield "KEY", f"by key {host.how.key}, for no subgraph asked here before resolves it"
    elif host.how.kind == "root":
        yield "ROOT", "a root field"
    else:
        yield "HERE", "beside the object itself"


def _resolvers(graph: QueryGraph, note: _Note) -> list[str]:
    """All subgraphs that have a resolver for the field, under the labels that hold."""
    views = graph.supertypes(note.type_name)
    return [
        name
        for name in graph.in_order(graph.holders(note.type_name, note.asked.name))
        if any(
            (join := graph.join(name, view, note.asked.name)) is not None and graph.resolves(join)
            for view in views
        )
    ]


def _override(graph: QueryGraph, join: FieldJoin) -> Iterator[tuple[str, str]]:
    if join.override_label is not None:
        holds = "holds" if join.override_label in graph.labels else "does not hold"
        yield "OVERRIDE", f'the override label "{join.override_label}" {holds}'
    elif join.override is not None:
        yield "OVERRIDE", f"taken over from {join.override}"


def _some(names: Iterable[str], most: int = 4) -> str:
    listed: Sequence[str] = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
