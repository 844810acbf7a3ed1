"""@authenticated, @requiresScopes and @policy: not on interfaces, and no way around them through @requires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from schema.compose.access import ACCESS_DIRECTIVES, AccessRule, access_rule
from schema.compose.context_value import read_context_value
from schema.compose.errors import CompositionError
from schema.compose.field_sets import parse_field_set
from schema.compose.subgraph import SubgraphField, SubgraphModel, SubgraphType
from schema.compose.supergraph import Kind, TypeDefinition

__all__ = ["check_access_directives", "check_transitive_access"]

Types = Mapping[str, TypeDefinition]


def check_access_directives(model: SubgraphModel) -> Iterator[CompositionError]:
    """AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE: interfaces get the demands of their implementations."""
    for definition in model.types.values():
        if definition.kind is not Kind.INTERFACE:
            continue
        for item in (None, *definition.fields.values()):
            found = [one for one in (item or definition).directives if one.name in ACCESS_DIRECTIVES]
            if found:
                place = f"{definition.name}.{item.name}" if item else definition.name
                message = (
                    f"[{model.name}] {place} has @{found[0].name} on an interface; put it on the implementations, "
                    "from which the interface takes it"
                )
                code = "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE"
                name, line = (item.name, item.line) if item else (None, definition.line)
                yield CompositionError(code, message, model.name, definition.name, name, line)


def check_transitive_access(model: SubgraphModel, types: Types) -> Iterator[CompositionError]:
    """MISSING_TRANSITIVE_AUTH_REQUIREMENTS: who may read a field may read what it is made from."""
    for definition in model.types.values():
        for item in definition.fields.values():
            if item.requires is None and not any(one.from_context for one in item.arguments.values()):
                continue
            merged = types[definition.name]
            own = access_rule(merged.directives).joined(access_rule(merged.fields[item.name].directives))
            needed = _demand(model, definition, item, types)
            if not own.implies(needed):
                message = (
                    f"[{model.name}] {definition.name}.{item.name} is made from fields that demand {needed}, but "
                    f"demands {own or 'nothing'} itself; put the same demand on it"
                )
                yield CompositionError(
                    "MISSING_TRANSITIVE_AUTH_REQUIREMENTS",
                    message,
                    model.name,
                    definition.name,
                    item.name,
                    item.line,
                )


def _demand(model: SubgraphModel, definition: SubgraphType, item: SubgraphField, types: Types) -> AccessRule:
    rule = AccessRule()
    if item.requires is not None:
        rule = _selected(parse_field_set(item.requires), definition.name, types)
    for argument in item.arguments.values():
        value = read_context_value(argument.from_context or "")
        for setter in model.types.values() if value else ():
            if value and value.context in setter.contexts:
                rule = rule.joined(_selected(parse_field_set(value.selection), setter.name, types))
    return rule


def _selected(selection: SelectionSetNode, type_name: str, types: Types) -> AccessRule:
    """The demand of all fields below a type; that of the type itself is its reader's already."""
    rule = AccessRule()
    for node in selection.selections:
        if isinstance(node, InlineFragmentNode):
            inner = node.type_condition.name.value if node.type_condition else type_name
            rule = rule.joined(_selected(node.selection_set, inner, types))
        elif isinstance(node, FieldNode) and type_name in types:
            found = types[type_name].fields.get(node.name.value)
            if found is None:
                continue
            rule = rule.joined(access_rule(found.directives))
            target = types.get(found.named_type)
            rule = rule.joined(access_rule(target.directives)) if target is not None else rule
            if node.selection_set is not None:
                rule = rule.joined(_selected(node.selection_set, found.named_type, types))
    return rule
