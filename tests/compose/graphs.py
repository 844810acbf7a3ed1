"""Small graphs that compose, one for each thing that a supergraph can say."""

from __future__ import annotations

from tests.compose.error_cases import fed, own

__all__ = ["GRAPHS"]

GRAPHS: dict[str, dict[str, str]] = {
    "keys": {
        "a": fed(
            'type Query { t: T } type T @key(fields: "id") @key(fields: "o { code }") { id: ID! o: O } type O { code: ID }'
        ),
        "b": fed('extend type T @key(fields: "id", resolvable: false) { id: ID! @external w: Int }').replace(
            "resolvable: false", "resolvable: true"
        ),
    },
    "external, requires, provides": {
        "a": fed(
            'type Query { t: T @provides(fields: "v { x }") } type T @key(fields: "id") { id: ID! v: V @external w(a: Int): Int @external s: Int @requires(fields: "w(a: 2)") } type V { x: Int @shareable }'
        ),
        "b": fed(
            'type T @key(fields: "id") { id: ID! v: V @shareable w(a: Int): Int } type V { x: Int @shareable }'
        ),
    },
    "interfaces and unions": {
        "a": fed(
            'type Query { n: N u: U } interface N @key(fields: "id") { id: ID! } type A implements N @key(fields: "id") { id: ID! } union U = A | B type B @shareable { x: Int }'
        ),
        "b-2": fed('type N @key(fields: "id") @interfaceObject { id: ID! score: Int }'),
        "c": fed("union U = B type B @shareable { x: Int }"),
    },
    "inputs, enums, defaults": {
        "a": fed(
            'type Query { x(i: In = { p: 1, q: [2] }, e: E = ONE, s: String = "a\\"b"): E } input In { p: Int = 3 "help" q: [Int!] } enum E { ONE @deprecated TWO @tag(name: "t") }'
        ),
        "b": fed("input In { p: Int = 3 q: [Int!]! } enum E { ONE TWO } type Query { y: E }"),
    },
    "descriptions and GraphQL's directives": {
        "a": fed(
            '"""The\nroot"""\ntype Query { "an x" x("why" a: Int @deprecated(reason: "no")): S @deprecated(reason: "old \\"one\\"") z(i: One): Int }\n"a scalar" scalar S @specifiedBy(url: "https://s.example")\ninput One @oneOf { a: Int b: Int }'
        ),
    },
    "override": {
        "a": fed('type Query { t: T } type T @key(fields: "id") { id: ID! v: Int w: Int x: Int }'),
        "b": fed(
            'type T @key(fields: "id") @key(fields: "v") { id: ID! v: Int w: Int @override(from: "a") x: Int @override(from: "a", label: "percent(5)") }'
        ).replace('@key(fields: "v") { id: ID! v: Int', "{ id: ID!"),
    },
    "an overridden field that a key still uses": {
        "a": fed('type Query { t: T } type T @key(fields: "id") @key(fields: "code") { id: ID! code: ID! }'),
        "b": fed('type T @key(fields: "id") { id: ID! code: ID! @override(from: "a") }'),
    },
    "tags and hidden parts": {
        "a": fed(
            'extend schema @tag(name: "all") type Query @tag(name: "q") { x(a: Int @tag(name: "arg") @inaccessible): E @tag(name: "one") @tag(name: "two") y: H @inaccessible } type H @inaccessible { v: Int } enum E { A B @inaccessible }'
        ),
        "b": fed('type Query { z: Int @tag(name: "three") }'),
    },
    "access": {
        "a": fed(
            'type Query { n: N me: Int @authenticated } interface N { v: Int w: Int } type A implements N @policy(policies: [["p"], ["q", "r"]]) { v: Int @requiresScopes(scopes: [["s"]]) w: Int }'
        ),
    },
    "costs": {
        "a": fed(
            'type Query { list(first: Int @cost(weight: 2)): C @listSize(slicingArguments: ["first"], sizedFields: ["nodes"], requireOneSlicingArgument: false) } type C { nodes: [T] } type T @cost(weight: 3) { v: S } scalar S @cost(weight: 7)'
        ),
    },
    "cache tags": {
        "a": fed(
            'type Query { t: T @cacheTag(format: "top") } type T @key(fields: "id") @cacheTag(format: "t-{$key.id}") { id: ID! }'
        ),
        "b": fed(
            'type T @key(fields: "id") @cacheTag(format: "t-{$key.id}") @cacheTag(format: "b") { id: ID! v: Int }'
        ),
    },
    "contexts": {
        "a-1": fed(
            'type Query { p: P } type P @key(fields: "id") @context(name: "c") { id: ID! n: Int t: T } type T @key(fields: "id") { id: ID! v(a: Int @fromContext(field: "$c { n }"), b: Int): Int }'
        ),
    },
    "own directives": {
        "a": own(
            'directive @mine(a: Int = 1, b: [String!]) repeatable on OBJECT | FIELD_DEFINITION directive @ask(deep: Boolean) on FIELD | QUERY type Query @mine { x: Int @mine(a: 2) @mine(b: ["c"]) }'
        ),
        "b": own(
            "directive @mine(a: Int = 1, b: [String!]) repeatable on OBJECT | FIELD_DEFINITION directive @ask(deep: Boolean) on FIELD type Query @mine(a: 3) { y: Int }"
        ),
    },
    "renamed directives": {
        "a": 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", as: "f", import: [{ name: "@tag", as: "@mark" }, { name: "@cost", as: "@price" }, { name: "@listSize", as: "@sized" }])\ntype Query { x: [Int] @mark(name: "m") @price(weight: 2) @sized(assumedSize: 3) y: Int @f__authenticated z: Int @f__inaccessible }',
    },
    "federation 1": {
        "a": 'type Query { t: T } type T @key(fields: "id") { id: ID! v: Int }',
        "b": 'extend type T @key(fields: "id") { id: ID! @external v: Int @external w: Int @requires(fields: "v") } extend type Query { u: T }',
    },
    "all roots": {
        "a": fed(
            "schema { query: Q mutation: M subscription: S } type Q { x: Int } type M { go: Q } type S { on: Int }"
        ),
        "b": fed("type Mutation { other: Int }"),
    },
    "v2.6": {"a": fed("type Query { x: Int }", 6)},
    "v2.7": {"a": fed("type Query { x: Int }", 7)},
    "types named as specifications": {
        "a": fed(
            "type Query { link: link core: core tag: tag } type link { x: Int } type core { x: Int } type tag { x: Int }"
        )
    },
    "strange names": {"1 - 二": fed("type Query { x: Int }"), "1_-_二": fed("type Query { y: Int }")},
}
