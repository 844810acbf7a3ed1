"""Field sets of @key, @requires and @provides make sense on the subgraph's own types."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from schema.compose.errors import CompositionError
from schema.compose.field_sets import parse_field_set
from schema.compose.subgraph import SubgraphField, SubgraphModel, SubgraphType
from schema.compose.subgraph.field_sets import field_set_problems
from schema.compose.supergraph import Kind
from schema.compose.type_text import named_type

__all__ = ["check_field_sets"]

_COMPOSITE = (Kind.OBJECT, Kind.INTERFACE, Kind.UNION)


def check_field_sets(model: SubgraphModel) -> Iterator[CompositionError]:
    """KEY_*, REQUIRES_* and PROVIDES_* errors."""
    for definition in model.types.values():
        yield from _check_keys(model, definition)
        for item in definition.fields.values():
            if item.requires is not None:
                yield from _check_requires(model, definition, item)
            if item.provides is not None:
                yield from _check_provides(model, definition, item)


def _check_keys(model: SubgraphModel, definition: SubgraphType) -> Iterator[CompositionError]:
    if definition.keys and definition.kind is Kind.INTERFACE and (model.minor or 0) < 3:
        message = f"[{model.name}] {definition.name} is an interface; @key on interfaces needs federation v2.3 or newer"
        line = definition.keys[0].line
        yield CompositionError(
            "KEY_UNSUPPORTED_ON_INTERFACE", message, model.name, definition.name, line=line
        )
        return
    for key in definition.keys:
        for code, sentence in field_set_problems("key", key.fields, definition.name, model.types):
            message = f'[{model.name}] @key(fields: "{key.fields}") on {definition.name}: {sentence}'
            yield CompositionError(f"KEY_{code}", message, model.name, definition.name, line=key.line)


def _check_requires(
    model: SubgraphModel, definition: SubgraphType, item: SubgraphField
) -> Iterator[CompositionError]:
    assert item.requires is not None  # noqa: S101 - asked before
    place = f'[{model.name}] @requires(fields: "{item.requires}") on {definition.name}.{item.name}'
    if definition.kind is Kind.INTERFACE:
        message = f"{place}: it cannot stand on a field of an interface; put it on the implementations"
        yield _error("REQUIRES_UNSUPPORTED_ON_INTERFACE", message, model, definition, item)
        return
    problems = field_set_problems("requires", item.requires, definition.name, model.types)
    for code, sentence in problems:
        yield _error(f"REQUIRES_{code}", f"{place}: {sentence}", model, definition, item)
    if not problems:
        yield from _missing_external("requires", place, model, definition, item)


def _check_provides(
    model: SubgraphModel, definition: SubgraphType, item: SubgraphField
) -> Iterator[CompositionError]:
    assert item.provides is not None  # noqa: S101 - asked before
    target = model.types.get(named_type(item.type))
    place = f'[{model.name}] @provides(fields: "{item.provides}") on {definition.name}.{item.name}'
    if definition.kind is Kind.INTERFACE:
        message = f"{place}: it cannot stand on a field of an interface; put it on the implementations"
        yield _error("PROVIDES_UNSUPPORTED_ON_INTERFACE", message, model, definition, item)
        return
    if target is None or target.kind not in _COMPOSITE:
        message = f"{place}: the field's type has no fields to provide; take @provides away"
        yield _error("PROVIDES_ON_NON_OBJECT_FIELD", message, model, definition, item)
        return
    if item.external and model.federation_2:
        message = f"{place}: the field is @external, so this subgraph gives nothing below it; take one of the two away"
        yield _error("EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE", message, model, definition, item)
    problems = field_set_problems("provides", item.provides, target.name, model.types)
    for code, sentence in problems:
        yield _error(f"PROVIDES_{code}", f"{place}: {sentence}", model, definition, item)
    if not problems:
        yield from _missing_external("provides", place, model, definition, item)


def _missing_external(
    directive: str, place: str, model: SubgraphModel, definition: SubgraphType, item: SubgraphField
) -> Iterator[CompositionError]:
    """What the subgraph resolves itself needs neither @requires nor @provides."""
    if not model.federation_2:
        return
    text = item.requires if directive == "requires" else item.provides
    start = definition.name if directive == "requires" else named_type(item.type)
    for leaf in _own_leaves(model, parse_field_set(text or ""), start, external=False):
        message = f"{place}: {leaf} is not @external: this subgraph resolves it anyway. Mark it @external or take it out"
        yield _error(f"{directive.upper()}_FIELDS_MISSING_EXTERNAL", message, model, definition, item)


def _own_leaves(
    model: SubgraphModel, selection: SelectionSetNode, type_name: str, *, external: bool
) -> Iterator[str]:
    """Leaves that neither are external nor lie below something that is."""
    for node in selection.selections:
        if isinstance(node, InlineFragmentNode):
            inner = node.type_condition.name.value if node.type_condition else type_name
            yield from _own_leaves(model, node.selection_set, inner, external=external)
        elif isinstance(node, FieldNode) and node.name.value != "__typename":
            found = model.types[type_name].fields[node.name.value]
            outside = external or _is_external(model, type_name, found)
            if node.selection_set is not None:
                yield from _own_leaves(model, node.selection_set, named_type(found.type), external=outside)
            elif not outside:
                yield f"{type_name}.{found.name}"


def _is_external(model: SubgraphModel, type_name: str, found: SubgraphField) -> bool:
    if found.external or found.external_key:
        return True
    definition = model.types[type_name]
    return definition.kind is Kind.INTERFACE and any(
        type_name in other.interfaces and found.name in other.fields and other.fields[found.name].external
        for other in model.types.values()
    )


def _error(
    code: str, message: str, model: SubgraphModel, definition: SubgraphType, item: SubgraphField
) -> CompositionError:
    return CompositionError(code, message, model.name, definition.name, item.name, item.line)
