"""What a supergraph tells of one subgraph's own schema: its types and fields as plain SDL, without directives.

Enough to check answers with; it is not the SDL that the subgraph was composed from.
"""

from __future__ import annotations

from collections.abc import Iterator

from schema.compose.supergraph import Kind, Supergraph, TypeDefinition

__all__ = ["print_subgraph_types"]


def print_subgraph_types(supergraph: Supergraph, subgraph: str) -> str:
    """Objects, interfaces and unions of the subgraph; empty text if it has none."""
    found = (_type(item, subgraph) for item in supergraph.types.values() if subgraph in item.joins)
    return "\n".join(text for text in found if text)


def _type(item: TypeDefinition, subgraph: str) -> str:
    join = item.joins[subgraph]
    if item.kind is Kind.UNION and join.members:
        return f"union {item.name} = {' | '.join(join.members)}"
    if item.kind not in (Kind.OBJECT, Kind.INTERFACE):
        return ""
    kind = "type" if join.interface_object else item.kind.value
    implements = f" implements {' & '.join(join.interfaces)}" if join.interfaces else ""
    lines = "".join(f"  {line}\n" for line in _fields(item, subgraph))
    return f"{kind} {item.name}{implements} {{\n{lines}}}" if lines else ""


def _fields(item: TypeDefinition, subgraph: str) -> Iterator[str]:
    for field in item.fields.values():
        join = field.joins.get(subgraph)
        if join is not None:
            arguments = ", ".join(f"{one.name}: {one.type}" for one in field.arguments)
            yield f"{field.name}{f'({arguments})' if arguments else ''}: {join.type}"
