"""The join spec's directives for each part of a supergraph: https://specs.apollo.dev/join/v0.5."""

from __future__ import annotations

import re

from graphql import StringValueNode, print_ast
from graphql.language import SelectionSetNode

from schema.compose.supergraph import (
    EnumValueDefinition,
    FieldDefinition,
    FieldJoin,
    Kind,
    Supergraph,
    TypeDefinition,
)

__all__ = ["JoinDirectives"]

_DEFINITIONS = """\
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA

directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE

directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, \
external: Boolean, override: String, usedOverridden: Boolean, overrideLabel: String, \
contextArguments: [join__ContextArgument!]) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION

directive @join__graph(name: String!, url: String!) on ENUM_VALUE

directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE

directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, \
resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) \
repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR

directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION

input join__ContextArgument {
  name: String!
  type: String!
  context: String!
  selection: join__FieldValue!
}

scalar join__FieldSet

scalar join__FieldValue

scalar link__Import

enum link__Purpose {
  SECURITY
  EXECUTION
}"""


class JoinDirectives:
    """Prints what each subgraph contributes. Graph names are upper-case, as the spec's examples."""

    def __init__(self, supergraph: Supergraph) -> None:
        self.supergraph = supergraph
        self.graphs = _graph_names(supergraph)

    def header(self) -> str:
        """Schema definition, directive definitions and the graph enum."""
        roots = [root for root in ("Query", "Mutation", "Subscription") if root in self.supergraph.types]
        operations = "".join(f"  {root.lower()}: {root}\n" for root in roots)
        hides = (
            '\n  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)'
            if self._hides()
            else ""
        )
        schema = (
            'schema\n  @link(url: "https://specs.apollo.dev/link/v1.0")\n'
            f'  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION){hides}\n{{\n{operations}}}'
        )
        values = "".join(
            f"  {self.graphs[item.name]} @join__graph(name: {_string(item.name)}, url: {_string(item.url or '')})\n"
            for item in self.supergraph.subgraphs.values()
        )
        inaccessible = (
            "\n\ndirective @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION"
            " | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION"
        )
        return f"{schema}\n\n{_DEFINITIONS}{inaccessible if hides else ''}\n\nenum join__Graph {{\n{values}}}"

    def type(self, item: TypeDefinition) -> str:
        """@join__type once per key and subgraph, then @join__implements and @join__unionMember."""
        parts = []
        for subgraph, join in item.joins.items():
            graph = self.graphs[subgraph]
            flags = ", extension: true" if join.extension and item.name not in _ROOTS else ""
            flags += ", isInterfaceObject: true" if join.interface_object else ""
            for key in join.keys:
                resolvable = "" if key.resolvable else ", resolvable: false"
                parts.append(f"@join__type(graph: {graph}, key: {_string(key.fields)}{flags}{resolvable})")
            if not join.keys:
                parts.append(f"@join__type(graph: {graph}{flags})")
            parts += [f'@join__implements(graph: {graph}, interface: "{name}")' for name in join.interfaces]
            parts += [f'@join__unionMember(graph: {graph}, member: "{name}")' for name in join.members]
        parts += ["@inaccessible"] if item.inaccessible else []
        return "".join(f"\n  {part}" for part in parts) + "\n"

    def field(self, item: TypeDefinition, field: FieldDefinition) -> str:
        """@join__field, left out where every subgraph of the type resolves the field alike."""
        hidden = " @inaccessible" if field.inaccessible else ""
        if not field.joins:
            return " @join__field" + hidden
        special = any(
            join.external or join.overridden or join.requires or join.provides or join.type != field.type
            for join in field.joins.values()
        )
        everywhere = set(field.joins) == set(item.joins)
        if everywhere and not special:
            return hidden
        return (
            "".join(
                f" {self._field(field, name, join, item)}"
                for name, join in field.joins.items()
                if not join.overridden
            )
            + hidden
        )

    def enum_value(self, value: EnumValueDefinition) -> str:
        """@join__enumValue for each subgraph that has it."""
        graphs = [name for name in self.graphs if name in value.subgraphs]
        hidden = " @inaccessible" if value.inaccessible else ""
        return "".join(f" @join__enumValue(graph: {self.graphs[name]})" for name in graphs) + hidden

    def _field(self, field: FieldDefinition, subgraph: str, join: FieldJoin, item: TypeDefinition) -> str:
        arguments = [f"graph: {self.graphs[subgraph]}"]
        arguments += [f"requires: {_string(_fields(join.requires))}"] if join.requires else []
        arguments += [f"provides: {_string(_fields(join.provides))}"] if join.provides else []
        arguments += [f"type: {_string(join.type)}"] if join.type != field.type else []
        arguments += ["external: true"] if join.external and item.kind is not Kind.INPUT else []
        return f"@join__field({', '.join(arguments)})"

    def _hides(self) -> bool:
        for item in self.supergraph.types.values():
            fields = item.fields.values()
            if item.inaccessible or any(value.inaccessible for value in item.values.values()):
                return True
            if any(
                field.inaccessible or any(arg.inaccessible for arg in field.arguments) for field in fields
            ):
                return True
        return False


_ROOTS = {"Query", "Mutation", "Subscription"}


def _graph_names(supergraph: Supergraph) -> dict[str, str]:
    names: dict[str, str] = {}
    for subgraph in supergraph.subgraphs:
        base = re.sub(r"[^A-Za-z0-9]", "_", subgraph).upper()
        base = f"_{base}" if base[:1].isdigit() else base
        name, count = base, 1
        while name in names.values():
            count += 1
            name = f"{base}_{count}"
        names[subgraph] = name
    return names


def _fields(selection: SelectionSetNode) -> str:
    return " ".join(print_ast(selection).split()).removeprefix("{").removesuffix("}").strip()


def _string(text: str) -> str:
    return print_ast(StringValueNode(value=text))
