"""The two subgraphs of this vocabulary: `house`, answered here, and `cases`, answered by the connector.

`house_schema` runs with a `schema.ports.HouseContext` as its context; its `_entities` look keys up in
dictionaries, a whole batch at a time. `cases_schema` only holds the SDL: its resolvers never run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import strawberry
from graphql import (
    DefinitionNode,
    DocumentNode,
    FieldDefinitionNode,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    parse,
    print_ast,
)
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from schema.errors import RepresentationError
from schema.ports import HouseContext
from schema.scalars import SCALAR_MAP
from schema.types import cases, migration, submissions
from schema.types.catalogue import ItemImplementation, ServiceItem, implementation_of, item_of
from schema.types.directory import Department, LegacySystem, Region, department_of, region_of, system_of
from schema.types.house import HouseQuery
from schema.types.ledger_roots import LedgerMutation
from schema.types.live import LiveSubscription
from schema.types.tracked import Case
from schema.types.trail import AccessRecord, ChangeRecord, LedgerEvent

__all__ = [
    "CASES",
    "HOUSE",
    "MIGRATION",
    "cases_schema",
    "cases_sdl",
    "executable",
    "house_schema",
    "house_sdl",
    "migration_schema",
    "migration_sdl",
]

HOUSE = "house"
CASES = "cases"
MIGRATION = "migration"
"""Names of the subgraphs."""

_FEDERATION: Final = "2.9"
_MACHINERY = frozenset({"_Any", "_Entity", "_Service", "_entities", "_service"})


def house_schema() -> strawberry.federation.Schema:
    """Region, Department, LegacySystem, ServiceItem and ItemImplementation, and what the gateway itself knows of cases;
    executable."""
    return _HouseSchema(
        query=HouseQuery,
        mutation=LedgerMutation,
        subscription=LiveSubscription,
        types=[Case, LedgerEvent, AccessRecord, ChangeRecord],
        config=_config(),
        federation_version=_FEDERATION,
    )


def cases_schema() -> strawberry.federation.Schema:
    """Case and all that comes with it. For its SDL only: a resolver that runs raises NotImplementedError."""
    return strawberry.federation.Schema(
        query=submissions.SubmissionsQuery,
        mutation=submissions.CasesMutation,
        types=[cases.NaturalPerson, cases.LegalPerson],
        config=_config(),
        federation_version=_FEDERATION,
    )


def migration_schema() -> strawberry.federation.Schema:
    """What systems are on their way out, executable with a `schema.migration_port.MigrationContext`."""
    return _MigrationSchema(
        query=migration.MigrationQuery,
        mutation=migration.MigrationMutation,
        subscription=migration.MigrationSubscription,
        config=_config(),
        federation_version=_FEDERATION,
    )


def migration_sdl() -> str:
    return _published(migration_schema())


def house_sdl() -> str:
    return _published(house_schema())


def cases_sdl() -> str:
    return _published(cases_schema())


def executable(schema: strawberry.federation.Schema) -> GraphQLSchema:
    """The graphql-core schema, for `graphql.execute` and for code that resolves without Strawberry's wrapping."""
    return schema._schema  # Strawberry has no public name for it


class _HouseSchema(strawberry.federation.Schema):
    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> list[FederationAny]:
        """Entities in the order of `representations`; None for a key that nobody bears.

        Replaces Strawberry's, which takes representations apart in place and calls one method for each.
        """
        return [_entity(info.context, representation) for representation in representations]  # type: ignore[misc]  # a NewType of object


class _MigrationSchema(strawberry.federation.Schema):
    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> list[FederationAny]:  # noqa: ARG002 - Strawberry gives it by name
        """A system by its code; whether it is on its way out is its own field's question."""
        return [_moving(representation) for representation in representations]  # type: ignore[misc]  # a NewType of object


def _moving(representation: object) -> object:
    code = representation.get("code") if isinstance(representation, Mapping) else None
    if not isinstance(code, str):
        return RepresentationError("LegacySystem needs its key code as text")
    return migration.LegacySystem(code=strawberry.ID(code))


def _region(context: HouseContext, code: str) -> Region | None:
    row = context.registry.region(code)
    return region_of(row) if row else None


def _department(context: HouseContext, code: str) -> Department | None:
    row = context.registry.department(code)
    return department_of(row) if row else None


def _system(context: HouseContext, code: str) -> LegacySystem | None:
    facts = context.systems.system(code)
    return system_of(facts) if facts else None


def _item(context: HouseContext, base_code: str) -> ServiceItem | None:
    row = context.registry.item(base_code)
    return item_of(row) if row else None


def _implementation(context: HouseContext, task_code: str) -> ItemImplementation | None:
    row = context.registry.implementation(task_code)
    return implementation_of(row) if row else None


def _case(_context: HouseContext, case_id: str) -> Case:
    """Looked up with its fields, many at a time; a case that the files do not know has none."""
    return Case(id=strawberry.ID(case_id))


_LOOKUPS: Mapping[str, tuple[str, Callable[[HouseContext, str], object]]] = {
    "Case": ("id", _case),
    "Region": ("code", _region),
    "Department": ("code", _department),
    "LegacySystem": ("code", _system),
    "ServiceItem": ("baseCode", _item),
    "ItemImplementation": ("taskCode", _implementation),
}
"""Entity -> its key field and how to find it."""


def _entity(context: HouseContext, representation: object) -> object:
    """One entity, None, or the error that stands in its place (graphql-core reports it at its path)."""
    if not isinstance(representation, Mapping):
        return RepresentationError("it is not an object")
    name = representation.get("__typename")
    if not isinstance(name, str) or name not in _LOOKUPS:
        return RepresentationError(f"__typename is {name!r}; this subgraph resolves {', '.join(_LOOKUPS)}")
    key, find = _LOOKUPS[name]
    value = representation.get(key)
    if not isinstance(value, str):
        return RepresentationError(f"{name} needs its key {key} as text")
    return find(context, value)


def _config() -> StrawberryConfig:
    return StrawberryConfig(scalar_map=SCALAR_MAP)


def _published(schema: strawberry.federation.Schema) -> str:
    """The SDL without the fields and types that every subgraph has by the federation spec."""
    document = parse(schema.as_str(), no_location=True)
    definitions = tuple(
        _without_machinery(node) for node in document.definitions if _name(node) not in _MACHINERY
    )
    return print_ast(DocumentNode(definitions=definitions)) + "\n"


def _without_machinery(node: DefinitionNode) -> DefinitionNode:
    if not isinstance(node, ObjectTypeDefinitionNode) or node.name.value != "Query":
        return node
    fields: tuple[FieldDefinitionNode, ...] = tuple(
        field for field in node.fields or () if field.name.value not in _MACHINERY
    )
    return ObjectTypeDefinitionNode(
        name=node.name, description=node.description, directives=node.directives, fields=fields
    )


def _name(node: Any) -> str | None:  # Any: only some kinds of definition have a name
    name = getattr(node, "name", None)
    return name.value if name else None
