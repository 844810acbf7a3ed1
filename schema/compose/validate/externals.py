"""@external, @shareable, @override and @interfaceObject used where they may be: one subgraph alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schema.compose.errors import CompositionError
from schema.compose.subgraph import SubgraphField, SubgraphModel, SubgraphType
from schema.compose.subgraph.field_sets import interface_fields, used_fields
from schema.compose.supergraph import Kind

__all__ = ["check_field_directives"]

_LABEL = re.compile(r"^[a-zA-Z][a-zA-Z0-9_\-:./]*$")
_PERCENT = re.compile(r"^percent\((\d{1,2}(?:\.\d{1,8})?|100(?:\.0+)?)\)$")
_MERGED = ("tag", "authenticated", "requiresScopes", "policy", "cost", "listSize")


def check_field_directives(model: SubgraphModel) -> Iterator[CompositionError]:
    """Errors of @external, @shareable, @override and @interfaceObject that need no other subgraph."""
    if not model.federation_2:
        return
    used = used_fields(model) | interface_fields(model)
    for definition in model.types.values():
        yield from _interface_object(model, definition)
        for item in definition.fields.values():
            yield from _external(model, definition, item, used)
            yield from _shareable(model, definition, item)
            yield from _override(model, definition, item)


def _external(
    model: SubgraphModel, definition: SubgraphType, item: SubgraphField, used: set[tuple[str, str]]
) -> Iterator[CompositionError]:
    if not item.external:
        return
    name = f"[{model.name}] {definition.name}.{item.name}"
    if definition.kind is Kind.INTERFACE:
        message = f"{name} is @external on an interface; mark the fields of the implementations instead"
        yield _error("EXTERNAL_ON_INTERFACE", message, model, definition, item)
        return
    if (definition.name, item.name) not in used:
        message = f"{name} is @external but no @key, @requires or @provides uses it; take the field or @external away"
        yield _error("EXTERNAL_UNUSED", message, model, definition, item)
    merged = [one.name for one in item.directives if one.name in _MERGED]
    merged += ["inaccessible"] if item.inaccessible else []
    if merged:
        message = f"{name} is @external and has @{merged[0]}; put it on the subgraph that resolves the field"
        yield _error("MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL", message, model, definition, item)


def _shareable(
    model: SubgraphModel, definition: SubgraphType, item: SubgraphField
) -> Iterator[CompositionError]:
    name = f"[{model.name}] {definition.name}.{item.name}"
    if item.says_shareable and definition.kind is Kind.INTERFACE:
        message = f"{name} is @shareable on an interface; mark the fields of the implementations instead"
        yield _error("INVALID_SHAREABLE_USAGE", message, model, definition, item)
    if item.shareable and definition.name == "Subscription":
        message = (
            f"{name} is @shareable, which fields of Subscription cannot be; one subgraph must own the field"
        )
        yield _error("INVALID_FIELD_SHARING", message, model, definition, item)


def _override(
    model: SubgraphModel, definition: SubgraphType, item: SubgraphField
) -> Iterator[CompositionError]:
    if item.override_from is None:
        return
    name = f"[{model.name}] {definition.name}.{item.name}"
    if item.override_from == model.name:
        message = f"{name} overrides itself; name the subgraph that the field is taken from"
        yield _error("OVERRIDE_FROM_SELF_ERROR", message, model, definition, item)
    if definition.kind is Kind.INTERFACE:
        message = f"{name} is a field of an interface; put @override on the implementations"
        yield _error("OVERRIDE_ON_INTERFACE", message, model, definition, item)
    if item.external:
        message = f"{name} is @external, so it cannot take the field over; take @external or @override away"
        yield _error("OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE", message, model, definition, item)
    label = item.override_label
    if label is not None and not (_LABEL.match(label) or _PERCENT.match(label)):
        message = (
            f'{name} has the override label "{label}"; labels are "percent(0)" to "percent(100)" or begin with '
            "a letter and hold letters, digits and _-:./"
        )
        yield _error("OVERRIDE_LABEL_INVALID", message, model, definition, item)


def _interface_object(model: SubgraphModel, definition: SubgraphType) -> Iterator[CompositionError]:
    if definition.interface_object and not definition.keys:
        message = f"[{model.name}] {definition.name} is an @interfaceObject without a @key; give it a key of the interface"
        yield CompositionError(
            "INTERFACE_OBJECT_USAGE_ERROR", message, model.name, definition.name, line=definition.line
        )


def _error(
    code: str, message: str, model: SubgraphModel, definition: SubgraphType, item: SubgraphField
) -> CompositionError:
    return CompositionError(code, message, model.name, definition.name, item.name, item.line)
