"""Types of a supergraph as SDL, for clients or with the join spec's directives."""

from __future__ import annotations

from collections.abc import Iterable

from graphql import StringValueNode, print_ast
from graphql.language.block_string import is_printable_as_block_string

from schema.compose.output.join import JoinDirectives, quoted
from schema.compose.supergraph import ArgumentDefinition, FieldDefinition, Kind, Supergraph, TypeDefinition

__all__ = ["print_type"]


def print_type(
    item: TypeDefinition, supergraph: Supergraph, hidden: set[str], join: JoinDirectives | None
) -> str:
    """One type. Without `join`: no directives but GraphQL's own, and nothing hidden or of a hidden type."""
    head = _description(item.description, "") + f"{item.kind.value} {item.name}"
    directives = _type_directives(item, join)
    if item.kind is Kind.SCALAR:
        return (head + directives).rstrip("\n")
    if item.kind is Kind.UNION:
        return head + directives + " = " + " | ".join(name for name in item.members if name not in hidden)
    if item.kind is Kind.ENUM:
        return f"{head}{directives} {{\n{''.join(_enum_lines(item, join))}}}"
    interfaces = [name for name in item.interfaces if name not in hidden and name in supergraph.types]
    implements = " implements " + " & ".join(interfaces) if interfaces else ""
    return f"{head}{implements}{directives} {{\n{''.join(_field_lines(item, hidden, join))}}}"


def _enum_lines(item: TypeDefinition, join: JoinDirectives | None) -> Iterable[str]:
    for value in item.values.values():
        if value.inaccessible and join is None:
            continue
        directives = _deprecated(value.deprecated)
        if join is not None:
            directives += join.enum_value(value)
        yield f"{_description(value.description, '  ')}  {value.name}{directives}\n"


def _field_lines(item: TypeDefinition, hidden: set[str], join: JoinDirectives | None) -> Iterable[str]:
    for field in item.fields.values():
        if join is None and (field.inaccessible or field.named_type in hidden):
            continue
        directives = _deprecated(field.deprecated)
        if join is not None:
            directives += join.field(item, field)
        arguments = _arguments(field, join)
        default = f" = {field.default}" if field.default is not None else ""
        yield f"{_description(field.description, '  ')}  {field.name}{arguments}: {field.type}{default}{directives}\n"


def _arguments(field: FieldDefinition, join: JoinDirectives | None) -> str:
    shown = [item for item in field.arguments if join is not None or not item.inaccessible]
    if not shown:
        return ""
    if any(item.description for item in shown):
        lines = "".join(
            f"{_description(item.description, '    ')}    {_argument(item, join)}\n" for item in shown
        )
        return f"(\n{lines}  )"
    return "(" + ", ".join(_argument(item, join) for item in shown) + ")"


def _argument(item: ArgumentDefinition, join: JoinDirectives | None) -> str:
    default = f" = {item.default}" if item.default is not None else ""
    applied = join.applied(item.directives, inaccessible=item.inaccessible) if join is not None else []
    rest = "".join(f" {one}" for one in applied)
    return f"{item.name}: {item.type}{default}{_deprecated(item.deprecated)}{rest}"


def _type_directives(item: TypeDefinition, join: JoinDirectives | None) -> str:
    text = f" @specifiedBy(url: {quoted(item.specified_by)})" if item.specified_by else ""
    text += " @oneOf" if item.one_of else ""
    return text + join.type(item) if join is not None else text


def _deprecated(reason: str | None) -> str:
    return f" @deprecated(reason: {quoted(reason)})" if reason is not None else ""


def _description(text: str | None, indent: str) -> str:
    if not text:
        return ""
    printed = print_ast(StringValueNode(value=text, block=is_printable_as_block_string(text)))
    return "".join(f"{indent}{line}\n" if line else "\n" for line in printed.split("\n"))
