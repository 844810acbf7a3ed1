"""Rows of own types by the caller's reach: which fields of the system's record say whose a row is, and who sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from graphql import GraphQLObjectType, ListValueNode, StringValueNode

from adapters.declaration import OwnField, RowReach
from adapters.own.model import Answer, OwnModel
from adapters.own.sdl import directive, objects_of
from adapters.reach import DEPARTMENT, OWN, REGION, Reach

__all__ = ["LIMITED", "REACH", "limited_scopes", "reach_fields", "row_rule", "sees_row"]

REACH: Final = "$reach "
"""Begins the names under which a record carries what its reach is told by."""
LIMITED: Final = frozenset({OWN, DEPARTMENT, REGION})
_OWNERS: Final = RowReach.model_construct()
"""Of rows of which nothing is said: they are of their system's owner."""
_ACCESS: Final = ("authenticated", "requiresScopes", "policy", "public")


def reach_fields(connector: OwnField) -> Mapping[str, str]:
    """Name in a record -> the expression that it is read by."""
    if not isinstance(connector.reach, RowReach):
        return {}
    return {f"{REACH}{name}": text for name, text in connector.reach.given().items()}


def row_rule(model: OwnModel, connector: OwnField, answer: Answer) -> RowReach | None:
    """How the rows of an answer are held to reach; None where they are not: rows below a case, which was, rows that the
    declaration opens, and those whose access says nothing of cases.

    An entity that any subgraph may name is held, even if nothing is said of it: to whoever reaches its system.
    """
    if connector.reach == "open":
        return None
    if isinstance(connector.reach, RowReach):
        return connector.reach
    if answer.parent == "Case":
        return None
    if answer.name is None:
        return None if _says_who(model, answer.parent) else _OWNERS
    return _OWNERS if limited_scopes(model, answer) else None


def limited_scopes(model: OwnModel, answer: Answer) -> frozenset[str]:
    """Scopes of some cases that the field is open to: with `cases:read` alone nobody needs holding back."""
    found: set[str] = set()
    for node in objects_of(model.sdl.document):
        if node.name.value != answer.parent:
            continue
        for one in node.fields or ():
            applied = directive(one, "requiresScopes") if one.name.value == answer.name else None
            for argument in applied.arguments if applied is not None else ():
                found.update(_texts(argument.value))
    return LIMITED & found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, ListValueNode):
        for one in value.values:
            yield from _texts(one)
    elif isinstance(value, StringValueNode):
        yield value.value


def _says_who(model: OwnModel, type_name: str) -> bool:
    """Whether the type, or every field of it but its key, says who may have it."""
    assert isinstance(model.schema.type_map[type_name], GraphQLObjectType)  # noqa: S101 - an entity
    nodes = [node for node in objects_of(model.sdl.document) if node.name.value == type_name]
    if any(directive(node, name) is not None for node in nodes for name in _ACCESS):
        return True
    keys = model.keys.get(type_name, frozenset())
    fields = [one for node in nodes for one in node.fields or () if one.name.value not in keys]
    return bool(fields) and all(any(directive(one, name) is not None for name in _ACCESS) for one in fields)


def sees_row(
    rule: RowReach, row: Mapping[str, Any], reach: Reach, *, owner: str | None, shown: frozenset[str]
) -> bool:
    """shown: cases that the caller may have. A row that names no department is of its system's owner, as a case is."""
    if reach.everything:
        return True
    names = rule.given().keys()
    if "case" in names and row.get(f"{REACH}case") in shown:
        return True
    if names == {"case"}:
        return False
    record = {
        "departmentCode": row.get(f"{REACH}department"),
        "regionCode": row.get(f"{REACH}region"),
        "applicant": {"idNumber": row.get(f"{REACH}applicant")},
    }
    return reach.sees(record, owner=owner)
