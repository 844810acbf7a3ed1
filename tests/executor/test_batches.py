"""Batched lookups at run time: who gets which answer, whose error is whose, and what must not be shared."""

from __future__ import annotations

from typing import Any

from adapters.fetch import FetchError, FetchResult, RequestContext
from adapters.testing import ScriptedSubgraph
from gateway.operation import ExecutionAnswer, PreparedOperation, prepare
from schema.compose import SubgraphSchema, compose

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", '
    '"@requires", "@shareable"])\n'
)
CASES = LINK + (
    "type Query { first: Case open: [Case] } "
    'type Case @key(fields: "id") { id: ID! applicant: Person helper: Person } '
    'type Person @key(fields: "code") { code: ID! }'
)
PEOPLE = LINK + (
    'type Person @key(fields: "code") { code: ID! name: String age: Int home: Home } '
    'type Home @key(fields: "no") { no: ID! }'
)
HOMES = LINK + 'type Home @key(fields: "no") { no: ID! street: String rooms: String }'


def cases() -> ScriptedSubgraph:
    def case(number: int) -> dict[str, Any]:
        return {"id": number, "applicant": {"code": "a"}, "helper": {"code": "b" if number else "a"}}

    resolvers = {"Query.first": lambda *_: case(0), "Query.open": lambda *_: [case(1), None, case(2)]}
    return ScriptedSubgraph("cases", CASES, resolvers=resolvers)


def people(**changes: Any) -> ScriptedSubgraph:
    def person(representation: dict[str, Any]) -> dict[str, Any]:
        code = representation["code"]
        return {"code": code, "name": f"name {code}", "age": len(code), "home": {"no": f"no {code}"}}

    return ScriptedSubgraph("people", PEOPLE, entities={"Person": person}, **changes)


def homes() -> ScriptedSubgraph:
    def home(representation: dict[str, Any]) -> dict[str, Any]:
        return {**representation, "street": f"street of {representation['no']}", "rooms": "three"}

    return ScriptedSubgraph("homes", HOMES, entities={"Home": home})


async def answer(text: str, *subgraphs: ScriptedSubgraph, **variables: Any) -> ExecutionAnswer:
    composition = compose([SubgraphSchema(item.name, None, item.sdl) for item in subgraphs])
    assert composition.supergraph is not None, composition.errors
    assert composition.api_schema is not None
    by_name = {item.name: item for item in subgraphs}
    operation = prepare(composition.api_schema, composition.supergraph, by_name, text)
    assert isinstance(operation, PreparedOperation), operation
    return await operation.execute(variables, RequestContext(deadline=float("inf")))


async def test_one_person_at_three_places_is_one_representation() -> None:
    asked = people()
    found = await answer(
        "{ first { applicant { name } helper { name } } open { helper { name } } }", cases(), asked
    )
    assert found.errors == []
    assert found.data == {
        "first": {"applicant": {"name": "name a"}, "helper": {"name": "name a"}},
        "open": [{"helper": {"name": "name b"}}, None, {"helper": {"name": "name b"}}],
    }
    (fetch,) = asked.fetches
    assert [item["code"] for item in fetch.variables["representations"]] == ["a", "b"]


async def test_what_is_below_an_entity_is_not_shared_between_places() -> None:
    """`x` means another field of the same home at either place."""
    text = "{ first { applicant { home { x: street } } } open { applicant { home { x: rooms } } } }"
    found = await answer(text, cases(), people(), homes())
    assert found.errors == []
    assert found.data == {
        "first": {"applicant": {"home": {"x": "street of no a"}}},
        "open": [
            {"applicant": {"home": {"x": "three"}}},
            None,
            {"applicant": {"home": {"x": "three"}}},
        ],
    }


async def test_an_error_of_one_lookup_gets_the_places_of_its_objects_only() -> None:
    error = FetchError("no age", ("_e1", 0, "age"), {"code": "SICK"})
    data = {"_e0": [{"name": "x"}], "_e1": [{"age": None}]}
    found = await answer(
        "{ first { applicant { name } } open { helper { age } } }",
        cases(),
        people(answers=[FetchResult(data, (error,))]),
    )
    assert [(item["path"], item["extensions"]["code"]) for item in found.errors] == [
        (["open", 0, "helper", "age"], "SICK"),
        (["open", 2, "helper", "age"], "SICK"),
    ]


async def test_a_batch_that_fails_as_a_whole_says_so_at_each_of_its_places() -> None:
    text = "{ first { applicant { name } } open { helper { age } } }"
    found = await answer(text, cases(), people(failure=FetchError("down")))
    assert [item["path"] for item in found.errors] == [["first", "applicant"], ["open"]]
    assert found.data == {
        "first": {"applicant": {"name": None}},
        "open": [{"helper": {"age": None}}, None, {"helper": {"age": None}}],
    }


async def test_a_lookup_whose_condition_does_not_hold_is_sent_nothing() -> None:
    text = "query ($a: Boolean!) { first { applicant { name @skip(if: $a) } helper { age } } }"
    asked = people()
    found = await answer(text, cases(), asked, a=True)
    assert found.data == {"first": {"applicant": {}, "helper": {"age": 1}}}
    assert asked.fetches[0].variables["representations_0"] == []
    both = people()
    await answer(text, cases(), both, a=False)
    assert [len(item) for item in both.fetches[0].variables.values()] == [1, 1]


async def test_what_needs_no_failed_fetch_is_there_though_it_travels_with_what_does() -> None:
    """`stock` needs the key only; `tax` needs a price that cannot be had."""
    shop = ScriptedSubgraph(
        "shop",
        LINK + 'type Query { p: P } type P @key(fields: "id") { id: ID! }',
        resolvers={"Query.p": lambda *_: {"id": "1"}},
    )
    prices = ScriptedSubgraph(
        "prices", LINK + 'type P @key(fields: "id") { id: ID! price: Int }', failure=FetchError("down")
    )
    store_sdl = LINK + (
        'type P @key(fields: "id") { id: ID! price: Int @external stock: Int tax: Int @requires(fields: "price") }'
    )
    store = ScriptedSubgraph("store", store_sdl, entities={"P": lambda rep: {**rep, "stock": 3, "tax": 1}})
    found = await answer("{ p { stock tax } }", shop, prices, store)
    assert found.data == {"p": {"stock": 3, "tax": None}}
    assert len(store.fetches) == 1


async def test_an_alias_that_only_the_subgraph_needs_is_undone_in_entities_too() -> None:
    """`size` is Int in one type and Int! in the other: side by side the subgraph would refuse them."""
    home = ScriptedSubgraph(
        "home",
        LINK + 'type Query { box: Box } type Box @key(fields: "id") { id: ID! }',
        resolvers={"Query.box": lambda *_: {"id": "1"}},
    )
    sdl = LINK + (
        'type Box @key(fields: "id") { id: ID! things: [Thing] } union Thing = A | B '
        "type A { size: Int } type B @shareable { size: Int! }"
    )
    things = [
        {"__typename": "A", "size": None},
        {"__typename": "B", "size": 2},
        {"__typename": "B", "size": None},
    ]
    boxes = ScriptedSubgraph("boxes", sdl, entities={"Box": lambda rep: {**rep, "things": things}})
    other = ScriptedSubgraph("other", LINK + "type Query { b: B } type B @shareable { size: Int }")
    text = "{ box { things { ... on A { s: size } ... on B { s: size } } } }"
    found = await answer(text, home, boxes, other)
    assert found.data == {"box": {"things": [{"s": None}, {"s": 2}, None]}}
    assert [item["path"] for item in found.errors] == [["box", "things", 2, "s"]]


async def test_a_field_that_returns_query_goes_on_in_every_subgraph() -> None:
    one = ScriptedSubgraph(
        "one",
        LINK + "type Query { a: Int } type Mutation { go: Gone } type Gone { ok: Boolean query: Query }",
        resolvers={"Mutation.go": lambda *_: {"ok": True, "query": {}}, "Query.a": lambda *_: 1},
    )
    two = ScriptedSubgraph("two", LINK + "type Query { b: Int }", resolvers={"Query.b": lambda *_: 2})
    found = await answer("mutation { go { ok query { a b } } }", one, two)
    assert found.data == {"go": {"ok": True, "query": {"a": 1, "b": 2}}}
    assert two.fetches[0].text == "{\n  b\n}"
    two.failure = FetchError("down")
    found = await answer("mutation { go { query { a b } } }", one, two)
    assert found.data == {"go": {"query": {"a": 1, "b": None}}}
    assert [item["path"] for item in found.errors] == [["go", "query"]]


async def test_values_that_no_scalar_allows_are_errors_and_near_ones_are_put_right() -> None:
    sdl = (
        LINK
        + "type Query { id: ID n: Int f: Float s: String b: Boolean all: [Int] must: Box } type Box { n: Int! }"
    )
    data = {"id": 5, "n": "many", "f": 2, "s": {"a": 1}, "b": True, "all": [1, "x", None], "must": {"n": "x"}}
    liar = ScriptedSubgraph("liar", sdl, answers=[data])
    found = await answer("{ id n f s b all must { n } }", liar)
    assert found.data == {
        "id": "5",
        "n": None,
        "f": 2,
        "s": None,
        "b": True,
        "all": [1, None, None],
        "must": None,
    }
    assert [item["path"] for item in found.errors] == [["n"], ["s"], ["all", 1], ["must", "n"]]
    assert {item["extensions"]["code"] for item in found.errors} == {"INVALID_SUBGRAPH_ANSWER"}


async def test_one_response_name_may_mean_other_things_in_other_types() -> None:
    """What is below a field is placed once for all types, but only where they are asked the same."""
    nodes = "interface Node { id: ID! } " + "".join(
        f'type {name} implements Node @key(fields: "id") {{ id: ID! }} ' for name in "ABC"
    )
    items = [{"__typename": name, "id": name.lower()} for name in "ABC"]
    home = ScriptedSubgraph(
        "home", LINK + "type Query { all: [Node] } " + nodes, resolvers={"Query.all": lambda *_: items}
    )
    parts = 'type Part @key(fields: "no") { no: ID! } ' + "".join(
        f'type {name} @key(fields: "id") {{ id: ID! part: Part }} ' for name in "ABC"
    )
    middle = ScriptedSubgraph(
        "middle",
        LINK + parts,
        entities={name: lambda rep: {**rep, "part": {"no": f"no {rep['id']}"}} for name in "ABC"},
    )
    far = ScriptedSubgraph(
        "far",
        LINK + 'type Part @key(fields: "no") { no: ID! name: String place: String }',
        entities={"Part": lambda rep: {**rep, "name": f"name of {rep['no']}", "place": f"at {rep['no']}"}},
    )
    text = """{ all {
      ... on A { part { x: name } }
      ... on B { part { x: place } }
      ... on C { part { x: name } }
    } }"""
    found = await answer(text, home, middle, far)
    assert found.errors == []
    assert found.data == {
        "all": [
            {"part": {"x": "name of no a"}},
            {"part": {"x": "at no b"}},
            {"part": {"x": "name of no c"}},
        ]
    }
