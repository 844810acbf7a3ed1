"""One field of one type, from every subgraph that has it: type, arguments, who resolves it, who may share it."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import GraphQLSyntaxError, NonNullTypeNode, SelectionSetNode, TypeNode

from schema.compose.context_value import read_context_value
from schema.compose.field_sets import parse_field_set
from schema.compose.merge.arguments import ArgumentMerger, merge_default
from schema.compose.merge.directives import DirectiveMerger
from schema.compose.merge.overrides import Taken, read_overrides
from schema.compose.merge.report import Report, Sources
from schema.compose.merge.sharing import SharingRules
from schema.compose.subgraph import SubgraphField
from schema.compose.subgraph.field_sets import interface_fields, used_fields
from schema.compose.supergraph import ArgumentDefinition, ContextArgument, FieldDefinition, FieldJoin, Kind
from schema.compose.type_text import merge_input, merge_output, named_type, type_text

__all__ = ["FieldMerger", "context_name"]

Holders = Mapping[str, SubgraphField]
"""By subgraph."""


class FieldMerger:
    """Merges fields against all parts of all types; appends what it finds to the report."""

    def __init__(self, sources: Sources, directives: DirectiveMerger, report: Report) -> None:
        self.sources = sources
        self.directives = directives
        self.report = report
        self.arguments = ArgumentMerger(sources, directives, report)
        self.sharing = SharingRules(sources, report)
        self.used = {
            name: used_fields(model) | interface_fields(model) for name, model in sources.models.items()
        }

    def merge(self, type_name: str, name: str, kind: Kind) -> FieldDefinition | None:
        """The merged field, or None if it is not in the supergraph (input fields that not all subgraphs have)."""
        parts = self.sources.parts[type_name]
        holders = {subgraph: part.fields[name] for subgraph, part in parts.items() if name in part.fields}
        if kind is Kind.INPUT:
            return (
                self._merge_input(type_name, name, holders)
                if self._in_all(type_name, name, holders)
                else None
            )
        return self._merge_output(type_name, name, holders, kind)

    def _merge_output(self, type_name: str, name: str, holders: Holders, kind: Kind) -> FieldDefinition:
        place = (type_name, name)
        resolving = {key: item for key, item in holders.items() if not item.external}
        if not resolving and not self._through_interface_object(type_name, name):
            self._missing_base(type_name, name, holders)
        node = self._merge_types(type_name, name, resolving or holders, is_input=False)
        taken = read_overrides(place, holders, self.sources.models, self.used, self.report)
        arguments = self.arguments.merge(type_name, name, resolving or holders)
        for subgraph, item in holders.items():
            if item.external and resolving:
                self._check_external(type_name, node, item, subgraph)
                self.arguments.check_external(type_name, item, subgraph, arguments)
        if kind is Kind.OBJECT:
            self.sharing.check(type_name, name, holders, taken)
        return self._definition(place, node, holders, taken, arguments)

    def _definition(
        self,
        place: tuple[str, str],
        node: TypeNode,
        holders: Holders,
        taken: Taken,
        arguments: tuple[ArgumentDefinition, ...],
    ) -> FieldDefinition:
        joins = {
            subgraph: self._join(subgraph, item, taken)
            for subgraph, item in holders.items()
            if subgraph not in taken.overridden or place in self.used[subgraph]
        }
        return FieldDefinition(
            place[1],
            type_text(node),
            named_type(node),
            joins,
            arguments,
            description=self.report.description(
                place, {key: item.description for key, item in holders.items()}
            ),
            deprecated=self.report.deprecation(
                place, {key: item.deprecated for key, item in holders.items()}
            ),
            inaccessible=any(item.inaccessible for item in holders.values()),
            directives=self.directives.merge(place, {key: item.directives for key, item in holders.items()}),
        )

    def _merge_input(self, type_name: str, name: str, holders: Holders) -> FieldDefinition:
        place = (type_name, name)
        node = self._merge_types(type_name, name, holders, is_input=True)
        defaults = {key: (item.default, item.line) for key, item in holders.items()}
        return FieldDefinition(
            name,
            type_text(node),
            named_type(node),
            {key: FieldJoin(type_text(item.type), named_type(item.type)) for key, item in holders.items()},
            default=merge_default("INPUT_FIELD_DEFAULT_MISMATCH", (*place, name), defaults, self.report),
            description=self.report.description(
                place, {key: item.description for key, item in holders.items()}
            ),
            deprecated=self.report.deprecation(
                place, {key: item.deprecated for key, item in holders.items()}
            ),
            inaccessible=any(item.inaccessible for item in holders.values()),
            directives=self.directives.merge(place, {key: item.directives for key, item in holders.items()}),
        )

    def _in_all(self, type_name: str, name: str, holders: Holders) -> bool:
        missing = [subgraph for subgraph in self.sources.parts[type_name] if subgraph not in holders]
        if not missing:
            return True
        required = [
            subgraph
            for subgraph, item in holders.items()
            if isinstance(item.type, NonNullTypeNode) and item.default is None
        ]
        listed = ", ".join(missing)
        if required:
            message = f"{type_name}.{name} is required in {required[0]} and missing in {listed}; add it there"
            line = self.sources.parts[type_name][missing[0]].line
            code = "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH"
            self._error(code, message, missing[0], type_name, name, line)
        else:
            message = f"{type_name}.{name} is left out of the API: it is missing in {listed}"
            self.report.hint(
                "INCONSISTENT_INPUT_OBJECT_FIELD",
                message,
                subgraph=missing[0],
                type_name=type_name,
                field_name=name,
            )
        return False

    def _merge_types(self, type_name: str, name: str, holders: Holders, *, is_input: bool) -> TypeNode:
        items = iter(holders.items())
        merged: TypeNode = next(items)[1].type
        for subgraph, item in items:
            both = (
                merge_input(merged, item.type)
                if is_input
                else merge_output(merged, item.type, self.sources.is_subtype)
            )
            if both is None:
                message = (
                    f"{type_name}.{name} is {type_text(item.type)} in {subgraph} and {type_text(merged)} elsewhere; "
                    "use one type"
                )
                self._error("FIELD_TYPE_MISMATCH", message, subgraph, type_name, name, item.line)
            else:
                merged = both
        if len({type_text(item.type) for item in holders.values()}) > 1:
            message = f"{type_name}.{name} has differing types; the API has {type_text(merged)}, which holds them all"
            code = "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE"
            self.report.hint(code, message, type_name=type_name, field_name=name)
        return merged

    def _check_external(self, type_name: str, merged: TypeNode, item: SubgraphField, subgraph: str) -> None:
        if type_text(item.type) == type_text(merged):
            return
        message = (
            f"[{subgraph}] {type_name}.{item.name} is @external and {type_text(item.type)}; where it is resolved it is "
            f"{type_text(merged)}. Write that type"
        )
        self._error("EXTERNAL_TYPE_MISMATCH", message, subgraph, type_name, item.name, item.line)

    def _missing_base(self, type_name: str, name: str, holders: Holders) -> None:
        subgraph, item = next(iter(holders.items()))
        message = (
            f"[{subgraph}] {type_name}.{name} is @external, but no subgraph resolves it; take @external away or define "
            "the field in another subgraph"
        )
        self._error("EXTERNAL_MISSING_ON_BASE", message, subgraph, type_name, name, item.line)

    def _through_interface_object(self, type_name: str, name: str) -> bool:
        interfaces = {item for part in self.sources.parts[type_name].values() for item in part.interfaces}
        return any(
            part.interface_object and name in part.fields
            for interface in interfaces
            for part in self.sources.parts.get(interface, {}).values()
        )

    def _join(self, subgraph: str, item: SubgraphField, taken: Taken) -> FieldJoin:
        return FieldJoin(
            type_text(item.type),
            named_type(item.type),
            external=item.external,
            overridden=subgraph in taken.overridden,
            requires=_selection(item.requires),
            provides=_selection(item.provides),
            override=taken.sources.get(subgraph),
            override_label=taken.labels.get(subgraph),
            context_arguments=_context_arguments(subgraph, item),
        )

    def _error(
        self, code: str, message: str, subgraph: str, type_name: str, name: str, line: int | None
    ) -> None:
        self.report.error(code, message, subgraph=subgraph, type_name=type_name, field_name=name, line=line)


def context_name(subgraph: str, name: str) -> str:
    """A context's name in the supergraph: contexts of different subgraphs are different."""
    return f"{subgraph}__{name}"


def _context_arguments(subgraph: str, item: SubgraphField) -> tuple[ContextArgument, ...]:
    found = []
    for argument in item.arguments.values():
        value = read_context_value(argument.from_context or "")
        if value is not None:
            context = context_name(subgraph, value.context)
            found.append(ContextArgument(argument.name, type_text(argument.type), context, value.selection))
    return tuple(found)


def _selection(text: str | None) -> SelectionSetNode | None:
    try:
        return parse_field_set(text) if text else None
    except GraphQLSyntaxError:
        return None  # reported by the checks of field sets, with the reason
