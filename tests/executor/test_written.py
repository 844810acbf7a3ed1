"""The written projection, the closures that stand behind it, and graphql-core: one answer for any data."""

from __future__ import annotations

import random
from typing import Any

import pytest
from graphql import (
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.executor.gathering import write_gather
from gateway.executor.projection import compile_projection
from gateway.executor.written_projection import Odd, WrittenProjection
from gateway.planner.nodes import Representation, RequiredField
from gateway.planner.selections import Selection, read_selections
from tests.executor.compare import null_places
from tests.executor.queries import operations

VARIABLES = {"yes": True, "no": False}
LEAVES = ("Int", "Float", "String", "Boolean", "ID", "Colour", "Anything")
WRONG: tuple[Any, ...] = (7, "seven", 7.5, True, "7", [], {}, 2**40)


@st.composite
def schemas(draw: st.DrawFn) -> GraphQLSchema:
    """A few object types, an interface, a union, an enum and a scalar; lists of lists and non-nulls anywhere."""
    names = [f"T{number}" for number in range(draw(st.integers(1, 3)))]
    wraps = ["{}", "{}!", "[{}]", "[{}!]", "[{}]!", "[{}!]!", "[[{}]]", "[[{}!]!]!"]

    def fields(prefix: str, count: int) -> str:
        return " ".join(
            f"{prefix}{number}: "
            + draw(st.sampled_from(wraps)).format(draw(st.sampled_from([*LEAVES, *names, "I", "U"])))
            for number in range(count)
        )

    shared = fields("s", draw(st.integers(1, 2)))
    types = " ".join(
        f"type {name} implements I {{ {shared} {fields('f', draw(st.integers(1, 3)))} }}" for name in names
    )
    root = f"type Query {{ {fields('q', draw(st.integers(1, 3)))} }}"
    return build_schema(
        f"enum Colour {{ RED GREEN }} scalar Anything interface I {{ {shared} }} union U = {' | '.join(names)} {types} {root}"
    )


class Made:
    """Data that is made while graphql-core asks for it, kept by response names as fetches would bring it."""

    def __init__(self, schema: GraphQLSchema, seed: int, *, wild: bool) -> None:
        self.schema, self.chance, self.wild = schema, random.Random(seed), wild
        self.root: dict[str, Any] = {}
        self.errors: list[dict[str, Any]] = []

    def resolve(self, source: dict[str, Any], info: GraphQLResolveInfo, **_: Any) -> Any:
        key = info.path.key
        if self.wild and self.chance.random() < 0.04:
            source[str(key)] = None
            self.errors.append(
                {"message": "down", "path": info.path.as_list(), "extensions": {"code": "DOWN"}}
            )
            raise ValueError("down")
        value = source[str(key)] = self.value(info.return_type)
        return value

    def value(self, type_: GraphQLOutputType, depth: int = 0) -> Any:
        if isinstance(type_, GraphQLNonNull):
            value = self.value(type_.of_type, depth)
            while value is None and not (self.wild and self.chance.random() < 0.1):
                value = self.value(type_.of_type, depth)
            return value
        if self.chance.random() < 0.15:
            return None
        if isinstance(type_, GraphQLList):
            if self.wild and self.chance.random() < 0.03:
                return 7
            return [
                self.value(type_.of_type, depth + 1) for _ in range(self.chance.randint(0, 3 - min(depth, 2)))
            ]
        if isinstance(type_, GraphQLEnumType):
            return self.chance.choice(["RED", "GREEN", "BLUE"] if self.wild else ["RED", "GREEN"])
        if isinstance(type_, GraphQLScalarType):
            return self.leaf(type_.name)
        if isinstance(type_, GraphQLObjectType):
            return {"__typename": type_.name}
        return {"__typename": self.chance.choice(self.schema.get_possible_types(type_)).name}  # type: ignore[arg-type]

    def leaf(self, name: str) -> Any:
        if self.wild and self.chance.random() < 0.1:
            return self.chance.choice(WRONG)
        right: dict[str, Any] = {
            "Int": 3,
            "Float": 2.5,
            "String": "s",
            "Boolean": False,
            "ID": "id",
            "Anything": {"a": [1]},
        }
        return right[name]


def selections_of(text: str) -> tuple[Selection, ...]:
    document = parse(text)
    fragments = {
        one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
    }
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    return read_selections(operation.selection_set, fragments)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), seed=st.integers(0, 10_000), wild=st.booleans())
def test_any_data_is_answered_as_by_graphql_core(data: st.DataObject, seed: int, wild: bool) -> None:
    schema = data.draw(schemas())
    text = data.draw(operations(schema))
    assume(not validate(schema, parse(text)))
    made = Made(schema, seed, wild=wild)
    expected = execute_sync(
        schema, parse(text), root_value=made.root, variable_values=VARIABLES, field_resolver=made.resolve,
        type_resolver=lambda value, *_: value["__typename"],
    )  # fmt: skip
    assert schema.query_type is not None
    selections = selections_of(text)
    places = null_places(expected.data, [error.path or () for error in expected.errors or ()])
    for write_after in (0, 10**9):
        errors = [dict(error) for error in made.errors]
        project = compile_projection(schema, schema.query_type, selections, write_after=write_after)
        answer = project(made.root, VARIABLES, errors)
        assert answer == expected.data, (write_after, text)
        assert null_places(answer, [tuple(error["path"]) for error in errors]) == places, (
            write_after,
            text,
            errors,
        )
    if not wild and not expected.errors:  # the straight cases do not fall back
        assert (
            WrittenProjection(schema, schema.query_type, selections).project(made.root, VARIABLES)
            == expected.data
        )


def test_what_is_not_straight_is_left_to_the_closures() -> None:
    schema = build_schema("type Query { name: String! age: Int }")
    assert schema.query_type is not None
    written = WrittenProjection(schema, schema.query_type, selections_of("{ name age }"))
    assert written.project({"name": "甲", "age": None}, {}) == {"name": "甲", "age": None}
    for odd in ({"name": None}, {"name": "甲", "age": "seven"}, {}):
        with pytest.raises(Odd):
            written.project(odd, {})


KEY = [Representation("Person", "Person", (RequiredField("id", "id", key=True),))]
PLACES = (("cases", "@", "person"), ("cases", "@", "person", "helper"))


def gathered(data: dict[str, Any], *, shared: bool) -> list[dict[str, Any]]:
    gather = write_gather(PLACES, KEY, lambda _: (), PLACES if shared else ())
    return gather(data).representations


def people() -> dict[str, Any]:
    def person(number: str, **more: Any) -> dict[str, Any]:
        return {"__typename": "Person", "id": number, **more}

    helpers = [person("9"), person("9"), person("8")]
    return {
        "cases": [{"person": person("1", helper=helper)} for helper in helpers]
        + [{"person": None}, {"person": person("2")}]
    }


def test_equal_entities_of_one_place_become_one_object() -> None:
    data = people()
    assert gathered(data, shared=True) == [
        {"__typename": "Person", "id": number} for number in ("1", "2", "9", "8")
    ]
    first, second, third = (case["person"] for case in data["cases"][:3])
    assert first is second
    assert third is not first, "another helper has been fetched of it"


def test_where_paths_are_asked_differently_each_entity_keeps_an_object_of_its_own() -> None:
    data = people()
    gathered(data, shared=False)
    assert data["cases"][0]["person"] is not data["cases"][1]["person"]


def test_keys_that_cannot_be_hashed_are_gathered_too() -> None:
    data = {
        "cases": [
            {"person": {"__typename": "Person", "id": ["a"]}},
            {"person": {"__typename": "Person", "id": ["a"]}},
        ]
    }
    assert gathered(data, shared=True) == [{"__typename": "Person", "id": ["a"]}]
