"""The tabs of GraphiQL fit the schema that the gateway serves."""

from __future__ import annotations

import orjson
import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, parse, validate
from graphql.execution.values import get_variable_values

from gateway.web.graphiql import Sample, load_samples
from schema.compose import SubgraphSchema, compose
from schema.subgraphs import CASES, HOUSE, cases_sdl, house_sdl

SAMPLES = load_samples()


@pytest.fixture(scope="module")
def api_schema() -> GraphQLSchema:
    composition = compose(
        [SubgraphSchema(HOUSE, None, house_sdl()), SubgraphSchema(CASES, None, cases_sdl())]
    )
    assert not composition.errors
    assert composition.api_schema is not None
    return composition.api_schema


def test_there_are_samples_for_cases_progress_items_and_systems() -> None:
    assert [sample.name for sample in SAMPLES] == [
        "1-applicant",
        "2-progress",
        "3-items",
        "3-submit",
        "4-systems",
    ]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_query_is_valid_with_its_variables(sample: Sample, api_schema: GraphQLSchema) -> None:
    document = parse(sample.query)
    assert validate(api_schema, document) == []
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    variables = orjson.loads(sample.variables or "{}")
    coerced = get_variable_values(api_schema, operation.variable_definitions or (), variables)
    assert not isinstance(coerced, list), coerced  # a list holds the errors
