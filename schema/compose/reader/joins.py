"""The join spec's directives of v0.2 to v0.5 on types, fields and enum values -> joins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import SelectionSetNode

from schema.compose.field_sets import parse_field_set
from schema.compose.reader.elements import read_applications
from schema.compose.reader.specification import Specification
from schema.compose.supergraph import ContextArgument, EntityKey, FieldJoin, TypeJoin

__all__ = ["field_joins", "type_joins", "value_subgraphs"]


def type_joins(node: Any, spec: Specification) -> dict[str, TypeJoin]:  # any type definition
    """By subgraph. A type without @join__type is in all subgraphs."""
    found = [
        (spec.graphs[item["graph"]].name, item)
        for item in read_applications(node.directives, f"{spec.join}__type")
        if item.get("graph") in spec.graphs
    ]
    subgraphs = dict.fromkeys(name for name, _ in found) or dict.fromkeys(
        item.name for item in spec.graphs.values()
    )
    interfaces = [item.name.value for item in getattr(node, "interfaces", None) or ()]
    members = [item.name.value for item in getattr(node, "types", None) or ()]
    by_interface = _by_subgraph(node, spec, "implements", "interface")
    by_member = _by_subgraph(node, spec, "unionMember", "member")
    return {
        name: TypeJoin(
            tuple(_key(item) for subgraph, item in found if subgraph == name and item.get("key") is not None),
            tuple(by_interface.get(name, ()) if by_interface else interfaces),
            tuple(by_member.get(name, ()) if by_member else members),
            any(item.get("extension") is True for subgraph, item in found if subgraph == name),
            any(item.get("isInterfaceObject") is True for subgraph, item in found if subgraph == name),
        )
        for name in subgraphs
    }


def field_joins(
    node: Any, type_text: str, named_type: str, owners: Mapping[str, TypeJoin], spec: Specification
) -> dict[str, FieldJoin]:
    """By subgraph. A field without @join__field is in all subgraphs of its type, one without graphs in none."""
    found = read_applications(node.directives, f"{spec.join}__field")
    if not found:
        return {name: FieldJoin(type_text, named_type) for name in owners}
    return {
        spec.graphs[item["graph"]].name: _field_join(item, type_text)
        for item in found
        if item.get("graph") in spec.graphs
    }


def value_subgraphs(node: Any, owners: Mapping[str, TypeJoin], spec: Specification) -> frozenset[str]:
    """Subgraphs that know an enum value."""
    found = read_applications(node.directives, f"{spec.join}__enumValue")
    if not found:
        return frozenset(owners)
    return frozenset(spec.graphs[item["graph"]].name for item in found if item.get("graph") in spec.graphs)


def _field_join(item: Mapping[str, Any], type_text: str) -> FieldJoin:
    own = item.get("type") or type_text
    contexts = tuple(
        ContextArgument(one["name"], one["type"], one["context"], one["selection"])
        for one in item.get("contextArguments") or ()
    )
    return FieldJoin(
        own,
        own.strip("[]!"),
        external=item.get("external") is True,
        # with a label it is taken over only while the label holds, which the label itself says
        overridden=item.get("usedOverridden") is True and item.get("overrideLabel") is None,
        requires=_selection(item.get("requires")),
        provides=_selection(item.get("provides")),
        override=item.get("override"),
        override_label=item.get("overrideLabel"),
        context_arguments=contexts,
    )


def _key(item: Mapping[str, Any]) -> EntityKey:
    return EntityKey(item["key"], parse_field_set(item["key"]), item.get("resolvable") is not False)


def _selection(text: str | None) -> SelectionSetNode | None:
    return parse_field_set(text) if text else None


def _by_subgraph(node: Any, spec: Specification, directive: str, argument: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in read_applications(node.directives, f"{spec.join}__{directive}"):
        if item.get("graph") in spec.graphs:
            found.setdefault(spec.graphs[item["graph"]].name, []).append(str(item.get(argument)))
    return found
