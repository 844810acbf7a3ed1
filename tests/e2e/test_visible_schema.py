"""What introspection shows to whom, what a contract leaves of the graph, and policies, over one remote service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.security.contract import Contract, ContractError
from gateway.subgraphs import compose_all
from tests.e2e.gateways import Client, here
from tests.e2e.services import declare, service

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", '
    'import: ["@key", "@tag", "@policy", "@requiresScopes", "@authenticated"])\n'
)
SDL = (
    LINK
    + """type Query {
  ponds: [Pond!] @tag(name: "public")
  secrets: [Secret!] @requiresScopes(scopes: [["ponds:secret"]])
  counts: Int @authenticated
}
type Pond @tag(name: "public") {
  no: ID!
  owner: String @tag(name: "internal") @authenticated
  depth: Float @policy(policies: [["surveyor"]])
  secret: Secret
}
type Secret { text: String kind: Kind }
enum Kind { A B }
"""
)
POND = {"no": "1", "owner": "某人", "depth": 2.5, "secret": {"text": "深", "kind": "A"}}
TYPES = '{ __schema { types { name } queryType { fields { name } } } pond: __type(name: "Pond") { fields { name } } }'
TOKENS = """tokens:
  - {token: surveyor-token, name: s, scopes: [], department: "D1"}
  - {token: somebody-token, name: n, scopes: []}
  - {token: secret-token, name: x, scopes: ["ponds:secret", "cases:read"]}
"""


@pytest.fixture(scope="module")
def ponds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder with the service declared, and settings."""
    folder = tmp_path_factory.mktemp("ponds")
    (folder / "systems").mkdir()
    (folder / "tokens.yaml").write_text(TOKENS, "utf-8")
    (folder / "policies.yaml").write_text("policies: {surveyor: [{department: D1}]}", "utf-8")
    root = {"ponds": [POND], "secrets": [POND["secret"]], "counts": 7}
    with service("ponds", SDL, root=root) as running:
        declare(folder / "systems", running)
        settings = {"tokens_file": str(folder / "tokens.yaml"), "policy_file": folder / "policies.yaml"}
        yield folder, {**settings, "watch": False}


@pytest.fixture(scope="module")
def graph(ponds: tuple[Path, dict[str, Any]]) -> Iterator[Client]:
    folder, settings = ponds
    with here(folder / "graph", folder / "systems", {}, token=None, **settings) as client:
        yield client


def shown(client: Client, token: str | None) -> tuple[set[str], set[str], set[str]]:
    """(types, root fields, fields of Pond)"""
    data = client.data(TYPES, token=token)
    roots = {one["name"] for one in data["__schema"]["queryType"]["fields"]}
    pond = {one["name"] for one in (data["pond"] or {"fields": []})["fields"]}
    return {one["name"] for one in data["__schema"]["types"]}, roots, pond


def test_introspection_shows_a_caller_what_they_may_use(graph: Client) -> None:
    types, roots, pond = shown(graph, None)
    assert {"ponds", "regions", "serviceItems"} <= roots
    assert not roots & {"secrets", "counts", "cases", "case", "myCases", "receipt"}
    assert "Case" not in types
    assert "AccessPurpose" not in types
    assert pond == {"no", "secret"}

    _, roots, pond = shown(graph, "somebody-token")
    assert "counts" in roots
    assert "secrets" not in roots
    assert pond == {"no", "owner", "secret"}

    _, _, pond = shown(graph, "surveyor-token")
    assert pond == {"no", "owner", "depth", "secret"}

    types, roots, _ = shown(graph, "secret-token")
    assert {"secrets", "counts", "cases"} <= roots
    assert "Case" in types
    assert "myCases" not in roots


def test_one_callers_view_is_not_anothers_in_any_order(graph: Client) -> None:
    once = [shown(graph, token) for token in (None, "secret-token", "surveyor-token")]
    again = [shown(graph, token) for token in ("surveyor-token", None, "secret-token")]
    assert [once[2], once[0], once[1]] == again


def test_a_type_by_its_name_is_no_way_round(graph: Client) -> None:
    query = '{ __type(name: "Case") { name fields { name } } }'
    assert graph.data(query, token=None) == {"__type": None}
    assert graph.data(query, token="secret-token")["__type"]["name"] == "Case"


def test_the_sdl_for_routers_shows_the_same(graph: Client) -> None:
    query = "{ _service { sdl } }"
    assert "type Case" not in graph.data(query, token=None)["_service"]["sdl"]
    assert "type Case" in graph.data(query, token="secret-token")["_service"]["sdl"]


def test_a_field_out_of_sight_is_still_answered_with_the_reason(graph: Client) -> None:
    asked = graph.ask("{ ponds { no depth } secrets { text } }", token="somebody-token")
    assert asked.data == {"ponds": [{"no": "1", "depth": None}], "secrets": None}
    assert asked.codes == ["FORBIDDEN", "FORBIDDEN"]


def test_a_policy_is_granted_by_its_rule(graph: Client) -> None:
    assert graph.data("{ ponds { depth } }", token="surveyor-token") == {"ponds": [{"depth": 2.5}]}
    refused = graph.ask("{ ponds { depth } }", token="secret-token")
    assert refused.data == {"ponds": [{"depth": None}]}
    assert "policy:surveyor" in refused.errors[0]["message"]


def test_a_public_contract_serves_what_bears_its_tag_and_nothing_else(ponds: Any, tmp_path: Path) -> None:
    folder, settings = ponds
    with here(
        tmp_path, folder / "systems", {}, token=None, contract_include=("public",), **settings
    ) as client:
        _, roots, pond = shown(client, "secret-token")
        assert roots == {"ponds"}
        assert pond == {"no", "depth", "owner", "secret"} & pond
        assert client.data("{ ponds { no } }") == {"ponds": [{"no": "1"}]}
        for query in ("{ secrets { text } }", "{ cases { nodes { id } } }", "{ counts }"):
            asked = client.ask(query, token="secret-token")
            assert (asked.status, asked.codes) == (400, ["GRAPHQL_VALIDATION_FAILED"])


def test_an_excluded_tag_is_unknown_to_everybody(ponds: Any, tmp_path: Path) -> None:
    folder, settings = ponds
    with here(
        tmp_path, folder / "systems", {}, token=None, contract_exclude=("internal",), **settings
    ) as client:
        asked = client.ask("{ ponds { owner } }", token="secret-token")
        assert (asked.status, asked.codes) == (400, ["GRAPHQL_VALIDATION_FAILED"])
        assert client.data("{ counts }", token="secret-token") == {"counts": 7}
        assert (
            "owner: String"
            not in client.data("{ _service { sdl } }", token="secret-token")["_service"]["sdl"]
        )


def test_a_contract_that_leaves_nothing_is_refused_with_the_reason() -> None:
    composed = compose_all(())
    assert composed.composition.supergraph is not None
    with pytest.raises(ContractError, match=r"tags: \+nobody-bears-this"):
        Contract(include=frozenset({"nobody-bears-this"})).applied(composed.composition.supergraph)
