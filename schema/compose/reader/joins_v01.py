"""Join spec v0.1 (Federation 1 supergraphs): entities have an owner, and what it implies is written out here.

https://specs.apollo.dev/join/v0.1. A field without @join__field is the owner's; fields of a key are answered by every
subgraph with that key; what @requires and @provides mention is external there. Types without an owner are value
types, which every subgraph resolves whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from schema.compose.supergraph import FieldJoin, TypeDefinition

__all__ = ["complete"]

Types = dict[str, TypeDefinition]


def complete(types: Types, owners: Mapping[str, str]) -> None:
    """Changes the types read by the rules of later versions. `owners`: owning subgraph by entity."""
    for name, owner in owners.items():
        definition = types[name]
        fields = {
            item.name: replace(item, joins={owner: FieldJoin(item.type, item.named_type)})
            if len(item.joins) != 1
            else item
            for item in definition.fields.values()
        }
        types[name] = replace(definition, fields=fields)
    for definition in list(types.values()):
        for subgraph, join in definition.joins.items():
            for key in join.keys:
                _mention(types, definition.name, key.selection, subgraph, external=False)
    for definition in list(types.values()):
        for item in definition.fields.values():
            for subgraph, part in item.joins.items():
                if part.requires is not None:
                    _mention(types, definition.name, part.requires, subgraph, external=True)
                if part.provides is not None:
                    _mention(types, part.named_type, part.provides, subgraph, external=True)


def _mention(
    types: Types, type_name: str, selection: SelectionSetNode, subgraph: str, *, external: bool
) -> None:
    """Gives a subgraph its part in the fields of a field set, where it has none yet."""
    for node in selection.selections:
        if isinstance(node, InlineFragmentNode):
            inner = node.type_condition.name.value if node.type_condition else type_name
            _mention(types, inner, node.selection_set, subgraph, external=external)
        elif isinstance(node, FieldNode) and node.name.value in types[type_name].fields:
            definition = types[type_name]
            item = definition.fields[node.name.value]
            if subgraph not in item.joins:
                part = FieldJoin(item.type, item.named_type, external=external)
                changed = replace(item, joins={**item.joins, subgraph: part})
                types[type_name] = replace(definition, fields={**definition.fields, item.name: changed})
            if node.selection_set is not None:
                _mention(types, item.named_type, node.selection_set, subgraph, external=external)
