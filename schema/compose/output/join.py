"""The join spec's directives for each part of a supergraph: https://specs.apollo.dev/join/v0.5."""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphql import StringValueNode, print_ast

from schema.compose.applied import AppliedDirective
from schema.compose.field_sets import field_set_text
from schema.compose.output.names import directive_names
from schema.compose.supergraph import (
    EnumValueDefinition,
    FieldDefinition,
    FieldJoin,
    Supergraph,
    TypeDefinition,
)

__all__ = ["JoinDirectives", "graph_names", "quoted"]


class JoinDirectives:
    """Prints what each subgraph contributes. Graph names are upper-case, as the spec's examples."""

    def __init__(self, supergraph: Supergraph) -> None:
        self.graphs = graph_names(supergraph)
        self.names = directive_names(supergraph.features)

    def type(self, item: TypeDefinition) -> str:
        """@join__type once per key and subgraph, then @join__implements and @join__unionMember."""
        parts = []
        for subgraph, join in item.joins.items():
            graph = self.graphs[subgraph]
            flags = ", extension: true" if join.extension else ""
            flags += ", isInterfaceObject: true" if join.interface_object else ""
            for key in join.keys:
                resolvable = "" if key.resolvable else ", resolvable: false"
                parts.append(f"@join__type(graph: {graph}, key: {quoted(key.fields)}{flags}{resolvable})")
            if not join.keys:
                parts.append(f"@join__type(graph: {graph}{flags})")
            parts += [f'@join__implements(graph: {graph}, interface: "{name}")' for name in join.interfaces]
            parts += [f'@join__unionMember(graph: {graph}, member: "{name}")' for name in join.members]
        parts += self.applied(item.directives, inaccessible=item.inaccessible)
        return "".join(f"\n  {part}" for part in parts) + "\n"

    def field(self, item: TypeDefinition, field: FieldDefinition) -> str:
        """@join__field, left out where every subgraph of the type resolves the field alike."""
        rest = "".join(f" {one}" for one in self.applied(field.directives, inaccessible=field.inaccessible))
        if not field.joins:
            return " @join__field" + rest
        if set(field.joins) == set(item.joins) and all(
            join == FieldJoin(field.type, field.named_type) for join in field.joins.values()
        ):
            return rest
        return "".join(f" {self._field(field, name, join)}" for name, join in field.joins.items()) + rest

    def enum_value(self, value: EnumValueDefinition) -> str:
        """@join__enumValue for each subgraph that has it."""
        graphs = [name for name in self.graphs if name in value.subgraphs]
        parts = [f"@join__enumValue(graph: {self.graphs[name]})" for name in graphs]
        parts += self.applied(value.directives, inaccessible=value.inaccessible)
        return "".join(f" {part}" for part in parts)

    def applied(self, directives: Iterable[AppliedDirective], *, inaccessible: bool = False) -> list[str]:
        """Merged directives; those of single subgraphs as @join__directive."""
        parts = [f"@{self.names.get('inaccessible', 'inaccessible')}"] if inaccessible else []
        for item in directives:
            if item.subgraphs:
                graphs = ", ".join(self.graphs[name] for name in item.subgraphs)
                inner = ", ".join(f"{name}: {text}" for name, text in item.arguments)
                name = f"federation__{item.name}"
                parts.append(f'@join__directive(graphs: [{graphs}], name: "{name}", args: {{{inner}}})')
            else:
                parts.append(f"@{self.names.get(item.name, item.name)}{item.arguments_text()}")
        return parts

    def _field(self, field: FieldDefinition, subgraph: str, join: FieldJoin) -> str:
        arguments = [f"graph: {self.graphs[subgraph]}"]
        arguments += [f"requires: {quoted(field_set_text(join.requires))}"] if join.requires else []
        arguments += [f"provides: {quoted(field_set_text(join.provides))}"] if join.provides else []
        arguments += [f"type: {quoted(join.type)}"] if join.type != field.type else []
        arguments += ["external: true"] if join.external else []
        arguments += [f"override: {quoted(join.override)}"] if join.override is not None else []
        arguments += ["usedOverridden: true"] if join.overridden else []
        arguments += (
            [f"overrideLabel: {quoted(join.override_label)}"] if join.override_label is not None else []
        )
        if join.context_arguments:
            values = ", ".join(
                f"{{context: {quoted(one.context)}, name: {quoted(one.name)}, type: {quoted(one.type)}, "
                f"selection: {quoted(one.selection)}}}"
                for one in join.context_arguments
            )
            arguments.append(f"contextArguments: [{values}]")
        return f"@join__field({', '.join(arguments)})"


def graph_names(supergraph: Supergraph) -> dict[str, str]:
    """Subgraph name -> value of the enum join__Graph."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for subgraph in supergraph.subgraphs:
        base = re.sub(r"[^A-Za-z0-9]", "_", subgraph).upper()
        base = f"_{base}" if base[:1].isdigit() else base
        name, count = base, 1
        while name in taken:
            count += 1
            name = f"{base}_{count}"
        names[subgraph] = name
        taken.add(name)
    return names


def quoted(text: str) -> str:
    """A GraphQL string."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return print_ast(StringValueNode(value=text))
