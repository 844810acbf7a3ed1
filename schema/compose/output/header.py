"""The head of a supergraph's SDL: what it links, the definitions of the join spec's version, and the graphs."""

from __future__ import annotations

from schema.compose.federation_spec import DIRECTIVES, FEATURES, LATEST_MINOR, definitions
from schema.compose.links import APOLLO
from schema.compose.output.join import JoinDirectives, quoted
from schema.compose.supergraph import Feature, Supergraph

__all__ = ["print_header"]

_COMMON = """\
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA

directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE

directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, \
external: Boolean, override: String, usedOverridden: Boolean{late}) \
repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION

directive @join__graph(name: String!, url: String!) on ENUM_VALUE

directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE

directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, \
resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) \
repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR

directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION

scalar join__FieldSet

scalar link__Import

enum link__Purpose {{
  SECURITY
  EXECUTION
}}"""

_DIRECTIVE = """\
directive @join__directive(graphs: [join__Graph!], name: String!, args: join__DirectiveArguments) \
repeatable on SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION

scalar join__DirectiveArguments"""

_CONTEXT = """\
input join__ContextArgument {
  name: String!
  type: String!
  context: String!
  selection: join__FieldValue!
}

scalar join__FieldValue"""

_LATE = {
    "0.3": "",
    "0.4": ", overrideLabel: String",
    "0.5": ", overrideLabel: String, contextArguments: [join__ContextArgument!]",
}


def print_header(supergraph: Supergraph, join: JoinDirectives) -> str:
    """Schema definition, directive definitions and the graph enum."""
    version = supergraph.join_version if supergraph.join_version in _LATE else "0.5"
    parts = [_schema(supergraph, join, version), _COMMON.format(late=_LATE[version])]
    parts += [_DIRECTIVE] if version != "0.3" else []
    parts += [_CONTEXT] if version == "0.5" else []
    parts += [text for feature in supergraph.features for text in _feature_definitions(feature, join)]
    parts += supergraph.directives.values()
    if any(item.one_of for item in supergraph.types.values()):
        parts.append("directive @oneOf on INPUT_OBJECT")  # readers on older GraphQL do not have it built in
    graphs = "".join(
        f"  {join.graphs[item.name]} @join__graph(name: {quoted(item.name)}, url: {quoted(item.url or '')})\n"
        for item in supergraph.subgraphs.values()
    )
    return "\n\n".join([*parts, f"enum join__Graph {{\n{graphs}}}"])


def _schema(supergraph: Supergraph, join: JoinDirectives, version: str) -> str:
    links = [
        Feature(f"{APOLLO}link/v1.0"),
        Feature(f"{APOLLO}join/v{version}", "EXECUTION"),
        *supergraph.features,
    ]
    lines = [f"  {_link(item)}\n" for item in links]
    lines += [f"  {text}\n" for text in join.applied(supergraph.applied)]
    roots = [root for root in ("Query", "Mutation", "Subscription") if root in supergraph.types]
    operations = "".join(f"  {root.lower()}: {root}\n" for root in roots)
    return f"schema\n{''.join(lines)}{{\n{operations}}}"


def _link(item: Feature) -> str:
    imports = [
        f'"{source}"' if source == here else f'{{name: "{source}", as: "{here}"}}'
        for source, here in item.imports
    ]
    alias = f', as: "{item.alias}"' if item.alias is not None else ""
    imported = f", import: [{', '.join(imports)}]" if imports else ""
    purpose = f", for: {item.purpose}" if item.purpose else ""
    return f'@link(url: "{item.url}"{alias}{imported}{purpose})'


def _feature_definitions(feature: Feature, join: JoinDirectives) -> list[str]:
    name = feature.url.removeprefix(APOLLO).split("/")[0]
    if name not in FEATURES or not feature.url.startswith(APOLLO) or name == "cacheTag":
        return []
    prefix = f"{feature.alias or name}__"
    pairs = [(one, join.names[one]) for one in FEATURES[name].directives]
    text = definitions(pairs, LATEST_MINOR, prefix)
    scalars = [
        f"scalar {prefix}{scalar}"
        for scalar in ("Scope", "Policy")
        if any(f"{{p}}{scalar}" in value for one, _ in pairs for value in DIRECTIVES[one].arguments.values())
    ]
    if name == "context":
        scalars.append(f"scalar {prefix}ContextFieldValue")
        field = f"field: {prefix}ContextFieldValue"
        scalars.append(f"directive @{prefix}fromContext({field}) on ARGUMENT_DEFINITION")
    return [text, *scalars]
