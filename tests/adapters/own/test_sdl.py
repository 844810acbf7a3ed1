"""What an SDL becomes as a subgraph: completed, composable, its lines where they were."""

from __future__ import annotations

import pytest
from graphql import parse

from adapters.own.entities import ENTITIES, PAGE_INFO, SCALARS
from adapters.own.sdl import SdlSyntax, read_sdl
from schema.compose import SubgraphSchema, compose
from schema.subgraphs import CASES, HOUSE, cases_sdl, house_sdl

SDL = '''\
"""Truck."""
type Truck @key(fields: "no") {
  no: ID!
  home: Region
  driver: String @personal(kind: NAME)
}
type TruckConnection { nodes: [Truck!]! pageInfo: PageInfo! }
extend type Case { truck: Truck  since: Date @tag(name: "x") }
extend type Department @key(fields: "code") { code: Uscc! trucks(first: Int, after: String): TruckConnection @authenticated }
type Query {
  trucks: [Truck] @public
  truck(no: ID!, options: Options = {wide: true}): Truck
}
input Options { wide: Boolean }
'''


def test_it_composes_with_the_house_and_says_who_may_see() -> None:
    completed = read_sdl(SDL).completed
    composition = compose(
        [
            SubgraphSchema(HOUSE, None, house_sdl()),
            SubgraphSchema(CASES, None, cases_sdl()),
            SubgraphSchema("AA", None, completed),
        ]
    )
    assert composition.errors == ()
    assert composition.supergraph is not None
    types = composition.supergraph.types

    def said(type_name: str, field: str) -> list[str]:
        return [str(one) for one in types[type_name].fields[field].directives]

    assert said("Query", "trucks") == []
    assert said("Query", "truck") == ['@requiresScopes(scopes: [["cases:read"]])']
    groups = '[["cases:department"], ["cases:own"], ["cases:read"], ["cases:region"]]'
    written = '[["cases:read"], ["cases:department"], ["cases:region"], ["cases:own"]]'
    assert said("Case", "truck") in ([f"@requiresScopes(scopes: {one})"] for one in (groups, written))
    assert "authenticated" in said("Department", "trucks")[0]
    assert "@personal" not in composition.supergraph_sdl


def test_every_line_stays_where_it_was() -> None:
    before = SDL.splitlines()
    after = read_sdl(SDL).completed.splitlines()
    for number, line in enumerate(before):
        name = line.split()[0] if line.split() else ""
        assert name in after[number]


def test_what_is_personal_is_known() -> None:
    assert read_sdl(SDL).personal == {("Truck", "driver"): "NAME"}


def test_an_author_who_links_federation_is_left_alone() -> None:
    link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])\n'
    assert read_sdl(link + "type Query { a: Int @authenticated }").completed.count("specs.apollo.dev") == 1


@pytest.mark.parametrize(
    ("sdl", "line", "column"), [("type A {\n  b: \n}", 3, 1), ("", 1, 1), ("type A { b: Int }\n}", 2, 1)]
)
def test_what_is_no_sdl_has_its_place(sdl: str, line: int, column: int) -> None:
    with pytest.raises(SdlSyntax) as caught:
        read_sdl(sdl)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_the_houses_entities_and_scalars_are_as_its_sdl_has_them() -> None:
    house = house_sdl() + cases_sdl()
    for name, (key, key_type) in ENTITIES.items():
        assert f'type {name} @key(fields: "{key}"' in house
        assert f"{key}: {key_type}!" in house
    for name in SCALARS:
        assert f"scalar {name}" in house
    fields = {one.name.value for one in parse(PAGE_INFO).definitions[0].fields}  # type: ignore[attr-defined]
    assert fields == {"hasNextPage", "hasPreviousPage", "startCursor", "endCursor"}
