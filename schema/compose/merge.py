"""Subgraph models -> Supergraph: the union of their types, field by field, with every conflict reported.

Rules: https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/composition
Output types and unions merge by union, input types and arguments by intersection, enums by where they are used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from graphql import GraphQLSyntaxError, SelectionSetNode

from schema.compose.errors import CompositionError, CompositionHint
from schema.compose.field_sets import parse_field_set
from schema.compose.merge_fields import FieldMerger
from schema.compose.subgraph import SubgraphModel, SubgraphType
from schema.compose.supergraph import (
    EntityKey,
    EnumValueDefinition,
    FieldDefinition,
    Kind,
    Supergraph,
    SupergraphSubgraph,
    TypeDefinition,
    TypeJoin,
)
from schema.compose.type_text import named_type

__all__ = ["merge"]

Parts = Mapping[str, SubgraphType]  # by subgraph


def merge(
    models: Sequence[SubgraphModel],
) -> tuple[Supergraph, list[CompositionError], list[CompositionHint]]:
    """The supergraph as far as it can be built, with all errors and hints."""
    return _Merger(models).run()


class _Merger:
    def __init__(self, models: Sequence[SubgraphModel]) -> None:
        self.models = models
        self.errors: list[CompositionError] = []
        self.hints: list[CompositionHint] = []
        self.parts: dict[str, dict[str, SubgraphType]] = {}
        for model in models:
            for definition in model.types.values():
                self.parts.setdefault(definition.name, {})[model.name] = definition
        self.fields = FieldMerger(
            self.parts, frozenset(model.name for model in models), self.errors, self.hints
        )

    def run(self) -> tuple[Supergraph, list[CompositionError], list[CompositionHint]]:
        types: dict[str, TypeDefinition] = {}
        used_in, used_out = self._enum_uses()
        for name, parts in self.parts.items():
            kind = self._common_kind(name, parts)
            if kind is not None:
                types[name] = self._merge_type(name, kind, parts, in_use=(name in used_in, name in used_out))
        self._spread_interface_objects(types)
        subgraphs = {model.name: SupergraphSubgraph(model.name, model.url) for model in self.models}
        return Supergraph(subgraphs, types), self.errors, self.hints

    def _common_kind(self, name: str, parts: Parts) -> Kind | None:
        kinds = {
            Kind.INTERFACE if part.interface_object else part.kind: subgraph
            for subgraph, part in parts.items()
        }
        if len(kinds) == 1:
            return next(iter(kinds))
        listed = ", ".join(f"{kind.value} in {subgraph}" for kind, subgraph in kinds.items())
        subgraph = list(kinds.values())[-1]
        message = f"{name} is not the same kind everywhere: {listed}"
        self.errors.append(
            CompositionError("TYPE_KIND_MISMATCH", message, subgraph, name, line=parts[subgraph].line)
        )
        return None

    def _merge_type(
        self, name: str, kind: Kind, parts: Parts, *, in_use: tuple[bool, bool]
    ) -> TypeDefinition:
        return TypeDefinition(
            kind,
            name,
            joins={subgraph: _join(part) for subgraph, part in parts.items()},
            fields=self._merge_fields(name, kind, parts),
            interfaces=tuple(dict.fromkeys(item for part in parts.values() for item in part.interfaces)),
            members=tuple(dict.fromkeys(item for part in parts.values() for item in part.members)),
            values=self._merge_values(name, parts, in_use=in_use) if kind is Kind.ENUM else {},
            description=self._description(name, parts),
            specified_by=next((part.specified_by for part in parts.values() if part.specified_by), None),
            one_of=any(part.one_of for part in parts.values()),
            inaccessible=any(part.inaccessible for part in parts.values()),
        )

    def _merge_fields(self, name: str, kind: Kind, parts: Parts) -> dict[str, FieldDefinition]:
        names = dict.fromkeys(item for part in parts.values() for item in part.fields)
        merged = (self.fields.merge(name, item, is_input=kind is Kind.INPUT) for item in names)
        return {item.name: item for item in merged if item is not None}

    def _description(self, name: str, parts: Parts) -> str | None:
        texts = list(dict.fromkeys(part.description for part in parts.values() if part.description))
        if len(texts) > 1:
            message = f"{name} has {len(texts)} descriptions; the first is kept"
            self.hints.append(CompositionHint("INCONSISTENT_DESCRIPTION", message, type_name=name))
        return texts[0] if texts else None

    def _enum_uses(self) -> tuple[set[str], set[str]]:
        """Names that are used as inputs, and as outputs, anywhere."""
        used_in: set[str] = set()
        used_out: set[str] = set()
        for parts in self.parts.values():
            for part in parts.values():
                for item in part.fields.values():
                    (used_in if part.kind is Kind.INPUT else used_out).add(named_type(item.type))
                    used_in.update(named_type(argument.type) for argument in item.arguments.values())
        return used_in, used_out

    def _merge_values(
        self, name: str, parts: Parts, *, in_use: tuple[bool, bool]
    ) -> dict[str, EnumValueDefinition]:
        as_input, as_output = in_use
        merged = {}
        for value in dict.fromkeys(item for part in parts.values() for item in part.values):
            holders = {
                subgraph: part.values[value] for subgraph, part in parts.items() if value in part.values
            }
            inaccessible = any(item.inaccessible for item in holders.values())
            missing = [subgraph for subgraph in parts if subgraph not in holders]
            if missing and as_input and as_output and not inaccessible:
                message = f"{name}.{value} is used as input and output and must be in every subgraph; missing in {', '.join(missing)}"
                self.errors.append(
                    CompositionError(
                        "ENUM_VALUE_MISMATCH", message, missing[0], name, value, parts[missing[0]].line
                    )
                )
            elif missing and as_input and not as_output:
                message = f"{name}.{value} is left out: it is missing in {', '.join(missing)}"
                self.hints.append(
                    CompositionHint("INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM", message, None, name, value)
                )
                continue
            first = next(iter(holders.values()))
            merged[value] = EnumValueDefinition(
                value, frozenset(holders), first.description, first.deprecated, inaccessible
            )
        if not merged:
            message = f"no value of {name} is in all subgraphs"
            subgraph = next(iter(parts))
            self.errors.append(
                CompositionError("EMPTY_MERGED_ENUM_TYPE", message, subgraph, name, line=parts[subgraph].line)
            )
        return merged

    def _spread_interface_objects(self, types: dict[str, TypeDefinition]) -> None:
        """Fields that an @interfaceObject adds to an interface belong to every implementation, resolved there."""
        for definition in list(types.values()):
            holders = {name for name, join in definition.joins.items() if join.interface_object}
            if not holders:
                continue
            for target in [item for item in types.values() if definition.name in item.interfaces]:
                extra = {
                    item.name: _without_joins(item)
                    for item in definition.fields.values()
                    if item.name not in target.fields and holders & set(item.joins)
                }
                types[target.name] = replace(target, fields={**target.fields, **extra})


def _join(part: SubgraphType) -> TypeJoin:
    parsed = [(key, _parse_key(key.fields)) for key in part.keys]
    keys = [
        EntityKey(key.fields, selection, key.resolvable) for key, selection in parsed if selection is not None
    ]
    return TypeJoin(
        tuple(keys), tuple(part.interfaces), tuple(part.members), part.extension, part.interface_object
    )


def _parse_key(fields: str) -> SelectionSetNode | None:
    try:
        return parse_field_set(fields)
    except GraphQLSyntaxError:
        return None  # reported by validate.py, with the reason


def _without_joins(item: FieldDefinition) -> FieldDefinition:
    """An implementation's view of a field that only interface objects resolve: no subgraph has it on the type."""
    return replace(item, joins={})
