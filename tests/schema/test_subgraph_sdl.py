"""The published SDL: keys, directives, descriptions, and what the two subgraphs share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    parse,
    print_ast,
    validate,
)

from schema.canonical import CASE, CHANGE, EVENT, ITEM, Record
from schema.compose import SubgraphSchema, compose
from schema.errors import SchemaError
from schema.permissions import PERMISSIONS, required_scopes
from schema.subgraphs import cases_sdl, house_sdl, migration_sdl

Fielded = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | InputObjectTypeDefinitionNode


@pytest.fixture(scope="module")
def documents() -> dict[str, DocumentNode]:
    return {"house": parse(house_sdl()), "cases": parse(cases_sdl())}


def types_of(document: DocumentNode) -> dict[str, Any]:
    return {node.name.value: node for node in document.definitions if hasattr(node, "name") and node.name}


def keys_of(node: Any) -> list[tuple[str, bool]]:
    found = []
    for directive in node.directives or ():
        if directive.name.value == "key":
            arguments = {argument.name.value: argument.value.value for argument in directive.arguments}
            found.append((arguments["fields"], arguments.get("resolvable", True)))
    return found


def test_the_house_owns_its_entities(documents: dict[str, DocumentNode]) -> None:
    keyed = {name: keys_of(node) for name, node in types_of(documents["house"]).items() if keys_of(node)}
    assert keyed == {
        "Case": [("id", True)],
        "Department": [("code", True)],
        "ItemImplementation": [("taskCode", True)],
        "LegacySystem": [("code", True)],
        "Region": [("code", True)],
        "ServiceItem": [("baseCode", True)],
    }


def test_cases_resolve_cases_and_systems_and_only_name_the_rest(documents: dict[str, DocumentNode]) -> None:
    keyed = {name: keys_of(node) for name, node in types_of(documents["cases"]).items() if keys_of(node)}
    assert keyed == {
        "Case": [("id", True)],
        "CaseEvent": [("id", False)],
        "Department": [("code", False)],
        "ItemImplementation": [("taskCode", False)],
        "LegacySystem": [("code", True)],
        "LegalPerson": [("ref", False)],
        "NaturalPerson": [("ref", False)],
        "Region": [("code", False)],
        "ServiceItem": [("baseCode", False)],
    }


@pytest.mark.parametrize("subgraph", ["house", "cases"])
def test_the_sdl_links_federation_2_and_leaves_the_machinery_out(subgraph: str) -> None:
    sdl = {"house": house_sdl, "cases": cases_sdl}[subgraph]()
    assert sdl.startswith('schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [')
    assert not [word for word in ("_Any", "_Entity", "_Service", "_service", "_entities") if word in sdl]


def described(document: DocumentNode) -> Iterator[tuple[str, Any]]:
    for name, node in types_of(document).items():
        yield name, node
        if isinstance(node, EnumTypeDefinitionNode):
            yield from ((f"{name}.{value.name.value}", value) for value in node.values or ())
        if isinstance(node, Fielded):
            for field in node.fields or ():
                yield f"{name}.{field.name.value}", field
                for argument in getattr(field, "arguments", None) or ():
                    yield f"{name}.{field.name.value}({argument.name.value})", argument


@pytest.mark.parametrize("subgraph", ["house", "cases"])
def test_everything_is_described_with_its_chinese_term(
    documents: dict[str, DocumentNode], subgraph: str
) -> None:
    bare = [
        path
        for path, node in described(documents[subgraph])
        if path != "Query"
        and not (node.description and any("\u4e00" <= sign <= "\u9fff" for sign in node.description.value))
    ]
    assert bare == []


def test_what_both_subgraphs_define_is_the_same(documents: dict[str, DocumentNode]) -> None:
    """Enums, scalars and value types must agree; entities may differ, and their key fields may not."""
    house, cases = types_of(documents["house"]), types_of(documents["cases"])
    shared = set(house) & set(cases) - {"Mutation", "Query"}
    assert {"PageInfo", "CaseType", "Channel", "DateTime", "Uscc"} <= shared
    for name in shared:
        if keys_of(house[name]):
            assert house[name].description.value == cases[name].description.value
        else:
            assert print_ast(house[name]) == print_ast(cases[name])


@pytest.mark.parametrize(
    ("record", "type_name", "elsewhere"),
    [
        (CASE, "Case", {"events": "timeline", "deepLink": "source"}),
        (EVENT, "CaseEvent", {}),
        (ITEM, "SystemItem", {}),
        (CHANGE, "CaseChange", {}),
    ],
)
def test_every_canonical_field_is_published(
    documents: dict[str, DocumentNode], record: Record, type_name: str, elsewhere: dict[str, str]
) -> None:
    published = {field.name.value for field in types_of(documents["cases"])[type_name].fields}
    assert {elsewhere.get(field.name, field.name) for field in record.fields} <= published


def test_the_sdl_says_which_scopes_the_table_demands(documents: dict[str, DocumentNode]) -> None:
    """In both directions: no guard that is not enforced, no enforcement that is not documented."""
    found: dict[tuple[str, str], list[list[str]]] = {}
    for document in (*documents.values(), parse(migration_sdl())):
        for name, node in types_of(document).items():
            for field in getattr(node, "fields", None) or ():
                for directive in field.directives or ():
                    if directive.name.value == "requiresScopes":
                        ways = directive.arguments[0].value.values
                        found[name, field.name.value] = [
                            [scope.value for scope in way.values] for way in ways
                        ]
    assert found == {entry: required_scopes(*entry) for entry in PERMISSIONS}


def test_what_may_be_withheld_is_nullable(documents: dict[str, DocumentNode]) -> None:
    """Or a caller without the scope would lose the rest of the answer as well."""
    guarded = [
        f"{name}.{field.name.value}"
        for document in (*documents.values(), parse(migration_sdl()))
        for name, node in types_of(document).items()
        for field in getattr(node, "fields", None) or ()
        if any(one.name.value == "requiresScopes" for one in field.directives or ())
        and isinstance(field.type, NonNullTypeNode)
    ]
    assert guarded == []


def test_the_catalogue_is_public() -> None:
    assert required_scopes("Query", "serviceItems") is None
    office = [["cases:read"], ["cases:department"], ["cases:region"]]
    assert required_scopes("Query", "cases") == office
    assert required_scopes("Query", "case") == [*office, ["cases:own"]]


def test_the_roots_are_those_of_the_model(documents: dict[str, DocumentNode]) -> None:
    roots = {
        subgraph: [field.name.value for field in types_of(document)["Query"].fields]
        for subgraph, document in documents.items()
    }
    assert sorted(roots["house"]) == [
        "accessRecords",
        "availability",
        "crossDepartmentTrail",
        "department",
        "departments",
        "eventCursor",
        "implementation",
        "legacySystem",
        "legacySystems",
        "myAccessRecords",
        "region",
        "regions",
        "serviceItem",
        "serviceItems",
        "supervision",
        "trace",
        "verifyChain",
        "warnings",
        "worklist",
    ]
    assert sorted(roots["cases"]) == [
        "applicationForms",
        "case",
        "caseProgress",
        "cases",
        "myCases",
        "receipt",
    ]


def test_every_error_has_its_own_code() -> None:
    codes = [error.code for error in SchemaError.__subclasses__() if error.__module__ == "schema.errors"]
    assert len(codes) == len(set(codes)) == 9
    assert SchemaError.code not in codes


def test_the_two_compose_and_the_main_query_is_valid_over_both() -> None:
    composition = compose(
        [SubgraphSchema("house", None, house_sdl()), SubgraphSchema("cases", None, cases_sdl())]
    )
    assert composition.errors == ()
    assert composition.hints == ()
    assert composition.api_schema
    query = """{
      cases(applicant: { number: "500229197001010010" }, from: "2017-01-01") {
        nodes {
          id state rawStatus region { name } item { name promisedLimit { amount unit } } department { name }
          system { name health { state } } implementation { bodyName }
          applicant { ref displayName ... on NaturalPerson { maskedId } ... on LegalPerson { uscc } }
          currentStep { kind } timeline(first: 5) { nodes { step } } source { freshness deepLink }
        }
        totalCount totalIsEstimate pageInfo { endCursor }
        sources { system status asOf error errorCode legacySystem { name lifecycle } }
      }
      legacySystem(code: "JT-PERMIT") {
        mapping { gaps { rawValue } }
        items { nodes { name item { name } } sources { status } }
        changes(since: "2017-11-20T00:00:00+08:00") { nodes { caseId kind state } }
      }
    }"""
    assert validate(composition.api_schema, parse(query)) == []
