"""What scanners of GraphQL endpoints look for, as the twelve checks of graphql-cop do: none of them finds anything on a
gateway in production mode, and clients go on working there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.gateways import CLERK, Client, here
from tests.e2e.stubs import declaration

SECRETS = {"ledger_key": "l" * 32, "subject_key": "p" * 32}


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    tmp = tmp_path_factory.mktemp("production")
    systems = tmp / "systems"
    systems.mkdir()
    (systems / "aa.yaml").write_text(declaration("AA", "http://127.0.0.1:9"), encoding="utf-8")
    settings: dict[str, Any] = {
        "mode": "production",
        "allow_insecure": ("plain_tokens",),
        "introspection": False,
        "graphiql": False,
        "watch": False,
        **SECRETS,
    }
    with here(tmp / "data", systems, {}, token=None, **settings) as client:
        yield client


def post(client: Client, query: Any, **more: Any) -> httpx.Response:
    return client.http.post("/graphql", json={"query": query} if isinstance(query, str) else query, **more)


def has_data(reply: httpx.Response) -> bool:
    body = reply.json()
    return isinstance(body, dict) and bool(body.get("data"))


def test_alias_overloading(production: Client) -> None:
    query = "query { " + " ".join(f"alias{number}: __typename" for number in range(101)) + " }"
    assert not has_data(post(production, query))


def test_batch_queries(production: Client) -> None:
    reply = post(production, [{"query": "query { __typename }"}] * 10)
    assert not isinstance(reply.json(), list)
    assert reply.status_code == 400


def test_directive_overloading(production: Client) -> None:
    reply = post(production, "query { __typename " + "@aa" * 10 + " }")
    assert len(reply.json()["errors"]) == 1  # ten errors for ten directives is what costs


def test_circular_introspection(production: Client) -> None:
    query = (
        "query { __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }"
    )
    assert not has_data(post(production, query))


def test_field_duplication(production: Client) -> None:
    assert not has_data(post(production, "query { " + "__typename " * 500 + "}"))


def test_field_suggestions(production: Client) -> None:
    for query in (
        "query { region { directive } }",
        "{ regionz { totalCount } }",
        "{ regions(frist: 1) { totalCount } }",
    ):
        reply = post(production, query)
        assert reply.json()["errors"]
        assert "did you mean" not in reply.text.lower()
    variables = {
        "query": "query ($p: PowerType) { serviceItems(powerType: $p) { totalCount } }",
        "variables": {"p": "LICENCE"},
    }
    assert "did you mean" not in post(production, variables).text.lower()


@pytest.mark.parametrize("path", ["/graphql", "/graphiql", "/playground", "/console", "/v1/graphql"])
def test_graphical_interface(production: Client, path: str) -> None:
    reply = production.http.get(path, headers={"accept": "text/html"})
    assert "<html" not in reply.text.lower()
    assert "graphiql" not in reply.text.lower()


def test_introspection(production: Client) -> None:
    assert not has_data(post(production, "query { __schema { types { name } } }"))
    assert not has_data(post(production, '{ __type(name: "Query") { fields { name } } }'))
    assert "type " not in post(production, "{ _service { sdl } }").text


def test_queries_by_get_that_a_page_could_send(production: Client) -> None:
    reply = production.http.get("/graphql", params={"query": "query cop { __typename }"})
    assert not has_data(reply)


def test_mutations_by_get(production: Client) -> None:
    for headers in ({}, {"accept": "application/json"}, {"apollo-require-preflight": "1"}):
        reply = production.http.get(
            "/graphql", params={"query": "mutation cop { __typename }"}, headers=headers
        )
        assert not has_data(reply)


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]
)
def test_posts_that_a_page_could_send(production: Client, content_type: str) -> None:
    reply = production.http.post(
        "/graphql", content=b"query=%7B__typename%7D", headers={"content-type": content_type}
    )
    assert not has_data(reply)


def test_trace_and_unhandled_errors(production: Client) -> None:
    """Neither tracing extensions nor stack traces."""
    for query in (
        "query cop { __typename }",
        "qwerty cop { abc }",
        "query { ... }",
        "\0",
        "{ cases { nodes { id } } }",
    ):
        reply = post(production, query)
        assert "tracing" not in reply.text
        assert "Traceback" not in reply.text
        assert reply.status_code < 500
        for error in reply.json().get("errors", []):
            assert "exception" not in error["extensions"]
            assert "stacktrace" not in error["extensions"]


def test_an_honest_client_works_all_the_same(production: Client) -> None:
    reply = post(production, "{ regions(first: 1) { totalCount nodes { name } } }")
    assert reply.json()["data"]["regions"]["totalCount"] > 1
    assert "ratelimit" in reply.headers
    assert production.ask("{ cases(first: 1) { totalCount } }", token=CLERK).status == 200
