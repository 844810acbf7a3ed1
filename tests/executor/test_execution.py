"""What an operation gives when parts fail, are slow, null, or not what the schema says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import pytest
import strawberry
from graphql import build_schema

from adapters.fetch import FetchError, FetchOperation, FetchResult, PreparedFetch, RequestContext, Subgraph
from adapters.local import LocalSubgraph
from adapters.testing import ScriptedSubgraph
from gateway.operation import ExecutionAnswer, OperationError, PreparedOperation, prepare
from schema.compose import SubgraphSchema, compose

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", '
    '"@requires", "@provides", "@shareable", "@inaccessible"])\n'
)
PEOPLE = (
    LINK
    + 'type Query { people: [Person!]! me: Person } type Person @key(fields: "id") { id: ID name: String }'
)
CASES = LINK + 'type Person @key(fields: "id") { id: ID cases: [String!]! best: String }'


def prepared(
    text: str, *subgraphs: Subgraph, name: str | None = None
) -> PreparedOperation | list[OperationError]:
    composition = compose([SubgraphSchema(item.name, None, item.sdl) for item in subgraphs])
    assert composition.supergraph is not None, composition.errors
    assert composition.api_schema is not None
    by_name = {item.name: item for item in subgraphs}
    return prepare(composition.api_schema, composition.supergraph, by_name, text, name)


async def answer(
    text: str, *subgraphs: Subgraph, variables: Mapping[str, Any] | None = None
) -> ExecutionAnswer:
    operation = prepared(text, *subgraphs)
    assert isinstance(operation, PreparedOperation), operation
    return await operation.execute(variables or {}, RequestContext(deadline=float("inf"), request_id="r-1"))


def people(**changes: Any) -> ScriptedSubgraph:
    persons = [
        {"id": "1", "name": "一"},
        {"id": "2", "name": "二"},
        {"id": "1", "name": "一"},
        {"id": None, "name": "无"},
    ]
    resolvers = {"Query.people": lambda *_: persons, "Query.me": lambda *_: persons[0]}
    return ScriptedSubgraph("people", PEOPLE, resolvers=resolvers, **changes)


def cases(**changes: Any) -> ScriptedSubgraph:
    entities = {"Person": lambda rep: {"id": rep["id"], "cases": [f"case of {rep['id']}"], "best": "x"}}
    return ScriptedSubgraph("cases", CASES, entities=entities, **changes)


async def test_entities_are_asked_once_each_and_null_keys_never() -> None:
    """Two objects of one key share one representation; an object without a key is not asked for."""
    asked = cases()
    found = await answer("{ people { name best } }", people(), asked)
    assert asked.fetches[0].variables == {
        "representations": [{"__typename": "Person", "id": "1"}, {"__typename": "Person", "id": "2"}]
    }
    assert len(asked.fetches) == 1
    assert found.errors == []
    assert found.data == {
        "people": [
            {"name": "一", "best": "x"},
            {"name": "二", "best": "x"},
            {"name": "一", "best": "x"},
            {"name": "无", "best": None},
        ]
    }


async def test_a_failed_subgraph_costs_only_its_part() -> None:
    """One error that says who and where; what others gave stays."""
    failed = cases(failure=FetchError("down", (), {"code": "SUBREQUEST_HTTP_ERROR", "system": "s1"}))
    found = await answer("{ people { name best } }", people(), failed)
    assert found.data is not None
    assert [item["best"] for item in found.data["people"]] == [None] * 4
    assert [item["name"] for item in found.data["people"]] == ["一", "二", "一", "无"]
    assert found.errors == [
        {
            "message": "down",
            "path": ["people"],
            "extensions": {"code": "SUBREQUEST_HTTP_ERROR", "system": "s1", "service": "cases"},
        }
    ]


async def test_a_null_that_bubbles_because_of_a_failed_fetch_is_no_second_error() -> None:
    found = await answer("{ me { cases } }", people(), cases(failure=FetchError("down")))
    assert found.data == {"me": None}
    assert [(error["path"], error["extensions"]["code"]) for error in found.errors] == [
        (["me"], "SUBREQUEST_FAILED")
    ]


async def test_an_entity_error_gets_the_real_path_of_each_object() -> None:
    """`_entities.0.best` stands for persons 0 and 2 of the answer."""
    error = FetchError("no best", ("_entities", 0, "best"), {"code": "SICK"})
    data = {"_entities": [{"best": None}, {"best": "y"}]}
    found = await answer("{ people { best } }", people(), cases(answers=[FetchResult(data, (error,))]))
    assert [error["path"] for error in found.errors] == [["people", 0, "best"], ["people", 2, "best"]]
    assert found.errors[0]["extensions"] == {"code": "SICK", "service": "cases"}


async def test_nothing_is_started_after_the_deadline() -> None:
    asked = people()
    operation = prepared("{ me { name } }", asked)
    assert isinstance(operation, PreparedOperation)
    past = RequestContext(deadline=asyncio.get_running_loop().time() - 1)
    found = await operation.execute({}, past)
    assert found.data == {"me": None}
    assert [error["extensions"]["code"] for error in found.errors] == ["DEADLINE_EXCEEDED"]
    assert asked.fetches == []


async def test_independent_fetches_are_in_flight_at_once() -> None:
    """Each of three waits until all three are asked: one after the other would hang."""
    barrier = asyncio.Barrier(3)
    names = ("a", "b", "c")
    parts = [
        ScriptedSubgraph(
            name,
            LINK + f"type Query {{ {name}: Int }}",
            resolvers={f"Query.{name}": lambda *_: 1},
            barrier=barrier,
        )
        for name in names
    ]
    async with asyncio.timeout(5):
        found = await answer("{ a b c }", *parts)
    assert found.data == {"a": 1, "b": 1, "c": 1}


async def test_a_failing_fetch_does_not_cancel_its_siblings() -> None:
    class Raising:
        name, sdl = "bad", LINK + "type Query { bad: Int }"

        def prepare(self, operation: FetchOperation) -> PreparedFetch:
            assert operation.subgraph == self.name

            async def fetch(variables: Mapping[str, Any], context: RequestContext) -> FetchResult:
                raise RuntimeError("a fault in an adapter")

            return fetch

    good = ScriptedSubgraph("good", LINK + "type Query { good: Int }", resolvers={"Query.good": lambda *_: 1})
    found = await answer("{ bad good }", Raising(), good)
    assert found.data == {"bad": None, "good": 1}
    assert [error["extensions"]["code"] for error in found.errors] == ["INTERNAL_SERVER_ERROR"]
    assert "fault in an adapter" not in str(found.errors)


@pytest.mark.parametrize(
    ("data", "expected", "codes"),
    [
        (
            {"x": {"e": "HIDDEN", "l": [[1, None]]}},
            {"x": {"e": None, "l": [[1, None]]}},
            ["INVALID_SUBGRAPH_ANSWER"],
        ),
        ({"x": {"e": "A", "l": "no list"}}, {"x": {"e": "A", "l": None}}, ["INVALID_SUBGRAPH_ANSWER"]),
        ({"x": {"e": "A", "l": [None, [2]]}}, {"x": {"e": "A", "l": None}}, ["NULL_FOR_NON_NULL"]),
        ({"x": "no object"}, {"x": None}, ["INVALID_SUBGRAPH_ANSWER"]),
        ({}, {"x": None}, []),
    ],
)
async def test_answers_that_the_schema_does_not_allow_are_null_with_an_error(
    data: dict[str, Any], expected: dict[str, Any], codes: list[str]
) -> None:
    sdl = LINK + "type Query { x: X } type X { e: E l: [[Int]!] } enum E { A HIDDEN @inaccessible }"
    found = await answer("{ x { e l } }", ScriptedSubgraph("a", sdl, answers=[data]))
    assert found.data == expected
    assert [error["extensions"]["code"] for error in found.errors] == codes


async def test_null_at_a_non_null_root_nulls_the_whole_answer() -> None:
    sdl = LINK + "type Query { x: Int! y: Int }"
    found = await answer("{ y x }", ScriptedSubgraph("a", sdl, answers=[{"x": None, "y": 1}]))
    assert found.data is None
    assert found.errors == [
        {
            "message": "Cannot return null for non-nullable field Query.x.",
            "path": ["x"],
            "extensions": {"code": "NULL_FOR_NON_NULL"},
        }
    ]


async def test_one_response_name_of_two_nullabilities_comes_back_under_its_name() -> None:
    sdl_a = (
        LINK
        + "type Query { all: [T] } union T = A | B type A @shareable { v: Int! } type B { v: Int @shareable }"
    )
    sdl_b = LINK + "type Query { z: A } type A @shareable { v: Int } type B { v: Int @shareable }"
    things = [{"__typename": "A", "v": 1}, {"__typename": "B", "v": 2}]
    a = ScriptedSubgraph("a", sdl_a, resolvers={"Query.all": lambda *_: things})
    found = await answer("{ all { ... on A { v } ... on B { v } } }", a, ScriptedSubgraph("b", sdl_b))
    assert (found.data, found.errors) == ({"all": [{"v": 1}, {"v": 2}]}, [])


async def test_answers_stand_in_the_clients_order_with_aliases() -> None:
    found = await answer("{ me { b: best a: name __typename } }", people(), cases())
    assert found.data is not None
    assert list(found.data["me"].items()) == [("b", "x"), ("a", "一"), ("__typename", "Person")]


async def test_a_skipped_fetch_is_not_sent() -> None:
    asked = cases()
    text = "query ($with: Boolean!) { me { name best @include(if: $with) } }"
    found = await answer(text, people(), asked, variables={"with": False})
    assert found.data == {"me": {"name": "一"}}
    assert asked.fetches == []


async def test_mutations_run_one_after_the_other() -> None:
    log: list[str] = []

    def note(name: str) -> Any:
        return lambda *_: log.append(name) or len(log)  # type: ignore[func-returns-value]

    a = ScriptedSubgraph(
        "a",
        LINK + "type Query { x: Int } type Mutation { one: Int three: Int }",
        resolvers={"Mutation.one": note("one"), "Mutation.three": note("three")},
    )
    b = ScriptedSubgraph("b", LINK + "type Mutation { two: Int }", resolvers={"Mutation.two": note("two")})
    found = await answer("mutation { one two three }", a, b)
    assert found.data == {"one": 1, "two": 2, "three": 3}
    assert log == ["one", "two", "three"]


async def test_introspection_and_data_come_in_one_answer() -> None:
    found = await answer(
        '{ __type(name: "Person") { fields { name } } me { name } __typename }', people(), cases()
    )
    assert found.data == {
        "__type": {"fields": [{"name": "id"}, {"name": "name"}, {"name": "cases"}, {"name": "best"}]},
        "me": {"name": "一"},
        "__typename": "Query",
    }


async def test_unexpected_exceptions_of_local_resolvers_are_masked_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def explode(*_: Any) -> None:
        raise ValueError("secret of the database")

    bad = ScriptedSubgraph(
        "a", LINK + "type Query { x: Int y: Int }", resolvers={"Query.x": explode, "Query.y": lambda *_: 2}
    )
    with caplog.at_level(logging.ERROR):
        found = await answer("{ x y }", bad)
    assert found.data == {"x": None, "y": 2}
    assert found.errors[0]["path"] == ["x"]
    assert found.errors[0]["extensions"] == {
        "code": "INTERNAL_SERVER_ERROR",
        "requestId": "r-1",
        "service": "a",
    }
    assert "secret" not in str(found.errors)
    assert "secret of the database" in caplog.text


async def test_strawberry_and_graphql_core_schemas_are_subgraphs() -> None:
    """An async Strawberry federation schema with a reference resolver beside a plain one."""

    @strawberry.federation.type(keys=["code"])
    class Region:
        code: strawberry.ID
        name: str

        @classmethod
        async def resolve_reference(cls, code: strawberry.ID) -> Region:
            return Region(code=code, name=f"区 {code}")

    @strawberry.type
    class Query:
        @strawberry.field
        async def caller(self, info: strawberry.Info[Any, Any]) -> str:
            return str(info.context["request_id"])

    Region.resolve_reference.__annotations__.pop("return", None)
    schema = strawberry.federation.Schema(query=Query, types=[Region])
    house = LocalSubgraph("house", schema, None, lambda context: {"request_id": context.request_id})
    sdl = (
        LINK
        + 'type Query { spot: Spot } type Spot { region: Region } type Region @key(fields: "code", resolvable: false) { code: ID! }'
    )
    plain = build_schema("type Query { spot: Spot } type Spot { region: Region } type Region { code: ID! }")
    assert plain.query_type is not None
    plain.query_type.fields["spot"].resolve = lambda *_: {"region": {"code": "500103"}}
    found = await answer(
        "{ caller spot { region { code name } } }", house, LocalSubgraph("spots", plain, sdl)
    )
    assert found.errors == []
    assert found.data == {"caller": "r-1", "spot": {"region": {"code": "500103", "name": "区 500103"}}}


async def test_variables_go_to_the_fetches_that_use_them() -> None:
    sdl = LINK + "type Query { a(x: In, y: Int = 3): String } input In { n: Int = 1 tag: String }"
    asked = ScriptedSubgraph("a", sdl, answers=[{"a": "ok"}])
    text = "query ($x: In, $y: Int = 7, $not: Int) { a(x: $x, y: $y) @skip(if: false) b: a(y: $not) }"
    found = await answer(text, asked, variables={"x": {"tag": "t"}})
    assert found.data == {"a": "ok", "b": None}
    assert asked.fetches[0].variables == {"x": {"n": 1, "tag": "t"}, "y": 7}


@pytest.mark.parametrize("first", [True, False])
async def test_a_mutation_that_is_asked_twice_runs_where_its_conditions_first_hold(first: bool) -> None:
    ran: list[str] = []

    def note(name: str) -> Any:
        def resolve(*_: Any) -> int:
            ran.append(name)
            return len(ran)

        return resolve

    a = ScriptedSubgraph(
        "a",
        LINK + "type Query { x: Int } type Mutation { one: Int }",
        resolvers={"Mutation.one": note("one")},
    )
    b = ScriptedSubgraph("b", LINK + "type Mutation { two: Int }", resolvers={"Mutation.two": note("two")})
    text = "mutation ($first: Boolean!) { ... @include(if: $first) { one } two one }"
    found = await answer(text, a, b, variables={"first": first})
    assert ran == (["one", "two"] if first else ["two", "one"])
    assert found.data == ({"one": 1, "two": 2} if first else {"two": 1, "one": 2})
