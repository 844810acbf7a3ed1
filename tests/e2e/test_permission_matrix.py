"""Every root field and every sensitive field against every role: the page says what each may, the gateway is held to it.

The fields come from the composed schema of the sample city. A field that is new there and not on the page fails, with the
line to add: what it says is then a decision that someone has read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

from gateway.security.authorise import AUTHENTICATED
from gateway.security.declared import declared_permissions
from gateway.security.visible import Views
from gateway.subgraphs import Declared
from schema.permissions import RECORDED
from schema.roles import ROLES, with_roles
from tests.e2e.gateways import CITIZEN, ROOT, Client
from tests.e2e.permission_graph import sample_graph

PAGE = ROOT / "docs/reference/permissions.md"
TOKENS: dict[str, str | None] = {
    "public": None,
    "applicant": CITIZEN,
    "clerk": "demo-counter-jt",
    "supervisor": "demo-supervisor",
    "migration": "demo-migration",
    "auditor": "demo-auditor",
}
_LINE = re.compile(r"^\| `(\w+)\.(\w+)` \|(.*)\|$")


@pytest.fixture(scope="module")
def graph(city_environ: dict[str, str]) -> Declared:
    return sample_graph(city_environ)


@pytest.fixture(scope="module")
def permissions(graph: Declared) -> Any:
    assert graph.composed is not None
    assert graph.composed.composition.supergraph is not None
    return declared_permissions(graph.composed.composition.supergraph)


@pytest.fixture(scope="module")
def schema(graph: Declared) -> GraphQLSchema:
    assert graph.composed is not None
    assert graph.composed.composition.api_schema is not None
    return graph.composed.composition.api_schema


def page() -> dict[tuple[str, str], dict[str, bool]]:
    """(type, field) -> role -> whether it may."""
    lines = PAGE.read_text("utf-8").splitlines()
    head = next(line for line in lines if line.startswith("| Field |"))
    roles = [cell.strip() for cell in head.strip("|").split("|")][1:]
    found = {}
    for line in lines:
        if match := _LINE.match(line):
            cells = [cell.strip() for cell in match[3].split("|")]
            assert set(cells) <= {"yes", "–"}, line
            key = (match[1], match[2])
            assert key not in found, f"{line} is there twice"
            found[key] = dict(zip(roles, [cell == "yes" for cell in cells], strict=True))
    return found


def sensitive(schema: GraphQLSchema, permissions: Any) -> Iterator[tuple[str, str]]:
    """Root fields, fields with a rule, and everything of types that tell of people."""
    for item in schema.type_map.values():
        if item.name.startswith("__") or not isinstance(item, GraphQLObjectType | GraphQLInterfaceType):
            continue
        is_root = item in (schema.query_type, schema.mutation_type, schema.subscription_type)
        for name in item.fields:
            if is_root or (item.name, name) in permissions or (item.name in RECORDED and item.name != "Case"):
                yield item.name, name


def usable(graph: Declared, permissions: Any, role: str) -> set[tuple[str, str]]:
    """Fields that the role may use and can come to from a root."""
    assert graph.composed is not None
    made = graph.composed.composition
    assert made.supergraph is not None
    assert made.api_schema is not None
    scopes = with_roles([f"role:{role}", "public"]) | (set() if role == "public" else {AUTHENTICATED})
    return coordinates(Views(made.supergraph, made.api_schema, permissions).of(scopes).schema)


def coordinates(schema: GraphQLSchema) -> set[tuple[str, str]]:
    return {
        (item.name, name)
        for item in schema.type_map.values()
        if isinstance(item, GraphQLObjectType | GraphQLInterfaceType)
        for name in item.fields
    }


def test_the_page_has_the_roles_that_there_are() -> None:
    assert set(next(iter(page().values()))) == set(ROLES) == set(TOKENS)


def test_every_sensitive_field_is_on_the_page_and_means_what_it_says(
    graph: Declared, schema: GraphQLSchema, permissions: Any
) -> None:
    told = page()
    may = {role: usable(graph, permissions, role) for role in ROLES}
    lines = {
        key: {role: key in may[role] for role in ROLES} for key in sorted(set(sensitive(schema, permissions)))
    }
    wanted = [
        f"| `{a}.{b}` | " + " | ".join("yes" if lines[a, b][role] else "–" for role in ROLES) + " |"
        for a, b in lines
        if told.get((a, b)) != lines[a, b]
    ]
    assert not wanted, "these lines are missing or say something else:\n" + "\n".join(wanted)
    assert not told.keys() - lines.keys(), "there are no such fields"


@pytest.mark.parametrize("role", list(ROLES))
def test_the_gateway_lets_each_role_do_what_the_page_says(
    gateway: Client, schema: GraphQLSchema, role: str
) -> None:
    """Each root field is asked with the token of the role; what it then answers is another matter."""
    told = page()
    wrong = []
    for root in filter(None, (schema.query_type, schema.mutation_type)):
        kind = "mutation" if root is schema.mutation_type else "query"
        for name, field in root.fields.items():
            asked = gateway.ask(f"{kind} {{ {asking(name, field)} }}", token=TOKENS[role])
            refused = [
                error
                for error in asked.errors
                if "needs" in error["message"]
                and error["extensions"]["code"] in ("FORBIDDEN", "UNAUTHENTICATED")
            ]
            assert asked.status == 200, asked.text
            if bool(refused) is told[root.name, name][role]:
                wrong.append((root.name, name, asked.text[:200]))
    assert not wrong


@pytest.mark.parametrize("role", list(ROLES))
def test_introspection_shows_each_role_what_the_page_says(gateway: Client, role: str) -> None:
    shown = build_client_schema(gateway.data(get_introspection_query(), token=TOKENS[role]))
    told = page()
    assert {key for key, roles in told.items() if roles[role]} == coordinates(shown) & told.keys()


def asking(name: str, field: GraphQLField) -> str:
    """The field with the least that it can be asked with."""
    required = {
        one: value(argument.type) for one, argument in field.args.items() if is_required_argument(argument)
    }
    arguments = f"({', '.join(f'{one}: {text}' for one, text in required.items())})" if required else ""
    return f"{name}{arguments}" + (" { __typename }" if is_composite_type(get_named_type(field.type)) else "")


def value(kind: GraphQLInputType) -> str:
    """Any text of a value of the type."""
    if isinstance(kind, GraphQLNonNull):
        return value(kind.of_type)
    if isinstance(kind, GraphQLList):
        return f"[{value(kind.of_type)}]"
    if isinstance(kind, GraphQLEnumType):
        return str(next(iter(kind.values)))
    if isinstance(kind, GraphQLInputObjectType):
        fields = {name: one.type for name, one in kind.fields.items() if is_required_input_field(one)}
        return "{" + ", ".join(f"{name}: {value(one)}" for name, one in fields.items()) + "}"
    simple = {"Int": "1", "Float": "1.5", "Boolean": "true", "DateTime": '"2017-11-20T00:00:00+08:00"'}
    codes = {"RegionCode": '"500107"', "Uscc": '"115000000090001627"', "Date": '"2017-11-20"', "ID": '"X:1"'}
    return {**simple, **codes}.get(kind.name, '"1"')
