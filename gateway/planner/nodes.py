"""The query plan: what is fetched, from whom, in which order. Frozen values with Apollo's JSON names.

Shapes and names: https://www.apollographql.com/docs/graphos/routing/query-planning/query-plans; `BatchFetch`, which
Apollo does not have, as other gateways print it.
A flatten path is a tuple of response names in which "@" stands for every item of a list, and "|[T]" for those objects
among them that are a T.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from graphql import DocumentNode

from gateway.planner.deferrals import Deferral

__all__ = [
    "BatchFetchNode",
    "ConditionNode",
    "ContextSource",
    "ContextValue",
    "DeferNode",
    "DeferredNode",
    "EntityLookup",
    "FetchNode",
    "FlattenNode",
    "OutputRewrite",
    "ParallelNode",
    "PlanNode",
    "QueryPlan",
    "Representation",
    "RequiredField",
    "SequenceNode",
    "SubscriptionNode",
    "shown_path",
]

OperationKind = Literal["query", "mutation", "subscription"]


def shown_path(path: tuple[str, ...]) -> list[str]:
    """A flatten path as Apollo writes it: a type stands behind the step that it narrows."""
    shown: list[str] = []
    for step in path:
        if step.startswith("|") and shown:
            shown[-1] += step
        else:
            shown.append(step)
    return shown


@dataclass(frozen=True, slots=True)
class RequiredField:
    """A field of a representation.

    name: as the subgraph expects it; response: under which name the merged data holds it.
    key: part of an entity key, so null means that there is no entity to ask for.
    type_condition: only for objects of this type (fields in fragments), else None.
    """

    name: str
    response: str
    key: bool = False
    type_condition: str | None = None
    selections: tuple[RequiredField, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Apollo's `requires` form."""
        found: dict[str, Any] = {"kind": "Field", "name": self.name}
        if self.response != self.name:
            found["alias"] = self.response
        if self.selections:
            found["selections"] = [item.to_json() for item in self.selections]
        if self.type_condition is None:
            return found
        return {"kind": "InlineFragment", "typeCondition": self.type_condition, "selections": [found]}


@dataclass(frozen=True, slots=True)
class Representation:
    """How objects of `type_name` are named to a subgraph. `sent_as`: the `__typename` sent (interface objects)."""

    type_name: str
    sent_as: str
    fields: tuple[RequiredField, ...]

    def to_json(self) -> dict[str, Any]:
        """Apollo's `requires` form."""
        selections = [{"kind": "Field", "name": "__typename"}, *(item.to_json() for item in self.fields)]
        return {"kind": "InlineFragment", "typeCondition": self.type_name, "selections": selections}


@dataclass(frozen=True, slots=True)
class ContextSource:
    """Where a context's value may stand, seen from the object whose field needs it.

    levels: how many objects above, 1 for the one that holds it; type_name: which type must stand there, None where no
    other can; fields: response names from there down to the value.
    """

    levels: int
    type_name: str | None
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContextValue:
    """A variable of an entity fetch that has another value for other objects (@fromContext).

    type: its GraphQL text; sources: nearest first.
    """

    variable: str
    type: str
    sources: tuple[ContextSource, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Apollo's `contextRewrites`."""
        return [
            {
                "kind": "KeyRenamer",
                "path": [
                    *[".."] * item.levels,
                    *([f"... on {item.type_name}"] if item.type_name else []),
                    *item.fields,
                ],
                "renameKeyTo": self.variable,
            }
            for item in self.sources
        ]


@dataclass(frozen=True, slots=True)
class OutputRewrite:
    """An alias that only the subgraph's validation needs: at `path` in the answer, `alias` becomes `response`."""

    path: tuple[str, ...]
    alias: str
    response: str


@dataclass(frozen=True, slots=True)
class FetchNode:
    """One operation against one subgraph; an entity fetch if it `requires` representations.

    contexts: variables by which its objects are asked apart, see `slots.py`. group: of the fetch graph; not shown.
    id: by which deferred parts wait for it.
    """

    subgraph: str
    kind: OperationKind
    operation: str
    document: DocumentNode = field(compare=False, repr=False)
    variable_usages: tuple[str, ...] = ()
    requires: tuple[Representation, ...] = ()
    operation_name: str | None = None
    rewrites: tuple[OutputRewrite, ...] = ()
    contexts: tuple[ContextValue, ...] = ()
    group: int = field(default=-1, compare=False, repr=False)
    id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Apollo's form."""
        found: dict[str, Any] = {"kind": "Fetch", "serviceName": self.subgraph}
        if self.id is not None:
            found["id"] = self.id
        if self.requires:
            found["requires"] = [item.to_json() for item in self.requires]
        found["variableUsages"] = list(self.variable_usages)
        found["operation"] = self.operation
        found["operationKind"] = self.kind
        if self.operation_name:
            found["operationName"] = self.operation_name
        if self.rewrites:
            found["outputRewrites"] = _rewrites_json(self.rewrites)
        if self.contexts:
            found["contextRewrites"] = _contexts_json(self.contexts)
        return found


def _contexts_json(contexts: tuple[ContextValue, ...]) -> list[dict[str, Any]]:
    return [rewrite for item in contexts for rewrite in item.to_json()]


def _rewrites_json(rewrites: tuple[OutputRewrite, ...]) -> list[dict[str, Any]]:
    return [
        {"kind": "KeyRenamer", "path": [*item.path, item.alias], "renameKeyTo": item.response}
        for item in rewrites
    ]


@dataclass(frozen=True, slots=True)
class EntityLookup:
    """One `_entities` field of a batch: the objects at all its paths, each representation once.

    alias: its response name in the operation; variable: the one that holds its representations.
    conditions: (variable of the client, wanted value); unless all hold, it is asked for nothing.
    """

    alias: str
    variable: str
    paths: tuple[tuple[str, ...], ...]
    requires: tuple[Representation, ...]
    rewrites: tuple[OutputRewrite, ...] = ()
    conditions: tuple[tuple[str, bool], ...] = ()
    contexts: tuple[ContextValue, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One of `entityBatch.aliases`."""
        found: dict[str, Any] = {
            "alias": self.alias,
            "representationsVariableName": self.variable,
            "paths": [shown_path(path) for path in self.paths],
            "requires": [item.to_json() for item in self.requires],
        }
        if self.rewrites:
            found["outputRewrites"] = _rewrites_json(self.rewrites)
        if self.contexts:
            found["contextRewrites"] = _contexts_json(self.contexts)
        if self.conditions:
            found["conditions"] = [
                {"kind": "include" if wanted else "skip", "if": variable}
                for variable, wanted in self.conditions
            ]
        return found


@dataclass(frozen=True, slots=True)
class BatchFetchNode:
    """One operation against one subgraph that looks up entities for several places of the answer."""

    subgraph: str
    operation: str
    document: DocumentNode = field(compare=False, repr=False)
    lookups: tuple[EntityLookup, ...]
    variable_usages: tuple[str, ...] = ()
    kind: OperationKind = "query"
    group: int = field(default=-1, compare=False, repr=False)
    id: str | None = None

    @property
    def requires(self) -> tuple[Representation, ...]:
        """Those of all lookups."""
        return tuple(item for lookup in self.lookups for item in lookup.requires)

    def to_json(self) -> dict[str, Any]:
        """A fetch with `entityBatch` in place of `requires`."""
        return {
            "kind": "BatchFetch",
            **({"id": self.id} if self.id is not None else {}),
            "serviceName": self.subgraph,
            "variableUsages": list(self.variable_usages),
            "operation": self.operation,
            "operationKind": self.kind,
            "entityBatch": {"aliases": [item.to_json() for item in self.lookups]},
        }


@dataclass(frozen=True, slots=True)
class FlattenNode:
    """A fetch for all objects at a path of the answer so far."""

    path: tuple[str, ...]
    node: FetchNode

    def to_json(self) -> dict[str, Any]:
        """Apollo's form."""
        return {"kind": "Flatten", "path": shown_path(self.path), "node": self.node.to_json()}


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """One after the other."""

    nodes: tuple[PlanNode, ...]

    def to_json(self) -> dict[str, Any]:
        """Apollo's form."""
        return {"kind": "Sequence", "nodes": [node.to_json() for node in self.nodes]}


@dataclass(frozen=True, slots=True)
class ParallelNode:
    """All at once."""

    nodes: tuple[PlanNode, ...]

    def to_json(self) -> dict[str, Any]:
        """Apollo's form."""
        return {"kind": "Parallel", "nodes": [node.to_json() for node in self.nodes]}


@dataclass(frozen=True, slots=True)
class ConditionNode:
    """Depends on a Boolean variable of the client: @include and @skip around whole fetches."""

    condition: str
    if_clause: PlanNode | None = None
    else_clause: PlanNode | None = None

    def to_json(self) -> dict[str, Any]:
        """Apollo's form."""
        found: dict[str, Any] = {"kind": "Condition", "condition": self.condition}
        if self.if_clause is not None:
            found["ifClause"] = self.if_clause.to_json()
        if self.else_clause is not None:
            found["elseClause"] = self.else_clause.to_json()
        return found


@dataclass(frozen=True, slots=True)
class DeferredNode:
    """What completes a part of the answer that comes later, at objects under `path` (response names).

    depends: ids of the fetches of earlier parts that must be answered before it begins.
    """

    depends: tuple[str, ...]
    label: str | None
    path: tuple[str, ...]
    node: PlanNode | None
    deferral: Deferral = field(compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """One of `deferred`."""
        return {
            "depends": [{"id": item} for item in self.depends],
            "label": self.label,
            "queryPath": list(self.path),
            "node": self.node.to_json() if self.node else None,
        }


@dataclass(frozen=True, slots=True)
class DeferNode:
    """An answer in parts (@defer): the first one, and what comes later."""

    primary: PlanNode | None
    deferred: tuple[DeferredNode, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Apollo's form, without the selections of the parts."""
        return {
            "kind": "Defer",
            "primary": {"node": self.primary.to_json() if self.primary else None},
            "deferred": [item.to_json() for item in self.deferred],
        }


@dataclass(frozen=True, slots=True)
class SubscriptionNode:
    """A subgraph's event stream, and the plan that completes each event."""

    primary: FetchNode
    rest: PlanNode | None = None

    def to_json(self) -> dict[str, Any]:
        """Apollo's form."""
        rest = self.rest.to_json() if self.rest else None
        return {"kind": "Subscription", "primary": self.primary.to_json(), "rest": rest}


PlanNode = (
    FetchNode
    | BatchFetchNode
    | FlattenNode
    | SequenceNode
    | ParallelNode
    | ConditionNode
    | DeferNode
    | SubscriptionNode
)


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """The whole plan. `node` is None where nothing has to be fetched (introspection only)."""

    node: PlanNode | None

    def to_json(self) -> dict[str, Any]:
        """Apollo's form."""
        return {"kind": "QueryPlan", "node": self.node.to_json() if self.node else None}

    def fetches(self) -> tuple[FetchNode | BatchFetchNode, ...]:
        """Every fetch, in the order of the plan."""
        return tuple(_fetches(self.node))


def _fetches(node: PlanNode | None) -> list[FetchNode | BatchFetchNode]:
    if node is None:
        return []
    if isinstance(node, FetchNode | BatchFetchNode):
        return [node]
    if isinstance(node, FlattenNode):
        return [node.node]
    if isinstance(node, SequenceNode | ParallelNode):
        return [fetch for child in node.nodes for fetch in _fetches(child)]
    if isinstance(node, ConditionNode):
        return _fetches(node.if_clause) + _fetches(node.else_clause)
    if isinstance(node, SubscriptionNode):
        return [node.primary, *_fetches(node.rest)]
    return [*_fetches(node.primary), *(fetch for part in node.deferred for fetch in _fetches(part.node))]
