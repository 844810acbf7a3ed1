"""Small graphs that compose with one hint each: one or more for every hint that composition can give."""

from __future__ import annotations

from tests.compose.error_cases import ROOT, Case, fed, own

__all__ = ["HINT_CASES"]


def _case(code: str, coordinate: str, /, **sdls: str) -> Case:
    return Case(code, sdls, None, coordinate)


HINT_CASES: tuple[Case, ...] = (
    _case(
        "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE",
        "T.v",
        a=fed(ROOT + " type T @shareable { v: Int! }"),
        b=fed("type T @shareable { v: Int }"),
    ),
    _case(
        "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE",
        "I.v",
        a=fed("type Query { x(i: I): Int } input I { v: Int! }"),
        b=fed("input I { v: Int }"),
    ),
    _case(
        "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE",
        "Query.x(p:)",
        a=fed("type Query { x(p: Int!): Int @shareable }"),
        b=fed("type Query { x(p: Int): Int @shareable }"),
    ),
    _case(
        "INCONSISTENT_DEFAULT_VALUE_PRESENCE",
        "Query.x(p:)",
        a=fed("type Query { x(p: Int = 1): Int @shareable }"),
        b=fed("type Query { x(p: Int): Int @shareable }"),
    ),
    _case(
        "INCONSISTENT_DEFAULT_VALUE_PRESENCE",
        "I.v",
        a=fed("type Query { x(i: I): Int } input I { v: Int = 1 }"),
        b=fed("input I { v: Int }"),
    ),
    _case(
        "INCONSISTENT_ENTITY",
        "T",
        a=fed(ROOT + ' type T @key(fields: "id") { id: ID @shareable v: Int }'),
        b=fed("type T { id: ID @shareable } type Query { u: T }"),
    ),
    _case(
        "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD",
        "T.w",
        a=fed(ROOT + " type T @shareable { v: Int w: Int }"),
        b=fed("type T @shareable { v: Int }"),
    ),
    _case(
        "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD",
        "N.w",
        a=fed(
            "type Query { n: N } interface N { v: Int w: Int } type A implements N @shareable { v: Int w: Int }"
        ),
        b=fed("interface N { v: Int } type A implements N @shareable { v: Int w: Int }"),
    ),
    _case(
        "INCONSISTENT_INPUT_OBJECT_FIELD",
        "I.w",
        a=fed("type Query { x(i: I): Int } input I { v: Int w: Int }"),
        b=fed("input I { v: Int }"),
    ),
    _case(
        "INCONSISTENT_UNION_MEMBER",
        "U",
        a=fed(
            "type Query { u: U } union U = A | B type A @shareable { v: Int } type B @shareable { v: Int }"
        ),
        b=fed("union U = A type A @shareable { v: Int }"),
    ),
    _case(
        "INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM",
        "E.B",
        a=fed("type Query { x(e: E): Int } enum E { A B }"),
        b=fed("enum E { A }"),
    ),
    _case(
        "INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM",
        "E.B",
        a=fed("type Query { x: E } enum E { A B }"),
        b=fed("enum E { A }"),
    ),
    _case(
        "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_REPEATABLE",
        "@mine",
        a=own("directive @mine repeatable on OBJECT type Query { x: Int }"),
        b=own("directive @mine on OBJECT type Query { y: Int }"),
    ),
    _case(
        "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_LOCATIONS",
        "@mine",
        a=own("directive @mine on OBJECT type Query { x: Int }"),
        b=own("directive @mine on OBJECT | FIELD_DEFINITION type Query { y: Int }"),
    ),
    _case(
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE",
        "@ex",
        a=fed("directive @ex on FIELD type Query { x: Int }"),
        b=fed("type Query { y: Int }"),
    ),
    _case(
        "NO_EXECUTABLE_DIRECTIVE_INTERSECTION",
        "@ex",
        a=fed("directive @ex on FIELD type Query { x: Int }"),
        b=fed("directive @ex on QUERY type Query { y: Int }"),
    ),
    _case(
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE",
        "@ex",
        a=fed("directive @ex repeatable on FIELD type Query { x: Int }"),
        b=fed("directive @ex on FIELD type Query { y: Int }"),
    ),
    _case(
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS",
        "@ex",
        a=fed("directive @ex on FIELD | QUERY type Query { x: Int }"),
        b=fed("directive @ex on FIELD type Query { y: Int }"),
    ),
    _case(
        "INCONSISTENT_DESCRIPTION",
        "T",
        a=fed(ROOT + ' "one" type T @shareable { v: Int }'),
        b=fed('"two" type T @shareable { v: Int }'),
    ),
    _case(
        "INCONSISTENT_DESCRIPTION",
        "T.v",
        a=fed(ROOT + ' type T @shareable { "one" v: Int }'),
        b=fed('type T @shareable { "two" v: Int }'),
    ),
    _case(
        "INCONSISTENT_ARGUMENT_PRESENCE",
        "Query.x(p:)",
        a=fed("type Query { x(p: Int): Int @shareable }"),
        b=fed("type Query { x: Int @shareable }"),
    ),
    _case("FROM_SUBGRAPH_DOES_NOT_EXIST", "Query.x", a=fed('type Query { x: Int @override(from: "gone") }')),
    _case(
        "OVERRIDDEN_FIELD_CAN_BE_REMOVED",
        "Query.x",
        a=fed('type Query { x: Int @override(from: "b") }'),
        b=fed("type Query { x: Int y: Int }"),
    ),
    _case(
        "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED",
        "Query.x",
        a=fed('type Query { x: Int @override(from: "b") }'),
        b=fed("type Query { y: Int }"),
    ),
    _case(
        "OVERRIDE_MIGRATION_IN_PROGRESS",
        "Query.x",
        a=fed('type Query { x: Int @override(from: "b", label: "percent(5)") }'),
        b=fed("type Query { x: Int y: Int }"),
    ),
    _case("UNUSED_ENUM_TYPE", "E", a=fed("type Query { x: Int } enum E { A }")),
    _case(
        "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
        "T.v",
        a=fed(ROOT + ' type T @shareable { v: Int @deprecated(reason: "one") }'),
        b=fed('type T @shareable { v: Int @deprecated(reason: "two") }'),
    ),
    _case(
        "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
        "T.v",
        a=fed(ROOT + " type T @shareable { v: Int @cost(weight: 1) }"),
        b=fed("type T @shareable { v: Int @cost(weight: 2) }"),
    ),
    _case(
        "DIRECTIVE_COMPOSITION_INFO",
        "@tag",
        a=fed('extend schema @composeDirective(name: "@tag") type Query { x: Int }'),
    ),
    _case(
        "DIRECTIVE_COMPOSITION_INFO",
        "@mine",
        a=own("directive @mine on OBJECT type Query { x: Int }"),
        b=fed(
            'extend schema @link(url: "https://own.example/mine/v2.0", import: ["@mine"]) directive @mine on OBJECT type Query { y: Int }'
        ),
    ),
    _case(
        "DIRECTIVE_COMPOSITION_WARN",
        "@mine",
        a=own("directive @mine on OBJECT type Query { x: Int }"),
        b=fed(
            'extend schema @link(url: "https://own.example/mine/v1.0", import: [{ name: "@mine", as: "@theirs" }]) directive @theirs on OBJECT type Query { y: Int }'
        ),
    ),
    _case(
        "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN",
        "Query.u",
        a=fed(
            "type Query { u: U @shareable } union U = A | B type A @shareable { v: Int } type B @shareable { v: Int }"
        ),
        b=fed("type Query { u: U @shareable } union U = A type A @shareable { v: Int }"),
    ),
    _case(
        "IMPLICITLY_UPGRADED_FEDERATION_VERSION",
        "",
        a=fed("type Query { x: Int }", 3),
        b=fed(
            'extend schema @link(url: "https://specs.apollo.dev/authenticated/v0.1", import: ["@authenticated"], for: SECURITY) type Query { y: Int @authenticated }',
            3,
        ),
    ),
    _case(
        "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS",
        "T.v(a:)",
        a=fed(
            'type Query { p: P } type P @key(fields: "id") @context(name: "c") { id: ID t: T n: Int } type T @key(fields: "id") { id: ID v(a: Int @fromContext(field: "$c { n }")): Int @shareable }'
        ),
        b=fed('type T @key(fields: "id") { id: ID v(a: Int): Int @shareable }'),
    ),
)
