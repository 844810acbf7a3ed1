"""Keys of interfaces and @interfaceObject: what one subgraph says must fit what all of them say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from graphql import GraphQLSyntaxError

from schema.compose.errors import CompositionError
from schema.compose.field_sets import field_set_text, parse_field_set
from schema.compose.subgraph import SubgraphModel, SubgraphType
from schema.compose.supergraph import Kind

__all__ = ["check_interfaces"]


def check_interfaces(models: Sequence[SubgraphModel]) -> Iterator[CompositionError]:
    """INTERFACE_KEY_* and INTERFACE_OBJECT_USAGE_ERROR."""
    interfaces = {
        item.name for model in models for item in model.types.values() if item.kind is Kind.INTERFACE
    }
    implementations: dict[str, dict[str, str]] = {}
    for model in models:
        for definition in model.types.values():
            if definition.kind is Kind.OBJECT:
                for interface in definition.interfaces:
                    implementations.setdefault(interface, {}).setdefault(definition.name, model.name)
    for model in models:
        for definition in model.types.values():
            known = implementations.get(definition.name, {})
            if definition.kind is Kind.INTERFACE and definition.keys and model.federation_2:
                yield from _keys_on_implementations(model, definition)
                yield from _all_implementations(model, definition, known)
            if definition.interface_object:
                yield from _interface_object(model, definition, interfaces, known)


def _keys_on_implementations(model: SubgraphModel, interface: SubgraphType) -> Iterator[CompositionError]:
    for definition in model.types.values():
        if definition.kind is not Kind.OBJECT or interface.name not in definition.interfaces:
            continue
        own = {_normal(key.fields) for key in definition.keys}
        for key in interface.keys:
            if _normal(key.fields) not in own:
                message = (
                    f'[{model.name}] {interface.name} has @key(fields: "{key.fields}") but its implementation '
                    f"{definition.name} has not; add the key there"
                )
                yield CompositionError(
                    "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
                    message,
                    model.name,
                    definition.name,
                    line=definition.line,
                )


def _all_implementations(
    model: SubgraphModel, interface: SubgraphType, known: Mapping[str, str]
) -> Iterator[CompositionError]:
    own = model.types
    missing = [name for name in known if name not in own or interface.name not in own[name].interfaces]
    if missing:
        listed = ", ".join(f"{name} (of {known[name]})" for name in missing)
        message = (
            f"[{model.name}] {interface.name} has a @key, so this subgraph must know every implementation; it lacks "
            f"{listed}. Add them, or take the key of the interface away"
        )
        code = "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE"
        yield CompositionError(code, message, model.name, interface.name, line=interface.line)


def _interface_object(
    model: SubgraphModel, definition: SubgraphType, interfaces: set[str], known: Mapping[str, str]
) -> Iterator[CompositionError]:
    code, name = "INTERFACE_OBJECT_USAGE_ERROR", definition.name
    if name not in interfaces:
        message = f"[{model.name}] {name} is an @interfaceObject, but no subgraph has it as an interface"
        yield CompositionError(code, message, model.name, name, line=definition.line)
    for implementation in known:
        found = model.types.get(implementation)
        if found is not None:
            message = (
                f"[{model.name}] {name} is an @interfaceObject, so {implementation}, which implements it elsewhere, "
                "cannot be defined here; take one of them out"
            )
            yield CompositionError(code, message, model.name, implementation, line=found.line)


def _normal(fields: str) -> str:
    try:
        return field_set_text(parse_field_set(fields))
    except GraphQLSyntaxError:
        return fields
