"""What becomes of each directive: merged arguments, versions, names, and what the model says of it."""

from __future__ import annotations

import pytest
from graphql import build_schema, print_schema

from schema.compose import Composition, SubgraphSchema, Supergraph, build_api_schema, compose, contract
from schema.compose.access import AccessRule, access_rule
from schema.compose.supergraph import FieldDefinition
from tests.compose.error_cases import DIRECTIVES_SINCE, ROOT, fed


def composed(**sdls: str) -> Supergraph:
    found = compose([SubgraphSchema(name, None, sdl) for name, sdl in sdls.items()])
    assert found.errors == ()
    assert found.supergraph is not None
    return found.supergraph


def applied(field: FieldDefinition) -> list[str]:
    return [str(item) for item in field.directives]


def merged_field(first: str, second: str, type_text: str = "Int", arguments: str = "") -> list[str]:
    """Directives of a field that two subgraphs share."""
    found = composed(
        a=fed(f"type Query {{ x{arguments}: {type_text} @shareable {first} }}"),
        b=fed(f"type Query {{ x{arguments}: {type_text} @shareable {second} }}"),
    )
    return applied(found.types["Query"].fields["x"])


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        (
            '@tag(name: "a") @tag(name: "b")',
            '@tag(name: "b") @tag(name: "c")',
            '@tag(name: "a") @tag(name: "b") @tag(name: "c")',
        ),
        ("@authenticated", "", "@authenticated"),
        ("@cost(weight: 3)", "@cost(weight: 12)", "@cost(weight: 12)"),
        (
            '@requiresScopes(scopes: [["a", "b"], ["c"]])',
            '@requiresScopes(scopes: [["d"]])',
            '@requiresScopes(scopes: [["c", "d"], ["a", "b", "d"]])',
        ),
        (
            '@requiresScopes(scopes: [["a"], ["b"]])',
            '@requiresScopes(scopes: [["a"]])',
            '@requiresScopes(scopes: [["a"]])',
        ),
        ('@policy(policies: [["p"]])', '@policy(policies: [["q"], ["p"]])', '@policy(policies: [["p"]])'),
        (
            "@authenticated",
            '@policy(policies: [["q"]]) @requiresScopes(scopes: [["s"]])',
            '@authenticated @requiresScopes(scopes: [["s"]]) @policy(policies: [["q"]])',
        ),
    ],
)
def test_arguments_merge_by_the_rules_of_their_directive(first: str, second: str, merged: str) -> None:
    assert " ".join(merged_field(first, second)) == merged


def test_list_sizes_merge_argument_by_argument() -> None:
    assert merged_field(
        '@listSize(assumedSize: 3, slicingArguments: ["a"], requireOneSlicingArgument: false)',
        '@listSize(assumedSize: 5, slicingArguments: ["b", "a"])',
        "[Int]",
        "(a: Int b: Int)",
    ) == ['@listSize(assumedSize: 5, slicingArguments: ["a", "b"], requireOneSlicingArgument: false)']


def test_cache_tags_stay_with_their_subgraphs() -> None:
    found = composed(
        a=fed(ROOT + ' type T @key(fields: "id") @cacheTag(format: "t") { id: ID }'),
        b=fed('type T @key(fields: "id") @cacheTag(format: "t") @cacheTag(format: "b") { id: ID v: Int }'),
    )
    assert [(item.value("format"), item.subgraphs) for item in found.types["T"].directives] == [
        ("t", ("a", "b")),
        ("b", ("b",)),
    ]


def test_an_interface_demands_what_its_implementations_do() -> None:
    found = composed(
        a=fed(
            "type Query { n: N } interface N { v: Int w: Int } "
            'type A implements N @authenticated { v: Int @requiresScopes(scopes: [["a"]]) w: Int } '
            'type B implements N { v: Int @requiresScopes(scopes: [["b"]]) w: Int }'
        )
    )
    assert access_rule(found.types["N"].directives) == AccessRule(authenticated=True)
    assert access_rule(found.types["N"].fields["v"].directives) == AccessRule(scopes=(("a", "b"),))
    assert not access_rule(found.types["N"].fields["w"].directives)


@pytest.mark.parametrize(
    ("own", "needed", "implied"),
    [
        (AccessRule(authenticated=True), AccessRule(), True),
        (AccessRule(), AccessRule(authenticated=True), False),
        (AccessRule(scopes=(("a", "b"),)), AccessRule(scopes=(("a",),)), True),
        (AccessRule(scopes=(("a",), ("b",))), AccessRule(scopes=(("a",),)), False),
        (AccessRule(policies=(("p",),)), AccessRule(scopes=(("p",),)), False),
    ],
)
def test_a_demand_may_imply_another(own: AccessRule, needed: AccessRule, implied: bool) -> None:
    assert own.implies(needed) is implied
    assert own.joined(needed).implies(needed)


def test_a_progressive_override_stands_on_both_sides() -> None:
    found = composed(
        a=fed(ROOT + ' type T @key(fields: "id") { id: ID v: Int }'),
        b=fed('type T @key(fields: "id") { id: ID v: Int @override(from: "a", label: "percent(12.5)") }'),
    )
    joins = found.types["T"].fields["v"].joins
    assert {name: join.resolvable for name, join in joins.items()} == {"a": True, "b": False}
    assert {name: join.resolves({"percent(12.5)"}) for name, join in joins.items()} == {"a": False, "b": True}
    assert found.override_labels() == {"percent(12.5)"}


def test_a_context_argument_is_the_gateways_to_fill() -> None:
    made = compose(
        [
            SubgraphSchema(
                "a",
                None,
                fed(
                    'type Query { p: P } type P @key(fields: "id") @context(name: "c") { id: ID n: Int t: T } '
                    'type T @key(fields: "id") { id: ID v(a: Int @fromContext(field: "$c { n }"), b: Int): Int }'
                ),
            )
        ]
    )
    assert made.supergraph is not None
    assert made.api_schema is not None
    assert made.supergraph.types["P"].contexts == ("a__c",)
    (argument,) = made.supergraph.types["T"].fields["v"].joins["a"].context_arguments
    assert (argument.name, argument.type, argument.context, argument.selection) == (
        "a",
        "Int",
        "a__c",
        " { n }",
    )
    assert "v(b: Int): Int" in print_schema(made.api_schema)


def sdl_of(**sdls: str) -> str:
    found: Composition = compose([SubgraphSchema(name, "http://x/", sdl) for name, sdl in sdls.items()])
    assert found.errors == ()
    build_schema(found.supergraph_sdl)
    return found.supergraph_sdl


@pytest.mark.parametrize(
    ("minor", "join"), [(0, "0.3"), (3, "0.3"), (6, "0.3"), (7, "0.4"), (8, "0.5"), (14, "0.5")]
)
def test_the_newest_subgraph_decides_on_the_join_version(minor: int, join: str) -> None:
    text = sdl_of(a=fed("type Query { x: Int }", minor), b="type Query { y: Int }")
    assert f'@link(url: "https://specs.apollo.dev/join/v{join}", for: EXECUTION)' in text
    assert ("overrideLabel: String" in text) is (join != "0.3")
    assert ("join__ContextArgument" in text) is (join == "0.5")


def test_only_what_is_used_is_linked() -> None:
    text = sdl_of(
        a=fed(
            'type Query { x: Int @tag(name: "t") y: Int @inaccessible z: Int @authenticated c: Int @cost(weight: 1) }'
        )
    )
    linked = [line.strip() for line in text.split("\n") if line.strip().startswith("@link")]
    assert linked == [
        '@link(url: "https://specs.apollo.dev/link/v1.0")',
        '@link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)',
        '@link(url: "https://specs.apollo.dev/tag/v0.3")',
        '@link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)',
        '@link(url: "https://specs.apollo.dev/authenticated/v0.1", for: SECURITY)',
        '@link(url: "https://specs.apollo.dev/cost/v0.1")',
    ]


@pytest.mark.parametrize(
    ("name", "since"),
    [(name, since) for since, words in DIRECTIVES_SINCE.items() for name in words.split()],
)
def test_a_directive_can_be_imported_from_its_version_on(name: str, since: int) -> None:
    def codes(minor: int) -> set[str]:
        url = f"https://specs.apollo.dev/federation/v2.{minor}"
        sdl = f'extend schema @link(url: "{url}", import: ["@{name}"])\ntype Query {{ x: Int }}'
        return {error.code for error in compose([SubgraphSchema("a", None, sdl)]).errors}

    assert codes(since) == set()
    assert since == 0 or codes(since - 1) == {"INVALID_LINK_DIRECTIVE_USAGE"}


def test_a_directive_that_is_not_imported_bears_its_prefix() -> None:
    head = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0")\n'
    good = compose([SubgraphSchema("a", None, head + 'type Query { x: Int @federation__tag(name: "t") }')])
    bad = compose([SubgraphSchema("a", None, head + 'type Query { x: Int @tag(name: "t") }')])
    assert good.supergraph is not None
    assert applied(good.supergraph.types["Query"].fields["x"]) == ['@tag(name: "t")']
    assert [error.code for error in bad.errors] == ["INVALID_GRAPHQL"]


def test_definitions_that_a_library_prints_are_taken_out() -> None:
    found = composed(
        a=fed(
            "directive @key(fields: federation__FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE\n"
            "directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA\n"
            "scalar federation__FieldSet scalar link__Import enum link__Purpose { SECURITY EXECUTION } scalar _Any\n"
            "union _Entity = T type _Service { sdl: String! }\n"
            "type Query { t: T _service: _Service! _entities(representations: [_Any!]!): [_Entity]! }\n"
            'type T @key(fields: "id") { id: ID }'
        )
    )
    assert set(found.types) == {"Query", "T"}
    assert set(found.types["Query"].fields) == {"t"}


TAGGED = (
    'type Query { open: Open @tag(name: "public") closed: Closed any: Any mixed(c: Choice): Mixed @tag(name: "public") } '
    'type Open @tag(name: "public") { v: Int secret: Int @tag(name: "internal") } '
    'type Closed @tag(name: "internal") { v: Int } union Any = Closed '
    'type Mixed { v: Int @tag(name: "public") w: Int c: Closed } enum Choice { A B @tag(name: "internal") }'
)


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (
            [],
            ["internal"],
            "enum Choice {\n  A\n}\n\ntype Mixed {\n  v: Int\n  w: Int\n}\n\ntype Open {\n  v: Int\n}\n\n"
            "type Query {\n  open: Open\n  mixed(c: Choice): Mixed\n}",
        ),
        (
            ["public"],
            ["internal"],
            "enum Choice {\n  A\n}\n\ntype Mixed {\n  v: Int\n}\n\ntype Open {\n  v: Int\n}\n\n"
            "type Query {\n  open: Open\n  mixed(c: Choice): Mixed\n}",
        ),
    ],
)
def test_a_contract_shows_a_part_by_tags(include: list[str], exclude: list[str], expected: str) -> None:
    schema, problems = build_api_schema(contract(composed(a=fed(TAGGED)), include=include, exclude=exclude))
    assert problems == []
    assert schema is not None
    parts = sorted(print_schema(schema).split("\n\n"))
    assert "\n\n".join(parts) == expected
