"""Interfaces after the merge: fields that interface objects add, missing implementations, demands taken upwards."""

from __future__ import annotations

from dataclasses import replace

from schema.compose.access import ACCESS_DIRECTIVES, AccessRule, access_rule
from schema.compose.applied import AppliedDirective
from schema.compose.merge.report import Report, Sources
from schema.compose.supergraph import FieldDefinition, Kind, TypeDefinition

__all__ = ["check_implementations", "demand_upwards", "spread_interface_objects"]

Types = dict[str, TypeDefinition]


def spread_interface_objects(types: Types) -> None:
    """Fields that an @interfaceObject adds to an interface belong to every implementation, resolved there."""
    for definition in list(types.values()):
        holders = {name for name, join in definition.joins.items() if join.interface_object}
        if not holders:
            continue
        for target in [item for item in types.values() if definition.name in item.interfaces]:
            extra = {
                item.name: replace(item, joins={})
                for item in definition.fields.values()
                if item.name not in target.fields and holders & set(item.joins)
            }
            types[target.name] = replace(target, fields={**target.fields, **extra})


def check_implementations(types: Types, sources: Sources, report: Report) -> None:
    """INTERFACE_FIELD_NO_IMPLEM: fields that one subgraph adds to an interface, some implementation lacks."""
    for definition in types.values():
        if definition.kind not in (Kind.OBJECT, Kind.INTERFACE):
            continue
        for interface in definition.interfaces:
            parent = types.get(interface)
            for name in [item for item in parent.fields if item not in definition.fields] if parent else ():
                message = (
                    f"{definition.name} implements {interface}, but no subgraph gives it {name}; add the field to "
                    f"{definition.name}"
                )
                subgraph = next(iter(definition.joins))
                report.error(
                    "INTERFACE_FIELD_NO_IMPLEM",
                    message,
                    subgraph=subgraph,
                    type_name=definition.name,
                    field_name=name,
                    line=sources.parts[definition.name][subgraph].line,
                )


def demand_upwards(types: Types) -> None:
    """An interface demands of the caller what its implementations do, itself and field by field."""
    implementations: dict[str, list[TypeDefinition]] = {}
    for item in types.values():
        if item.kind is Kind.OBJECT and _demands(item):
            for name in item.interfaces:
                implementations.setdefault(name, []).append(item)
    for interface, below in implementations.items():
        definition = types.get(interface)
        if definition is None:
            continue
        rule = AccessRule()
        for item in below:
            rule = rule.joined(access_rule(item.directives))
        fields: dict[str, FieldDefinition] = {}
        for name, one in definition.fields.items():
            inner = access_rule(one.directives)
            for item in below:
                inner = inner.joined(
                    access_rule(item.fields[name].directives) if name in item.fields else AccessRule()
                )
            fields[name] = replace(one, directives=_with_rule(one.directives, inner))
        types[interface] = replace(
            definition, fields=fields, directives=_with_rule(definition.directives, rule)
        )


def _demands(item: TypeDefinition) -> bool:
    applied = (*item.directives, *(one for field in item.fields.values() for one in field.directives))
    return any(one.name in ACCESS_DIRECTIVES for one in applied)


def _with_rule(directives: tuple[AppliedDirective, ...], rule: AccessRule) -> tuple[AppliedDirective, ...]:
    rest = tuple(item for item in directives if item.name not in ACCESS_DIRECTIVES)
    return (*rest, *rule.directives()) if rule else directives
