"""One named type, from every subgraph that has it: kind, members, interfaces, keys, and the hints on what differs."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import GraphQLSyntaxError, SelectionSetNode

from schema.compose.applied import AppliedDirective
from schema.compose.field_sets import parse_field_set
from schema.compose.merge.directives import DirectiveMerger
from schema.compose.merge.enums import EnumUse, merge_values
from schema.compose.merge.fields import FieldMerger, context_name
from schema.compose.merge.report import Report, most_common
from schema.compose.subgraph import SubgraphType
from schema.compose.supergraph import EntityKey, FieldDefinition, Kind, TypeDefinition, TypeJoin

__all__ = ["TypeMerger"]

Parts = Mapping[str, SubgraphType]
"""By subgraph."""

_ROOTS = ("Query", "Mutation", "Subscription")


class TypeMerger:
    """Appends what it finds to the report."""

    def __init__(
        self, fields: FieldMerger, directives: DirectiveMerger, use: EnumUse, report: Report
    ) -> None:
        self.fields = fields
        self.directives = directives
        self.use = use
        self.report = report

    def merge(self, name: str, parts: Parts) -> TypeDefinition | None:
        """The merged type, or None if subgraphs differ in what kind it is."""
        kind = self._common_kind(name, parts)
        if kind is None:
            return None
        place = (name, None)
        return TypeDefinition(
            kind,
            name,
            joins=self._joins(name, parts),
            fields=self._merge_fields(name, kind, parts),
            interfaces=tuple(dict.fromkeys(item for part in parts.values() for item in part.interfaces)),
            members=self._members(name, parts),
            values=merge_values(name, parts, self.use, self.directives, self.report)
            if kind is Kind.ENUM
            else {},
            description=self.report.description(
                place, {key: part.description for key, part in parts.items()}
            ),
            specified_by=most_common([part.specified_by for part in parts.values() if part.specified_by]),
            one_of=any(part.one_of for part in parts.values()),
            inaccessible=any(part.inaccessible for part in parts.values()),
            directives=(
                *self.directives.merge(place, {key: part.directives for key, part in parts.items()}),
                *_contexts(parts),
            ),
        )

    def _joins(self, name: str, parts: Parts) -> dict[str, TypeJoin]:
        """Every subgraph has the root Query, even if only to be entered for an entity."""
        models = self.fields.sources.models
        subgraphs = models if name == "Query" else parts
        return {
            subgraph: _join(parts[subgraph], federation_2=models[subgraph].federation_2)
            if subgraph in parts
            else TypeJoin()
            for subgraph in subgraphs
        }

    def _common_kind(self, name: str, parts: Parts) -> Kind | None:
        kinds: dict[Kind, str] = {}
        for subgraph, part in parts.items():
            kinds.setdefault(Kind.INTERFACE if part.interface_object else part.kind, subgraph)
        if len(kinds) == 1:
            return next(iter(kinds))
        objects = [key for key, part in parts.items() if part.interface_object]
        listed = ", ".join(f"{kind.value} in {subgraph}" for kind, subgraph in kinds.items())
        subgraph = list(kinds.values())[-1]
        advice = (
            "" if objects else "; use one kind, or @interfaceObject where an interface is seen as an object"
        )
        message = f"{name} is not the same kind everywhere: {listed}{advice}"
        line = parts[subgraph].line
        self.report.error("TYPE_KIND_MISMATCH", message, subgraph=subgraph, type_name=name, line=line)
        return None

    def _merge_fields(self, name: str, kind: Kind, parts: Parts) -> dict[str, FieldDefinition]:
        names = dict.fromkeys(item for part in parts.values() for item in part.fields)
        merged = [item for item in (self.fields.merge(name, one, kind) for one in names) if item is not None]
        if kind is Kind.INPUT and names and not merged:
            subgraph = next(iter(parts))
            message = f"no field of the input {name} is in all subgraphs ({', '.join(parts)}); give them a common one"
            line = parts[subgraph].line
            self.report.error(
                "EMPTY_MERGED_INPUT_TYPE", message, subgraph=subgraph, type_name=name, line=line
            )
        if len(parts) > 1 and name not in _ROOTS:
            self._hint_differences(name, kind, parts)
        return {item.name: item for item in merged}

    def _hint_differences(self, name: str, kind: Kind, parts: Parts) -> None:
        """Entities may differ in their fields; value types that do are worth a look."""
        keyed = [subgraph for subgraph, part in parts.items() if part.keys]
        if kind is Kind.OBJECT and keyed and len(keyed) < len(parts):
            bare = ", ".join(subgraph for subgraph in parts if subgraph not in keyed)
            message = f"{name} has a @key in {', '.join(keyed)} but not in {bare}"
            self.report.hint("INCONSISTENT_ENTITY", message, type_name=name)
        code = {
            Kind.OBJECT: "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD",
            Kind.INTERFACE: "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD",
        }.get(kind)
        if code is None or keyed:
            return
        for item in dict.fromkeys(field for part in parts.values() for field in part.fields):
            missing = [subgraph for subgraph, part in parts.items() if item not in part.fields]
            if missing:
                message = (
                    f"{name}.{item} is missing in {', '.join(missing)}, where {name} is a value type too"
                )
                self.report.hint(code, message, type_name=name, field_name=item)

    def _members(self, name: str, parts: Parts) -> tuple[str, ...]:
        members = tuple(dict.fromkeys(item for part in parts.values() for item in part.members))
        for member in members:
            missing = [subgraph for subgraph, part in parts.items() if member not in part.members]
            if missing:
                message = f"{name} has the member {member}, but not in {', '.join(missing)}"
                self.report.hint("INCONSISTENT_UNION_MEMBER", message, type_name=name)
        return members


def _join(part: SubgraphType, *, federation_2: bool) -> TypeJoin:
    parsed = [(key, _parse_key(key.fields)) for key in part.keys]
    keys = [
        EntityKey(key.fields, selection, key.resolvable) for key, selection in parsed if selection is not None
    ]
    keyed = part.kind in (Kind.OBJECT, Kind.INTERFACE) and part.name not in _ROOTS
    extension = part.extension and keyed and (federation_2 or part.says_extends)
    return TypeJoin(
        tuple(keys), tuple(part.interfaces), tuple(part.members), extension, part.interface_object
    )


def _contexts(parts: Parts) -> tuple[AppliedDirective, ...]:
    return tuple(
        AppliedDirective("context", (("name", f'"{context_name(subgraph, name)}"'),))
        for subgraph, part in parts.items()
        for name in part.contexts
    )


def _parse_key(fields: str) -> SelectionSetNode | None:
    try:
        return parse_field_set(fields)
    except GraphQLSyntaxError:
        return None  # reported by the checks of field sets, with the reason
