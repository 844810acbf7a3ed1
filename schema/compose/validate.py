"""Checks on subgraphs before the merge and on the supergraph after it; each returns all its errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schema.compose.errors import CompositionError
from schema.compose.field_sets import field_set_problems, parse_field_set
from schema.compose.subgraph import SubgraphField, SubgraphModel, SubgraphSchema, SubgraphType
from schema.compose.supergraph import Kind, Supergraph
from schema.compose.type_text import named_type

__all__ = ["check_subgraph", "check_subgraph_names", "check_supergraph"]


def check_subgraph_names(subgraphs: Sequence[SubgraphSchema]) -> Iterator[CompositionError]:
    """Names are there and differ."""
    seen: set[str] = set()
    for subgraph in subgraphs:
        if not subgraph.name:
            yield CompositionError("INVALID_SUBGRAPH_NAME", "a subgraph has no name", subgraph.name)
        elif subgraph.name in seen:
            message = f"two subgraphs have the name {subgraph.name}; names must differ"
            yield CompositionError("INVALID_SUBGRAPH_NAME", message, subgraph.name)
        seen.add(subgraph.name)


def check_subgraph(model: SubgraphModel) -> Iterator[CompositionError]:
    """Field sets of @key, @requires and @provides make sense on the subgraph's own types."""
    for definition in model.types.values():
        yield from _check_keys(model, definition)
        for item in definition.fields.values():
            yield from _check_requires(model, definition, item)
            yield from _check_provides(model, definition, item)


def check_supergraph(supergraph: Supergraph) -> Iterator[CompositionError]:
    """There is something to ask, and every implementation has its interface's fields."""
    if not supergraph.root_fields("Query"):
        yield CompositionError(
            "NO_QUERIES", "no subgraph has a field on Query: there is nothing to ask", None, "Query"
        )
    for definition in supergraph.types.values():
        if definition.kind not in (Kind.OBJECT, Kind.INTERFACE):
            continue
        for interface in definition.interfaces:
            parent = supergraph.types.get(interface)
            missing = [name for name in parent.fields if name not in definition.fields] if parent else []
            for name in missing:
                message = f"{definition.name} implements {interface} but no subgraph gives it {name}"
                subgraph = next(iter(definition.joins), None)
                yield CompositionError("INTERFACE_FIELD_NO_IMPLEM", message, subgraph, definition.name, name)


def _check_keys(model: SubgraphModel, definition: SubgraphType) -> Iterator[CompositionError]:
    for key in definition.keys:
        for problem in field_set_problems(key.fields, definition.name, model.types):
            message = f'[{model.name}] @key(fields: "{key.fields}") on {definition.name}: {problem}'
            yield CompositionError("KEY_INVALID_FIELDS", message, model.name, definition.name, line=key.line)


def _check_requires(
    model: SubgraphModel, definition: SubgraphType, item: SubgraphField
) -> Iterator[CompositionError]:
    if item.requires is None:
        return
    place = f'[{model.name}] @requires(fields: "{item.requires}") on {definition.name}.{item.name}'
    problems = field_set_problems(item.requires, definition.name, model.types)
    for problem in problems:
        message = f"{place}: {problem}"
        yield CompositionError(
            "REQUIRES_INVALID_FIELDS", message, model.name, definition.name, item.name, item.line
        )
    if problems or not model.federation_2:
        return
    for node in parse_field_set(item.requires).selections:
        name = getattr(getattr(node, "name", None), "value", None)
        field = definition.fields.get(name) if name else None
        inside = getattr(node, "selection_set", None)
        if field and not field.external and not inside:
            message = f"{place}: {name} is not @external, so it needs no @requires"
            yield CompositionError(
                "REQUIRES_FIELDS_MISSING_EXTERNAL", message, model.name, definition.name, item.name, item.line
            )


def _check_provides(
    model: SubgraphModel, definition: SubgraphType, item: SubgraphField
) -> Iterator[CompositionError]:
    from_type = model.types.get(named_type(item.type))
    if item.provides is None:
        return
    place = f'[{model.name}] @provides(fields: "{item.provides}") on {definition.name}.{item.name}'
    if from_type is None or from_type.kind not in (Kind.OBJECT, Kind.INTERFACE, Kind.UNION):
        message = f"{place}: the field's type has no fields"
        yield CompositionError(
            "PROVIDES_ON_NON_OBJECT_FIELD", message, model.name, definition.name, item.name, item.line
        )
        return
    for problem in field_set_problems(item.provides, from_type.name, model.types):
        message = f"{place}: {problem}"
        yield CompositionError(
            "PROVIDES_INVALID_FIELDS", message, model.name, definition.name, item.name, item.line
        )
