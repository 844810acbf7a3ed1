"""Shared fields of interfaces and unions: what every subgraph that resolves them may return."""

from __future__ import annotations

from collections.abc import Mapping

from schema.compose.merge.report import Report, Sources
from schema.compose.supergraph import FieldDefinition, Kind, TypeDefinition

__all__ = ["check_runtime_types"]


def check_runtime_types(types: Mapping[str, TypeDefinition], sources: Sources, report: Report) -> None:
    """SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES, or the hint on types that not all return."""
    for definition in types.values():
        if definition.kind is not Kind.OBJECT:
            continue
        for item in definition.fields.values():
            resolvers = [name for name, join in item.joins.items() if join.resolvable]
            if len(resolvers) > 1 and _is_abstract(types, item.named_type):
                _check_field(definition.name, item, resolvers, sources, report)


def _check_field(
    type_name: str, item: FieldDefinition, resolvers: list[str], sources: Sources, report: Report
) -> None:
    returned = {name: _possible(sources, name, item.joins[name].named_type) for name in resolvers}
    if any(found is None for found in returned.values()):
        return  # an interface object may return any of them
    known = {name: found for name, found in returned.items() if found is not None}
    common = frozenset.intersection(*known.values())
    if len(set(known.values())) == 1:
        return
    listed = "; ".join(f"{name}: {', '.join(sorted(found)) or 'none'}" for name, found in known.items())
    place = f"{type_name}.{item.name}"
    if not common:
        subgraph = resolvers[0]
        message = f"{place} is shared, but its resolvers return nothing in common ({listed}); let one subgraph own the field"
        line = sources.parts[type_name][subgraph].fields[item.name].line
        report.error(
            "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES",
            message,
            subgraph=subgraph,
            type_name=type_name,
            field_name=item.name,
            line=line,
        )
    else:
        message = f"{place} is shared, but not all resolvers may return the same types ({listed})"
        code = "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN"
        report.hint(code, message, type_name=type_name, field_name=item.name)


def _is_abstract(types: Mapping[str, TypeDefinition], name: str) -> bool:
    return name in types and types[name].kind in (Kind.INTERFACE, Kind.UNION)


def _possible(sources: Sources, subgraph: str, name: str) -> frozenset[str] | None:
    """Object types behind a type in a subgraph; None if it cannot tell."""
    part = sources.parts[name][subgraph]
    if part.interface_object:
        return None
    if part.kind is Kind.OBJECT:
        return frozenset({name})
    if part.kind is Kind.UNION:
        return frozenset(part.members)
    types = sources.models[subgraph].types.values()
    return frozenset(item.name for item in types if item.kind is Kind.OBJECT and name in item.interfaces)
