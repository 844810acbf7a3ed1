"""Small graphs that each must be refused, by the code that refuses them: one or more for every composition error."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ERROR_CASES", "Case", "fed", "own"]

DIRECTIVES_SINCE = {
    0: "key requires provides external shareable override inaccessible tag extends",
    1: "composeDirective",
    3: "interfaceObject",
    5: "authenticated requiresScopes",
    6: "policy",
    8: "context fromContext",
    9: "cost listSize",
    12: "cacheTag",
}


@dataclass(frozen=True, slots=True)
class Case:
    """Subgraph SDLs by name, and what the one error must say: subgraph, coordinate and line."""

    code: str
    sdls: dict[str, str]
    subgraph: str | None = None
    coordinate: str = ""
    line: int | None = None


def fed(body: str, minor: int = 14) -> str:
    """Federation v2 SDL that imports every directive of its version on line 1; the body begins on line 2."""
    names = [
        f'"@{name}"' for since, words in DIRECTIVES_SINCE.items() if since <= minor for name in words.split()
    ]
    url = f"https://specs.apollo.dev/federation/v2.{minor}"
    return f'extend schema @link(url: "{url}", import: [{", ".join(names)}])\n{body}'


def own(body: str, *, url: str = "https://own.example/mine/v1.0", names: str = '["@mine"]') -> str:
    """Federation v2 SDL that composes a directive of its own, @mine; the body begins on line 2."""
    return fed(f'extend schema @link(url: "{url}", import: {names}) @composeDirective(name: "@mine") {body}')


ROOT = "type Query { t: T }"


def _case(code: str, at: tuple[str | None, str, int | None], /, **sdls: str) -> Case:
    return Case(code, sdls, *at)


ERROR_CASES: tuple[Case, ...] = (
    # ── the SDL itself ──
    _case("INVALID_GRAPHQL", ("a", "", 1), a="type Query {"),
    _case("INVALID_GRAPHQL", ("a", "Query.x", 2), a=fed("type Query { x: Nope }")),
    _case("INVALID_GRAPHQL", ("a", "Query.x", 2), a=fed("type Query { x: Int x: Int }")),
    _case("INVALID_GRAPHQL", ("a", "Query.x", 2), a=fed("type Query { x: Int @nope }")),
    _case("INVALID_GRAPHQL", ("a", "Query.x", 2), a=fed("type Query { x: Int @cost(weight: 1) }", 8)),
    _case("INVALID_GRAPHQL", ("a", "Query.x", 2), a=fed('type Query { x: Int @key(fields: "x") }')),
    _case("INVALID_GRAPHQL", ("a", "Query.x", 2), a=fed("type Query { x: Int @tag }")),
    _case("INVALID_GRAPHQL", ("a", "Query.x", 2), a=fed("type Query { x: Int @tag(name: 3) }")),
    _case(
        "INVALID_GRAPHQL",
        ("a", "Query.x", 2),
        a=fed('type Query { x: Int @override(from: "b", label: "x") }', 6),
    ),
    _case(
        "INVALID_GRAPHQL",
        ("a", "A.v", 2),
        a=fed("type Query { n: N } interface N { v: Int } type A implements N { v: String }"),
    ),
    _case(
        "INVALID_GRAPHQL", ("a", "T", 2), a=fed("type Query { x: Int } type T { a: Int } input T { a: Int }")
    ),
    _case(
        "DIRECTIVE_DEFINITION_INVALID",
        ("a", "@key", 2),
        a=fed("directive @key(fields: String!, nope: Int) repeatable on OBJECT\ntype Query { x: Int }"),
    ),
    _case(
        "DIRECTIVE_DEFINITION_INVALID",
        ("a", "@shareable", 2),
        a=fed("directive @shareable on UNION\ntype Query { x: Int }"),
    ),
    _case(
        "DIRECTIVE_DEFINITION_INVALID",
        ("a", "@tag", 2),
        a=fed("directive @tag(name: Int!) repeatable on FIELD_DEFINITION\ntype Query { x: Int }"),
    ),
    _case(
        "TYPE_DEFINITION_INVALID",
        ("a", "federation__FieldSet", 2),
        a=fed("type federation__FieldSet { x: Int }\ntype Query { x: Int }"),
    ),
    # ── links ──
    _case("UNKNOWN_FEDERATION_LINK_VERSION", ("a", "", 1), a=fed("type Query { x: Int }", 99)),
    _case(
        "UNSUPPORTED_FEATURE",
        ("a", "", 2),
        a=fed('extend schema @link(url: "https://specs.apollo.dev/connect/v0.1")\ntype Query { x: Int }'),
    ),
    _case(
        "UNKNOWN_LINK_VERSION",
        ("a", "", 2),
        a=fed('extend schema @link(url: "https://specs.apollo.dev/cost/v7.1")\ntype Query { x: Int }'),
    ),
    _case(
        "UNKNOWN_LINK_VERSION",
        ("a", "", 1),
        a='extend schema @link(url: "https://specs.apollo.dev/link/v9.0")\ntype Query { x: Int }',
    ),
    _case(
        "INVALID_LINK_DIRECTIVE_USAGE",
        ("a", "", 1),
        a='extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@nope"])\ntype Query { x: Int }',
    ),
    _case(
        "INVALID_LINK_DIRECTIVE_USAGE",
        ("a", "", 1),
        a='extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@policy"])\ntype Query { x: Int }',
    ),
    _case(
        "INVALID_LINK_DIRECTIVE_USAGE",
        ("a", "", 1),
        a='extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: [5])\ntype Query { x: Int }',
    ),
    _case(
        "INVALID_LINK_DIRECTIVE_USAGE",
        ("a", "", 1),
        a='extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: [{ name: "@key", as: "key" }])\ntype Query { x: Int }',
    ),
    _case(
        "INVALID_LINK_IDENTIFIER",
        ("a", "", 1),
        a='extend schema @link(url: "https://specs.apollo.dev/federation/2.0")\ntype Query { x: Int }',
    ),
    _case(
        "INVALID_LINK_IDENTIFIER",
        ("a", "", 2),
        a=fed('extend schema @link(url: "https://own.example/v1.0.3x")\ntype Query { x: Int }'),
    ),
    _case(
        "LINK_IMPORT_NAME_MISMATCH",
        ("b", "@tag", 1),
        a=fed('type Query { x: Int @tag(name: "x") }'),
        b='extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: [{ name: "@tag", as: "@mark" }])\nextend type Query { y: Int @mark(name: "y") }',
    ),
    # ── names and roots ──
    _case("INVALID_SUBGRAPH_NAME", ("_", "", None), _="type Query { x: Int }"),
    _case("NO_QUERIES", (None, "Query", None), a=fed("type T { x: Int }")),
    _case(
        "ROOT_QUERY_USED",
        ("a", "Query", 3),
        a=fed("schema { query: Root }\ntype Query { x: Int } type Root { y: Int }"),
    ),
    _case(
        "ROOT_MUTATION_USED",
        ("a", "Mutation", 3),
        a=fed(
            "schema { query: Query mutation: Root }\ntype Mutation { x: Int } type Root { y: Int } type Query { x: Int }"
        ),
    ),
    _case(
        "ROOT_SUBSCRIPTION_USED",
        ("a", "Subscription", 3),
        a=fed(
            "schema { query: Query subscription: Root }\ntype Subscription { x: Int } type Root { y: Int } type Query { x: Int }"
        ),
    ),
    # ── field sets ──
    _case("KEY_INVALID_FIELDS_TYPE", ("a", "T", 2), a=fed(ROOT + " type T @key(fields: 5) { id: ID }")),
    _case("KEY_INVALID_FIELDS", ("a", "T", 3), a=fed(ROOT + '\ntype T @key(fields: "nope") { id: ID }')),
    _case("KEY_INVALID_FIELDS", ("a", "T", 2), a=fed(ROOT + ' type T @key(fields: "id {") { id: ID }')),
    _case("KEY_INVALID_FIELDS", ("a", "T", 2), a=fed(ROOT + ' type T @key(fields: "") { id: ID }')),
    _case(
        "KEY_INVALID_FIELDS",
        ("a", "T", 2),
        a=fed(ROOT + ' type T @key(fields: "u") { u: U } type U { id: ID }'),
    ),
    _case(
        "KEY_FIELDS_HAS_ARGS", ("a", "T", 2), a=fed(ROOT + ' type T @key(fields: "id") { id(a: Int): ID }')
    ),
    _case(
        "KEY_FIELDS_SELECT_INVALID_TYPE",
        ("a", "T", 2),
        a=fed(
            ROOT
            + ' type T @key(fields: "n { id }") { n: N } interface N { id: ID } type A implements N { id: ID }'
        ),
    ),
    _case(
        "KEY_DIRECTIVE_IN_FIELDS_ARG",
        ("a", "T", 2),
        a=fed(ROOT + ' type T @key(fields: "id @include(if: true)") { id: ID }'),
    ),
    _case(
        "KEY_UNSUPPORTED_ON_INTERFACE",
        ("a", "N", 2),
        a=fed(
            'type Query { n: N } interface N @key(fields: "id") { id: ID } type A implements N @key(fields: "id") { id: ID }',
            2,
        ),
    ),
    _case(
        "REQUIRES_INVALID_FIELDS_TYPE",
        ("a", "T.v", 2),
        a=fed(ROOT + ' type T @key(fields: "id") { id: ID v: Int @requires(fields: 3) }'),
    ),
    _case(
        "REQUIRES_INVALID_FIELDS",
        ("a", "T.v", 2),
        a=fed(ROOT + ' type T @key(fields: "id") { id: ID v: Int @requires(fields: "w") }'),
    ),
    _case(
        "REQUIRES_FIELDS_MISSING_EXTERNAL",
        ("a", "T.v", 2),
        a=fed(ROOT + ' type T @key(fields: "id") { id: ID w: Int v: Int @requires(fields: "w") }'),
    ),
    _case(
        "REQUIRES_DIRECTIVE_IN_FIELDS_ARG",
        ("a", "T.v", 2),
        a=fed(
            ROOT
            + ' type T @key(fields: "id") { id: ID w: Int @external v: Int @requires(fields: "w @skip(if: false)") }'
        ),
        b=fed('type T @key(fields: "id") { id: ID w: Int }'),
    ),
    _case(
        "REQUIRES_UNSUPPORTED_ON_INTERFACE",
        ("a", "N.v", 2),
        a=fed(
            'type Query { n: N } interface N { w: Int v: Int @requires(fields: "w") } type A implements N { w: Int v: Int }'
        ),
    ),
    _case(
        "PROVIDES_INVALID_FIELDS_TYPE",
        ("a", "Query.t", 2),
        a=fed("type Query { t: T @provides(fields: [1]) } type T { id: ID }"),
    ),
    _case(
        "PROVIDES_INVALID_FIELDS",
        ("a", "Query.t", 2),
        a=fed('type Query { t: T @provides(fields: "w") } type T { id: ID }'),
    ),
    _case(
        "PROVIDES_ON_NON_OBJECT_FIELD",
        ("a", "Query.t", 2),
        a=fed('type Query { t: Int @provides(fields: "w") }'),
    ),
    _case(
        "PROVIDES_FIELDS_MISSING_EXTERNAL",
        ("a", "Query.t", 2),
        a=fed('type Query { t: T @provides(fields: "v") } type T @key(fields: "id") { id: ID v: Int }'),
    ),
    _case(
        "PROVIDES_FIELDS_HAS_ARGS",
        ("a", "Query.t", 2),
        a=fed(
            'type Query { t: T @provides(fields: "v") } type T @key(fields: "id") { id: ID v(a: Int): Int @external }'
        ),
        b=fed('type T @key(fields: "id") { id: ID v(a: Int): Int }'),
    ),
    _case(
        "PROVIDES_DIRECTIVE_IN_FIELDS_ARG",
        ("a", "Query.t", 2),
        a=fed(
            'type Query { t: T @provides(fields: "v @skip(if: true)") } type T @key(fields: "id") { id: ID v: Int @external }'
        ),
        b=fed('type T @key(fields: "id") { id: ID v: Int }'),
    ),
    _case(
        "PROVIDES_UNSUPPORTED_ON_INTERFACE",
        ("a", "N.t", 2),
        a=fed(
            'type Query { n: N } interface N { t: T @provides(fields: "v") } type A implements N { t: T } type T @key(fields: "id") { id: ID v: Int @external }'
        ),
        b=fed('type T @key(fields: "id") { id: ID v: Int }'),
    ),
    # ── externals ──
    _case(
        "EXTERNAL_UNUSED",
        ("a", "T.v", 2),
        a=fed(ROOT + ' type T @key(fields: "id") { id: ID v: Int @external }'),
        b=fed('type T @key(fields: "id") { id: ID v: Int }'),
    ),
    _case(
        "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE",
        ("a", "T.u", 3),
        a=fed(
            ROOT
            + ' type T @key(fields: "id") { id: ID w: Int @requires(fields: "u { y }")\n'
            + 'u: U @external @provides(fields: "y") } type U @key(fields: "id") { id: ID y: Int @external }'
        ),
        b=fed(
            'type T @key(fields: "id") { id: ID u: U } type U @key(fields: "id") { id: ID y: Int @shareable }'
        ),
    ),
    _case(
        "EXTERNAL_ON_INTERFACE",
        ("a", "N.v", 2),
        a=fed("type Query { n: N } interface N { v: Int @external } type A implements N { v: Int }"),
    ),
    _case(
        "TYPE_WITH_ONLY_UNUSED_EXTERNAL",
        ("a", "T", 1),
        a="type Query { t: T } type T { v: Int @external }",
        b='type T @key(fields: "v") { v: Int }',
    ),
    _case(
        "TYPE_WITH_ONLY_UNUSED_EXTERNAL",
        ("a", "T", 1),
        a="type Query { t: T } extend type T { x: Int @external }",
        b='type T @key(fields: "v") { v: Int x: Int }',
    ),
    _case(
        "EXTERNAL_MISSING_ON_BASE",
        ("a", "T.v", 2),
        a=fed(ROOT + ' type T @key(fields: "id") { id: ID v: Int @external w: Int @requires(fields: "v") }'),
        b=fed('type T @key(fields: "id") { id: ID x: Int }'),
    ),
    _case(
        "EXTERNAL_TYPE_MISMATCH",
        ("a", "T.v", 2),
        a=fed(
            ROOT + ' type T @key(fields: "id") { id: ID v: String @external w: Int @requires(fields: "v") }'
        ),
        b=fed('type T @key(fields: "id") { id: ID v: Int }'),
    ),
    _case(
        "EXTERNAL_ARGUMENT_MISSING",
        ("a", "T.v", 2),
        a=fed(ROOT + ' type T @key(fields: "id") { id: ID v: Int @external w: Int @requires(fields: "v") }'),
        b=fed('type T @key(fields: "id") { id: ID v(x: Int): Int }'),
    ),
    _case(
        "EXTERNAL_ARGUMENT_TYPE_MISMATCH",
        ("a", "T.v", 2),
        a=fed(
            ROOT
            + ' type T @key(fields: "id") { id: ID v(x: String): Int @external w: Int @requires(fields: "v") }'
        ),
        b=fed('type T @key(fields: "id") { id: ID v(x: Int): Int }'),
    ),
    _case(
        "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH",
        ("a", "T.v", 2),
        a=fed(
            ROOT
            + ' type T @key(fields: "id") { id: ID v(x: Int = 2): Int @external w: Int @requires(fields: "v") }'
        ),
        b=fed('type T @key(fields: "id") { id: ID v(x: Int = 1): Int }'),
    ),
    _case(
        "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL",
        ("a", "T.v", 2),
        a=fed(
            ROOT
            + ' type T @key(fields: "id") { id: ID v: Int @external @tag(name: "x") w: Int @requires(fields: "v") }'
        ),
        b=fed('type T @key(fields: "id") { id: ID v: Int }'),
    ),
    _case(
        "EXTENSION_WITH_NO_BASE",
        ("a", "T", 1),
        a='type Query { t: T } extend type T @key(fields: "id") { id: ID @external v: Int }',
    ),
    # ── merging types and fields ──
    _case(
        "TYPE_KIND_MISMATCH",
        ("b", "T", 2),
        a=fed(ROOT + " type T { v: Int }"),
        b=fed("interface T { v: Int }"),
    ),
    _case(
        "FIELD_TYPE_MISMATCH",
        ("b", "T.v", 2),
        a=fed(ROOT + " type T @shareable { v: Int }"),
        b=fed("type T @shareable { v: String }"),
    ),
    _case(
        "FIELD_TYPE_MISMATCH",
        ("b", "I.v", 2),
        a=fed("type Query { x(i: I): Int } input I { v: Int }"),
        b=fed("input I { v: String }"),
    ),
    _case(
        "FIELD_ARGUMENT_TYPE_MISMATCH",
        ("b", "Query.x", 2),
        a=fed("type Query { x(p: Int): Int @shareable }"),
        b=fed("type Query { x(p: ID): Int @shareable }"),
    ),
    _case(
        "FIELD_ARGUMENT_DEFAULT_MISMATCH",
        ("b", "Query.x", 2),
        a=fed("type Query { x(p: Int = 1): Int @shareable }"),
        b=fed("type Query { x(p: Int = 2): Int @shareable }"),
    ),
    _case(
        "INPUT_FIELD_DEFAULT_MISMATCH",
        ("b", "I.v", 2),
        a=fed("type Query { x(i: I): Int } input I { v: Int = 1 }"),
        b=fed("input I { v: Int = 2 }"),
    ),
    _case(
        "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH",
        ("b", "Query.x", 2),
        a=fed("type Query { x(p: Int!): Int @shareable }"),
        b=fed("type Query { x: Int @shareable }"),
    ),
    _case(
        "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH",
        ("b", "I.p", 2),
        a=fed("type Query { x(i: I): Int } input I { p: Int! q: Int }"),
        b=fed("input I { q: Int }"),
    ),
    _case(
        "EMPTY_MERGED_INPUT_TYPE",
        ("a", "I", 2),
        a=fed("type Query { x(i: I): Int } input I { p: Int }"),
        b=fed("input I { q: Int }"),
    ),
    _case(
        "ENUM_VALUE_MISMATCH",
        ("b", "E.B", 2),
        a=fed("type Query { x(e: E): E } enum E { A B }"),
        b=fed("enum E { A }"),
    ),
    _case(
        "EMPTY_MERGED_ENUM_TYPE",
        ("a", "E", 2),
        a=fed("type Query { x(e: E): Int } enum E { A }"),
        b=fed("enum E { B }"),
    ),
    _case(
        "INTERFACE_FIELD_NO_IMPLEM",
        ("a", "A.w", 2),
        a=fed("type Query { n: N } interface N { v: Int } type A implements N { v: Int }"),
        b=fed("interface N { w: Int } type B implements N { w: Int v: Int }"),
    ),
    _case(
        "INVALID_FIELD_SHARING",
        ("a", "T.v", 3),
        a=fed(ROOT + "\ntype T { v: Int }"),
        b=fed("type T { v: Int }"),
    ),
    _case(
        "INVALID_SHAREABLE_USAGE",
        ("a", "N.v", 2),
        a=fed("type Query { n: N } interface N { v: Int @shareable } type A implements N { v: Int }"),
    ),
    _case("INVALID_SHAREABLE_USAGE", ("a", "T", 2), a=fed(ROOT + " type T @shareable @shareable { v: Int }")),
    _case(
        "INVALID_FIELD_SHARING",
        ("b", "T.v", 2),
        a=fed(
            'type Query { t: T @provides(fields: "v") } type T @key(fields: "id") { id: ID v: Int @external }'
        ),
        b=fed('type T @key(fields: "id") { id: ID v: Int }'),
    ),
    _case(
        "INVALID_FIELD_SHARING",
        ("a", "Subscription.x", 2),
        a=fed("type Query { y: Int } type Subscription { x: Int @shareable }"),
    ),
    _case(
        "INVALID_FIELD_SHARING",
        ("a", "A.v", 2),
        a=fed(
            'type Query { n: N } interface N @key(fields: "id") { id: ID } type A implements N @key(fields: "id") { id: ID v: Int }'
        ),
        b=fed('type N @key(fields: "id") @interfaceObject { id: ID v: Int }'),
    ),
    _case(
        "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES",
        ("a", "Query.u", 2),
        a=fed("type Query { u: U @shareable } union U = A type A { v: Int @shareable }"),
        b=fed("type Query { u: U @shareable } union U = B type B { v: Int @shareable }"),
    ),
    # ── override ──
    _case(
        "OVERRIDE_FROM_SELF_ERROR", ("a", "Query.x", 2), a=fed('type Query { x: Int @override(from: "a") }')
    ),
    _case(
        "OVERRIDE_SOURCE_HAS_OVERRIDE",
        ("a", "Query.x", 2),
        a=fed('type Query { x: Int @override(from: "b") }'),
        b=fed('type Query { x: Int @override(from: "a") }'),
    ),
    _case(
        "OVERRIDE_ON_INTERFACE",
        ("a", "N.v", 2),
        a=fed(
            'type Query { n: N } interface N { v: Int @override(from: "b") } type A implements N { v: Int }'
        ),
    ),
    _case(
        "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
        ("a", "T.v", 2),
        a=fed(
            ROOT
            + ' type T @key(fields: "id") { id: ID v: Int @external @override(from: "b") w: Int @requires(fields: "v") }'
        ),
        b=fed('type T @key(fields: "id") { id: ID v: Int }'),
    ),
    _case(
        "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
        ("b", "T.v", 2),
        a=fed(ROOT + ' type T @key(fields: "id") { id: ID z: Int v: Int @override(from: "b") }'),
        b=fed('type T @key(fields: "id") { id: ID z: Int @external v: Int @requires(fields: "z") }'),
    ),
    _case(
        "OVERRIDE_LABEL_INVALID",
        ("a", "Query.x", 2),
        a=fed('type Query { x: Int @override(from: "b", label: "1 no") y: Int }'),
        b=fed("type Query { x: Int }"),
    ),
    _case(
        "OVERRIDE_LABEL_INVALID",
        ("a", "Query.x", 2),
        a=fed('type Query { x: Int @override(from: "b", label: "percent(101)") y: Int }'),
        b=fed("type Query { x: Int }"),
    ),
    # ── interfaces ──
    _case(
        "INTERFACE_OBJECT_USAGE_ERROR",
        ("a", "N", 2),
        a=fed("type Query { n: N } type N @interfaceObject { id: ID }"),
        b=fed("interface N { id: ID } type A implements N { id: ID }"),
    ),
    _case(
        "INTERFACE_OBJECT_USAGE_ERROR",
        ("b", "A", 2),
        a=fed(
            'type Query { n: N } interface N @key(fields: "id") { id: ID } type A implements N @key(fields: "id") { id: ID }'
        ),
        b=fed(
            'type N @key(fields: "id") @interfaceObject { id: ID v: Int } type A @key(fields: "id") { id: ID w: Int }'
        ),
    ),
    _case(
        "INTERFACE_OBJECT_USAGE_ERROR",
        ("a", "N", 2),
        a=fed('type Query { n: N } type N @key(fields: "id") @interfaceObject { id: ID }'),
    ),
    _case(
        "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
        ("a", "A", 2),
        a=fed('type Query { n: N } interface N @key(fields: "id") { id: ID } type A implements N { id: ID }'),
    ),
    _case(
        "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE",
        ("a", "N", 2),
        a=fed(
            'type Query { n: N } interface N @key(fields: "id") { id: ID } type A implements N @key(fields: "id") { id: ID }'
        ),
        b=fed('interface N { id: ID } type B implements N @key(fields: "id") { id: ID } type Query { b: B }'),
    ),
    _case(
        "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE",
        ("a", "N", 2),
        a=fed(
            'type Query { n: N } interface N @key(fields: "id") { id: ID } type A implements N @key(fields: "id") { id: ID } type B @key(fields: "id") { id: ID }'
        ),
        b=fed('interface N { id: ID } type B implements N @key(fields: "id") { id: ID } type Query { b: B }'),
    ),
    # ── inaccessible ──
    _case("REFERENCED_INACCESSIBLE", ("a", "Query.t", 2), a=fed(ROOT + " type T @inaccessible { v: Int }")),
    _case(
        "DEFAULT_VALUE_USES_INACCESSIBLE",
        ("a", "Query.x", 2),
        a=fed("type Query { x(e: E = B): Int } enum E { A B @inaccessible }"),
    ),
    _case(
        "DEFAULT_VALUE_USES_INACCESSIBLE",
        ("a", "Query.x", 2),
        a=fed("type Query { x(i: I = { p: 1 }): Int } input I { q: Int p: Int @inaccessible }"),
    ),
    _case("QUERY_ROOT_TYPE_INACCESSIBLE", ("a", "Query", 2), a=fed("type Query @inaccessible { x: Int }")),
    _case(
        "REQUIRED_INACCESSIBLE", ("a", "Query.x", 2), a=fed("type Query { x(p: Int! @inaccessible): Int }")
    ),
    _case(
        "REQUIRED_INACCESSIBLE",
        ("a", "I.p", 2),
        a=fed("type Query { x(i: I): Int } input I { p: Int! @inaccessible q: Int }"),
    ),
    _case(
        "DISALLOWED_INACCESSIBLE",
        ("a", "@mine", 2),
        a=own("directive @mine(a: Int @inaccessible) on OBJECT type Query { x: Int }"),
    ),
    _case(
        "IMPLEMENTED_BY_INACCESSIBLE",
        ("a", "A.v", 2),
        a=fed(
            "type Query { n: N } interface N { v: Int w: Int } type A implements N { v: Int @inaccessible w: Int }"
        ),
    ),
    _case("ONLY_INACCESSIBLE_CHILDREN", ("a", "T", 2), a=fed(ROOT + " type T { v: Int @inaccessible }")),
    _case(
        "ONLY_INACCESSIBLE_CHILDREN", ("a", "E", 2), a=fed("type Query { x: E } enum E { A @inaccessible }")
    ),
    # ── composed directives ──
    _case(
        "DIRECTIVE_COMPOSITION_ERROR",
        ("a", "", 2),
        a=fed(
            'extend schema @composeDirective(name: "@mine") directive @mine on OBJECT type Query { x: Int }'
        ),
    ),
    _case(
        "DIRECTIVE_COMPOSITION_ERROR",
        ("a", "", 2),
        a=fed(
            'extend schema @composeDirective(name: "mine") directive @mine on OBJECT type Query { x: Int }'
        ),
    ),
    _case(
        "DIRECTIVE_COMPOSITION_ERROR",
        ("a", "", 2),
        a=fed('extend schema @composeDirective(name: "@nope") type Query { x: Int }'),
    ),
    _case(
        "DIRECTIVE_COMPOSITION_ERROR",
        ("a", "", 2),
        a=fed('extend schema @composeDirective(name: "@key") type Query { x: Int }'),
    ),
    _case(
        "DIRECTIVE_COMPOSITION_ERROR",
        ("b", "", 2),
        a=own("directive @mine on OBJECT type Query { x: Int }"),
        b=own("directive @mine on OBJECT", url="https://own.example/mine/v2.0"),
    ),
    _case(
        "DIRECTIVE_COMPOSITION_ERROR",
        ("b", "", 2),
        a=own("directive @mine on OBJECT type Query { x: Int }"),
        b=own("directive @mine on OBJECT", url="https://other.example/mine/v1.0"),
    ),
    _case(
        "INTERFACE_OBJECT_USAGE_ERROR",
        ("b", "N", 2),
        a=fed('type Query { n: N } type N @key(fields: "id") @interfaceObject { id: ID v: Int }'),
        b=fed('type N @key(fields: "id") @interfaceObject { id: ID w: Int }'),
    ),
    # ── context ──
    _case(
        "CONTEXT_NOT_SET",
        ("a", "T.v", 2),
        a=fed(
            ROOT + ' type T @key(fields: "id") { id: ID v(a: Int @fromContext(field: "$nope { id }")): Int }'
        ),
    ),
    _case(
        "NO_CONTEXT_IN_SELECTION",
        ("a", "T.v", 2),
        a=fed(
            'type Query { p: P } type P @key(fields: "id") @context(name: "c") { id: ID t: T n: Int } type T @key(fields: "id") { id: ID v(a: Int @fromContext(field: "{ n }")): Int }'
        ),
    ),
    _case(
        "CONTEXT_INVALID_SELECTION",
        ("a", "T.v", 2),
        a=fed(
            'type Query { p: P } type P @key(fields: "id") @context(name: "c") { id: ID t: T n: Int } type T @key(fields: "id") { id: ID v(a: Int @fromContext(field: "$c { nope }")): Int }'
        ),
    ),
    _case(
        "CONTEXT_INVALID_SELECTION",
        ("a", "T.v", 2),
        a=fed(
            'type Query { p: P } type P @key(fields: "id") @context(name: "c") { id: ID t: T n: Int } type T @key(fields: "id") { id: ID v(a: String @fromContext(field: "$c { n }")): Int }'
        ),
    ),
    _case(
        "CONTEXT_NO_RESOLVABLE_KEY",
        ("a", "T.v", 2),
        a=fed(
            'type Query { p: P } type P @key(fields: "id") @context(name: "c") { id: ID t: T n: Int } type T { id: ID v(a: Int @fromContext(field: "$c { n }")): Int }'
        ),
    ),
    _case(
        "CONTEXT_NAME_INVALID",
        ("a", "P", 2),
        a=fed('type Query { p: P } type P @context(name: "_c") { n: Int }'),
    ),
    _case(
        "CONTEXT_NOT_SET",
        ("a", "T.v", 2),
        a=fed(
            'type Query { p: P } type P @key(fields: "id") @context(name: "c") { id: ID t: T n: Int } type T @key(fields: "id") { id: ID v(a: Int = 1 @fromContext(field: "$c { n }")): Int }'
        ),
    ),
    _case(
        "CONTEXT_NOT_SET",
        ("a", "T.v", 2),
        a=fed(
            'type Query { p: P } type P @key(fields: "id") @context(name: "c") { id: ID t: I n: Int } interface I { v: Int } type T implements I @key(fields: "id") { id: ID v(a: Int @fromContext(field: "$c { n }")): Int }'
        ),
    ),
    _case(
        "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS",
        ("b", "T.v", 2),
        a=fed(
            'type Query { p: P } type P @key(fields: "id") @context(name: "c") { id: ID t: T n: Int } type T @key(fields: "id") { id: ID v(a: Int @fromContext(field: "$c { n }")): Int @shareable }'
        ),
        b=fed('type T @key(fields: "id") { id: ID v(a: Int!): Int @shareable }'),
    ),
    # ── cost ──
    _case(
        "COST_APPLIED_TO_INTERFACE_FIELD",
        ("a", "N.v", 2),
        a=fed("type Query { n: N } interface N { v: Int @cost(weight: 2) } type A implements N { v: Int }"),
    ),
    _case(
        "LIST_SIZE_APPLIED_TO_NON_LIST",
        ("a", "Query.x", 2),
        a=fed("type Query { x: Int @listSize(assumedSize: 2) }"),
    ),
    _case(
        "LIST_SIZE_INVALID_ASSUMED_SIZE",
        ("a", "Query.x", 2),
        a=fed("type Query { x: [Int] @listSize(assumedSize: -2) }"),
    ),
    _case(
        "LIST_SIZE_INVALID_SIZED_FIELD",
        ("a", "Query.x", 2),
        a=fed('type Query { x: X @listSize(assumedSize: 2, sizedFields: ["nope"]) } type X { v: [Int] }'),
    ),
    _case(
        "LIST_SIZE_INVALID_SLICING_ARGUMENT",
        ("a", "Query.x", 2),
        a=fed('type Query { x(n: String): [Int] @listSize(slicingArguments: ["n"]) }'),
    ),
    _case(
        "LIST_SIZE_INVALID_SLICING_ARGUMENT",
        ("a", "Query.x", 2),
        a=fed('type Query { x(n: Int): [Int] @listSize(slicingArguments: ["m"]) }'),
    ),
    # ── access ──
    _case(
        "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE",
        ("a", "N", 2),
        a=fed("type Query { n: N } interface N @authenticated { v: Int } type A implements N { v: Int }"),
    ),
    _case(
        "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE",
        ("a", "N.v", 2),
        a=fed(
            'type Query { n: N } interface N { v: Int @requiresScopes(scopes: [["s"]]) } type A implements N { v: Int }'
        ),
    ),
    _case(
        "MISSING_TRANSITIVE_AUTH_REQUIREMENTS",
        ("a", "T.v", 2),
        a=fed(ROOT + ' type T @key(fields: "id") { id: ID w: Int @external v: Int @requires(fields: "w") }'),
        b=fed('type T @key(fields: "id") { id: ID w: Int @authenticated }'),
    ),
    # ── reachability ──
    _case(
        "SATISFIABILITY_ERROR",
        ("b", "T.w", 2),
        a=fed(ROOT + ' type T @key(fields: "id") { id: ID v: Int }'),
        b=fed('type T @key(fields: "code") { code: ID w: Int }'),
    ),
    _case(
        "SATISFIABILITY_ERROR",
        ("a", "T.w", 2),
        a=fed(ROOT + ' type T { id: ID @shareable v: Int @external w: Int @requires(fields: "v") }'),
        b=fed('type T @key(fields: "id") { id: ID @shareable v: Int }'),
    ),
    _case(
        "SATISFIABILITY_ERROR",
        ("b", "T.w", 2),
        a=fed(ROOT + " type T { v: Int }"),
        b=fed("type T { w: Int }"),
    ),
)
