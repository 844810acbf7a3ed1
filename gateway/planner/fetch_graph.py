"""Groups of fields that one fetch asks, and which group must be answered before which.

Mutable while a plan is made; `emit.py` turns what is left after the optimiser into plan nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from graphql import ArgumentNode

from gateway.planner.deferrals import Deferral
from gateway.planner.names import unused_prefix
from gateway.planner.nodes import ContextSource, ContextValue, OutputRewrite, RequiredField
from gateway.planner.selections import NO_CONDITIONS, Conditions, Field

__all__ = ["FetchGraph", "FetchGroup", "Output", "OutputField"]


FieldKey = tuple[str, Conditions, tuple[Conditions, ...]]


@dataclass(slots=True, eq=False)
class OutputField:
    """A field of a subgraph operation. `type`: its text in the subgraph; `children` where it has fields itself."""

    response: str
    name: str
    type: str
    arguments: tuple[ArgumentNode, ...] = ()
    conditions: Conditions = NO_CONDITIONS
    children: Output | None = None
    alias: str | None = None
    alternatives: tuple[Conditions, ...] = ()

    @property
    def key(self) -> FieldKey:
        """What tells it from other fields of a selection set."""
        return self.response, self.conditions, self.alternatives


@dataclass(slots=True, eq=False)
class Output:
    """A selection set of a subgraph operation on a type of that subgraph."""

    type_name: str
    fields: dict[FieldKey, OutputField] = field(default_factory=dict)
    fragments: dict[str, Output] = field(default_factory=dict)

    def add(self, asked: Field, *, type_text: str, children_type: str | None) -> OutputField:
        """The field in this selection set; an unconditional one serves conditional askers too."""
        key = (asked.response, asked.conditions, asked.alternatives)
        known = self.fields.get(_unconditional(asked.response)) or self.fields.get(key)
        if known is None:
            children = Output(children_type) if children_type else None
            known = OutputField(
                asked.response, asked.name, type_text, asked.arguments, asked.conditions, children
            )
            known.alternatives = asked.alternatives
            self.fields[key] = known
        return known

    def add_typename(self) -> None:
        """`__typename`, first."""
        if _unconditional("__typename") not in self.fields:
            typename = OutputField("__typename", "__typename", "String!")
            self.fields = {_unconditional("__typename"): typename, **self.fields}

    def drop(self, item: OutputField) -> None:
        """Takes a field out again."""
        self.fields.pop(item.key, None)

    def fragment(self, type_name: str) -> Output:
        """The part for one type; this set itself if it is on that type."""
        if type_name == self.type_name:
            return self
        return self.fragments.setdefault(type_name, Output(type_name))

    def is_empty(self) -> bool:
        """Nothing to ask but type names."""
        asked = any(item.name != "__typename" for item in self.fields.values())
        return not asked and all(part.is_empty() for part in self.fragments.values())

    def has_any(self) -> bool:
        """Something to ask, if only a type name."""
        return bool(self.fields) or any(part.has_any() for part in self.fragments.values())

    def absorb(self, other: Output) -> None:
        """Adds what another selection set on the same type asks."""
        for key, item in other.fields.items():
            known = self.fields.get(_unconditional(item.response)) or self.fields.get(key)
            if known is None:
                self.fields[key] = item
            elif known.children is not None and item.children is not None:
                known.children.absorb(item.children)
        for name, part in other.fragments.items():
            self.fragment(name).absorb(part)


def _unconditional(response: str) -> FieldKey:
    return response, NO_CONDITIONS, ()


RequiredFields = dict[tuple[str, str], list[RequiredField]]
"""By (type of the object, `__typename` sent)."""


@dataclass(slots=True, eq=False)
class FetchGroup:
    """One fetch to be: entities at a path, or (no `inputs`) a root operation, at a path where a field returns `Query`.

    contexts: variables of its fields whose values stand above its objects, by name.
    batched: further lookups that travel in the same operation; they are no groups of the graph any more.
    deferral: the part of the answer that it is needed for, None for the first; awaited: its name for parts that wait for it.
    """

    id: int
    subgraph: str
    path: tuple[str, ...]
    output: Output
    inputs: RequiredFields = field(default_factory=dict)
    parents: set[int] = field(default_factory=set)
    conditions: Conditions = NO_CONDITIONS
    rewrites: list[OutputRewrite] = field(default_factory=list)
    contexts: dict[str, ContextValue] = field(default_factory=dict)
    batched: list[FetchGroup] = field(default_factory=list)
    deferral: Deferral | None = None
    awaited: str | None = None

    @property
    def lookups(self) -> tuple[FetchGroup, ...]:
        """Itself and what travels with it."""
        return (self, *self.batched)

    def common_conditions(self) -> Conditions:
        """Those under which anything of it is sent."""
        return frozenset.intersection(*(item.conditions for item in self.lookups))

    def add_input(self, type_name: str, sent_as: str, fields: list[RequiredField]) -> None:
        """Fields that the representation of a type must have."""
        known = self.inputs.setdefault((type_name, sent_as), [])
        known += [item for item in fields if item not in known]


class FetchGraph:
    """All groups by id, in the order in which they were found: plans are deterministic.

    variables: names of the client's, which its own must not meet.
    """

    def __init__(self, variables: Iterable[str] = ()) -> None:
        self.groups: dict[int, FetchGroup] = {}
        self.attempts = 0
        """How often something was forgotten: what is remembered of groups elsewhere holds for one count only."""
        self._next = 0
        self._taken: dict[int, int] = {}
        self._context_prefix = unused_prefix("contextualArgument", variables)
        self._context_variables: dict[tuple[str, tuple[ContextSource, ...]], str] = {}
        self._by_key: dict[object, FetchGroup] = {}

    def root(self, subgraph: str, type_name: str, deferral: Deferral | None = None) -> FetchGroup:
        """A new root operation."""
        return self._new(subgraph, (), type_name, deferral)

    def root_below(
        self, subgraph: str, path: tuple[str, ...], parent: int, deferral: Deferral | None = None
    ) -> FetchGroup:
        """A query for objects of type `Query` at a path; it needs no key."""
        group = self._new(subgraph, path, "Query", deferral)
        group.parents = {parent}
        return group

    def entity(
        self, subgraph: str, path: tuple[str, ...], parents: set[int], deferral: Deferral | None = None
    ) -> FetchGroup:
        """A new entity fetch at a path."""
        group = self._new(subgraph, path, "_Entity", deferral)
        group.parents = set(parents)
        return group

    def entity_by_key(
        self, subgraph: str, path: tuple[str, ...], parents: set[int], deferral: Deferral | None = None
    ) -> FetchGroup:
        """The entity fetch of that place that needs keys only; the types of an interface share it."""
        key = (subgraph, path, frozenset(parents), deferral)
        group = self._by_key.get(key)
        if group is None or group.id not in self.groups:
            group = self._by_key[key] = self.entity(subgraph, path, parents, deferral)
        return group

    def context_variable(self, type_text: str, sources: tuple[ContextSource, ...]) -> str:
        """The variable that holds a context's value: one name for one value."""
        name = f"{self._context_prefix}_{len(self._context_variables)}"
        return self._context_variables.setdefault((type_text, sources), name)

    def current(self, group_id: int) -> int | None:
        """The group that a group is part of now, by merging and batching; None if it is gone."""
        while group_id in self._taken:
            group_id = self._taken[group_id]
        return group_id if group_id in self.groups else None

    def mark(self) -> int:
        """A point to which `forget_since` returns."""
        return self._next

    def forget_since(self, mark: int) -> None:
        """Drops groups opened after a mark: an attempt that led nowhere."""
        self.attempts += 1
        for group_id in [item for item in self.groups if item >= mark]:
            del self.groups[group_id]

    def remove(self, group: FetchGroup) -> None:
        """Takes a group out; its children wait for its parents instead."""
        del self.groups[group.id]
        for child in self.groups.values():
            if group.id in child.parents:
                child.parents = (child.parents - {group.id}) | group.parents

    def merge(self, into: FetchGroup, other: FetchGroup) -> None:
        """One fetch instead of two. The caller knows that neither waits for the other."""
        into.output.absorb(other.output)
        for (type_name, sent_as), fields in other.inputs.items():
            into.add_input(type_name, sent_as, fields)
        into.contexts |= other.contexts
        self._replace({other.id: into})

    def batch(self, into: FetchGroup, others: Iterable[FetchGroup]) -> None:
        """One operation for several lookups. The caller knows that none waits for another."""
        others = list(others)
        for other in others:
            into.batched += other.lookups
        self._replace({other.id: into for other in others})

    def levels(self) -> dict[int, int]:
        """How many fetches must come before each group, on the longest way."""
        found: dict[int, int] = {}

        def level(group_id: int) -> int:
            if group_id not in found:
                parents = self.groups[group_id].parents
                found[group_id] = 1 + max(map(level, sorted(parents)), default=-1)
            return found[group_id]

        return {group_id: level(group_id) for group_id in self.groups}

    def latest_levels(self, levels: Mapping[int, int]) -> dict[int, int]:
        """The last level at which each group can run without making its part of the plan longer. `levels`: the earliest."""
        last: dict[Deferral | None, int] = {}
        for group_id, level in levels.items():
            deferral = self.groups[group_id].deferral
            last[deferral] = max(last.get(deferral, 0), level)
        found = {group_id: last[self.groups[group_id].deferral] for group_id in levels}
        for group_id in sorted(levels, key=levels.__getitem__, reverse=True):
            for parent in self.groups[group_id].parents:
                found[parent] = min(found[parent], found[group_id] - 1)
        return found

    def in_order(self) -> Iterator[FetchGroup]:
        """Groups as they were found."""
        return iter(list(self.groups.values()))

    def _replace(self, taken: Mapping[int, FetchGroup]) -> None:
        """Groups that are now part of others: their parents and children become those of the others."""
        self._taken |= {group_id: into.id for group_id, into in taken.items()}
        for group_id, into in taken.items():
            into.parents |= self.groups.pop(group_id).parents
        for child in self.groups.values():
            if not child.parents.isdisjoint(taken):
                child.parents = {taken[item].id if item in taken else item for item in child.parents}

    def _new(
        self, subgraph: str, path: tuple[str, ...], type_name: str, deferral: Deferral | None
    ) -> FetchGroup:
        group = FetchGroup(self._next, subgraph, path, Output(type_name), deferral=deferral)
        self.groups[group.id] = group
        self._next += 1
        return group
