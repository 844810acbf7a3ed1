"""@context and @fromContext: what stands above an object becomes an argument below it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from adapters.fetch import FetchError, RequestContext
from adapters.testing import ScriptedSubgraph
from gateway.operation import ExecutionAnswer, OperationError, PreparedOperation, prepare
from schema.compose import Composition, SubgraphSchema, compose, read_supergraph

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ["@key", "@external", '
    '"@requires", "@shareable", "@context", "@fromContext", "@interfaceObject"])\n'
)
BANK = """
type Query { users: [User] }
type User @key(fields: "id") @context(name: "user") { id: ID! currency: String accounts: [Account] best: Transfer }
type Account @key(fields: "id") { id: ID! transfers: [Transfer] }
type Transfer @key(fields: "id") { id: ID! amount(in: String @fromContext(field: "$user { currency }"), scale: Int): String }
"""
USERS = [
    {"id": "u1", "currency": "CNY", "accounts": [{"id": "a1", "transfers": [{"id": "t1"}, {"id": "t2"}]}]},
    {"id": "u2", "currency": "EUR", "accounts": [{"id": "a2", "transfers": [{"id": "t1"}, None]}, None]},
    None,
    {"id": "u3", "currency": "CNY", "accounts": [{"id": "a3", "transfers": [{"id": "t3"}]}]},
    {
        "id": "u4",
        "currency": None,
        "accounts": [{"id": "a4", "transfers": [{"id": "t1"}]}],
        "best": {"id": "t9"},
    },
]


def amount(item: dict[str, Any], _info: Any, **arguments: Any) -> str:
    return f"{item['id']} in {arguments}"


def bank(users: list[Any] = USERS) -> ScriptedSubgraph:
    return ScriptedSubgraph(
        "bank",
        LINK + BANK,
        resolvers={"Query.users": lambda *_: users, "Transfer.amount": amount},
        entities={"Transfer": lambda found: {"id": found["id"]}, "User": lambda found: found},
    )


def composed(*subgraphs: ScriptedSubgraph) -> Composition:
    found = compose([SubgraphSchema(item.name, None, item.sdl) for item in subgraphs])
    assert found.errors == ()
    return found


def prepared(
    composition: Composition, text: str, *subgraphs: ScriptedSubgraph
) -> PreparedOperation | list[OperationError]:
    assert composition.supergraph is not None
    assert composition.api_schema is not None
    network = {item.name: item for item in subgraphs}
    return prepare(composition.api_schema, composition.supergraph, network, text)


def answer(
    text: str, *subgraphs: ScriptedSubgraph, variables: Mapping[str, Any] | None = None
) -> ExecutionAnswer:
    operation = prepared(composed(*subgraphs), text, *subgraphs)
    assert isinstance(operation, PreparedOperation), operation
    return asyncio.run(operation.execute(variables or {}, RequestContext(deadline=float("inf"))))


def amounts(user: Mapping[str, Any]) -> list[str]:
    return [
        transfer["amount"]
        for account in user["accounts"]
        if account
        for transfer in account["transfers"]
        if transfer
    ]


def test_each_object_is_asked_with_the_value_above_it_in_one_operation() -> None:
    subgraph = bank()
    found = answer("{ users { accounts { transfers { amount } } } }", subgraph)
    assert found.errors == []
    assert found.data is not None
    users = [user for user in found.data["users"] if user]
    assert [amounts(user) for user in users] == [
        ["t1 in {'in': 'CNY'}", "t2 in {'in': 'CNY'}"],
        ["t1 in {'in': 'EUR'}"],
        ["t3 in {'in': 'CNY'}"],
        ["t1 in {'in': None}"],
    ]
    first, second = subgraph.fetches
    assert "currency" in first.text
    variables = dict(second.variables)
    asked = {
        variables[f"contextualArgument_0_{slot}"]: [
            item["id"] for item in variables[f"representations_{slot}"]
        ]
        for slot in range(3)
    }
    assert asked == {"CNY": ["t1", "t2", "t3"], "EUR": ["t1"], None: ["t1"]}


def test_a_plan_says_where_the_value_stands() -> None:
    operation = prepared(composed(bank()), "{ users { accounts { transfers { amount } } } }", bank())
    assert isinstance(operation, PreparedOperation)
    fetch = operation.plan.fetches()[1].to_json()
    assert fetch["operation"].startswith(
        "query ($representations: [_Any!]!, $contextualArgument_0: String) {"
    )
    assert fetch["contextRewrites"] == [
        {"kind": "KeyRenamer", "path": ["..", "..", "currency"], "renameKeyTo": "contextualArgument_0"}
    ]


def test_values_that_are_many_are_asked_in_several_operations() -> None:
    users = [{"id": f"u{n}", "currency": f"c{n}", "best": {"id": "t"}} for n in range(130)]
    subgraph = bank(users)
    found = answer("{ users { best { amount } } }", subgraph)
    assert found.data is not None
    assert [user["best"]["amount"] for user in found.data["users"]] == [
        f"t in {{'in': 'c{n}'}}" for n in range(130)
    ]
    assert [fetch.text.count("_entities(") for fetch in subgraph.fetches] == [0, 64, 64, 2]


def test_a_variable_of_the_client_with_that_name_is_left_alone() -> None:
    subgraph = bank(USERS[:2])
    text = (
        "query ($contextualArgument_0: Boolean!, $representations_0: Boolean!) { users { best { id } accounts "
        "{ transfers { amount @include(if: $contextualArgument_0) id @skip(if: $representations_0) } } } }"
    )
    variables = {"contextualArgument_0": True, "representations_0": True}
    found = answer(text, subgraph, variables=variables)
    assert found.errors == []
    assert found.data is not None
    assert amounts(found.data["users"][1]) == ["t1 in {'in': 'EUR'}"]


def test_nothing_is_fetched_for_a_field_that_is_skipped() -> None:
    subgraph = bank()
    text = "query ($not: Boolean!) { users { id accounts { transfers { id amount @skip(if: $not) } } } }"
    answer(text, subgraph, variables={"not": True})
    (only,) = subgraph.fetches
    assert only.text.count("currency @skip(if: $not)") == 1


def test_the_nearest_object_that_sets_the_context_wins() -> None:
    sdl = """
    type Query @context(name: "c") { word: String tree: Node leaf: Leaf }
    type Node @key(fields: "id") @context(name: "c") { id: ID! word: String child: Node plain: Plain leaf: Leaf }
    type Plain { leaf: Leaf }
    type Leaf @key(fields: "id") { id: ID! said(of: String @fromContext(field: "$c { word }")): String }
    """
    leaf = {"id": "l"}
    tree = {
        "id": "1",
        "word": "outer",
        "leaf": leaf,
        "plain": {"leaf": leaf},
        "child": {"id": "2", "word": "inner", "leaf": leaf, "plain": {"leaf": leaf}},
    }
    subgraph = ScriptedSubgraph(
        "a",
        LINK + sdl,
        resolvers={
            "Query.word": lambda *_: "root",
            "Query.leaf": lambda *_: leaf,
            "Query.tree": lambda *_: tree,
            "Leaf.said": lambda _leaf, _info, of: of,
        },
        entities={"Leaf": lambda found: found},
    )
    found = answer(
        "{ leaf { said } tree { leaf { said } plain { leaf { said } } child { leaf { said } plain { leaf { said } } } } }",
        subgraph,
    )
    inner = {"leaf": {"said": "inner"}, "plain": {"leaf": {"said": "inner"}}}
    assert found.data == {
        "leaf": {"said": "root"},
        "tree": {"leaf": {"said": "outer"}, "plain": {"leaf": {"said": "outer"}}, "child": inner},
    }


MIXED = """
type Query @context(name: "c") { all: [Any] word: String }
union Any = A | B | C
type A @key(fields: "id") @context(name: "c") { id: ID! word: String leaf: Leaf }
type B @key(fields: "id") @context(name: "c") { id: ID! inner: Inner leaf: Leaf }
type C { id: ID! leaf: Leaf }
type Inner { name: String word: String }
type Leaf @key(fields: "id") {
  id: ID!
  said(
    of: String @fromContext(field: "$c ... on Query { word } ... on A { word } ... on B { inner { name } }")
    by: String @fromContext(field: "$c ... on Query { word } ... on A { word } ... on B { inner { word } }")
  ): String
}
"""


def test_types_of_a_union_set_the_context_by_other_fields_or_not_at_all() -> None:
    leaf = {"id": "l"}
    everything = [
        {"__typename": "A", "id": "1", "word": "a", "leaf": leaf},
        {"__typename": "B", "id": "2", "inner": {"name": "b", "word": "w"}, "leaf": leaf},
        {"__typename": "C", "id": "3", "leaf": leaf},
        {"__typename": "B", "id": "4", "inner": None, "leaf": leaf},
    ]
    subgraph = ScriptedSubgraph(
        "a",
        LINK + MIXED,
        resolvers={
            "Query.word": lambda *_: "root",
            "Query.all": lambda *_: everything,
            "Leaf.said": lambda _leaf, _info, of, by: f"{of} {by}",
        },
        entities={"Leaf": lambda found: found},
    )
    leaves = "leaf { said }"
    found = answer(
        f"{{ all {{ ... on A {{ {leaves} }} ... on B {{ {leaves} }} ... on C {{ {leaves} }} }} }}", subgraph
    )
    assert found.errors == []
    assert found.data is not None
    assert [item["leaf"]["said"] for item in found.data["all"]] == ["a a", "b w", "root root", "None None"]
    assert len(subgraph.fetches) == 2


def two_subgraphs() -> tuple[ScriptedSubgraph, ScriptedSubgraph]:
    """The value is another subgraph's, and so is what @requires asks for."""
    people = ScriptedSubgraph(
        "people",
        LINK
        + 'type Query { users: [User] } type User @key(fields: "id") { id: ID! currency: Currency } '
        + 'type Currency @shareable { code: String! } type Transfer @key(fields: "id") { id: ID! weight: Int }',
        resolvers={
            "Query.users": lambda *_: [{"id": f"u{n}", "currency": {"code": f"c{n}"}} for n in range(2)]
        },
        entities={
            "Transfer": lambda found: {**found, "weight": 7},
        },
    )
    bank_sdl = """
    type User @key(fields: "id") @context(name: "user") { id: ID! currency: Currency @external best: Transfer }
    type Currency @shareable { code: String! }
    type Transfer @key(fields: "id") { id: ID! weight: Int @external
      amount(in: String @fromContext(field: "$user { currency { code } }"), times: Int = 1): String @requires(fields: "weight") }
    """
    other = ScriptedSubgraph(
        "bank",
        LINK + bank_sdl,
        resolvers={
            "Transfer.amount": lambda item, _info, times, **given: (
                f"{item['weight']} x {times} in {given['in']}"
            )
        },
        entities={"User": lambda found: {**found, "best": {"id": "t1"}}, "Transfer": lambda found: found},
    )
    return people, other


def test_a_value_comes_from_another_subgraph_beside_what_is_required() -> None:
    people, other = two_subgraphs()
    found = answer("{ users { best { amount twice: amount(times: 2) } } }", people, other)
    assert found.errors == []
    assert found.data is not None
    assert [user["best"] for user in found.data["users"]] == [
        {"amount": f"7 x 1 in c{n}", "twice": f"7 x 2 in c{n}"} for n in range(2)
    ]
    assert [len(item.fetches) for item in (people, other)] == [2, 2]


def test_a_value_that_cannot_be_had_is_an_error_at_the_field_and_never_a_null_argument() -> None:
    sdl = 'type User @key(fields: "id") { id: ID! currency: String }'
    money = ScriptedSubgraph("money", LINK + sdl, entities={"User": lambda found: found})
    money.failure = FetchError("down")
    own = BANK.replace("currency: String", "currency: String @external")
    subgraph = ScriptedSubgraph(
        "bank",
        LINK + own,
        resolvers={"Query.users": lambda *_: [{"id": "u1", "best": {"id": "t1"}}], "Transfer.amount": amount},
        entities={"Transfer": lambda found: found, "User": lambda found: found},
    )
    found = answer("{ users { id best { id amount } } }", subgraph, money)
    assert found.data == {"users": [{"id": "u1", "best": {"id": "t1", "amount": None}}]}
    assert [(error["path"], error["extensions"]["code"]) for error in found.errors] == [
        (["users", 0], "SUBREQUEST_FAILED"),
        (["users", 0, "best", "amount"], "CONTEXT_VALUE_MISSING"),
    ]
    assert len(subgraph.fetches) == 1


def test_one_entity_below_two_contexts_has_two_values() -> None:
    """Both groups have the same user, who is asked for once; what is read below is each group's own."""
    groups = ScriptedSubgraph(
        "groups",
        LINK
        + 'type Query { groups: [Group] } type Group @key(fields: "id") { id: ID! tongue: String users: [User] } '
        + 'type User @key(fields: "id") { id: ID! }',
        resolvers={
            "Query.groups": lambda *_: [
                {"id": str(n), "tongue": tongue, "users": [{"id": "u1"}, {"id": "u1"}]}
                for n, tongue in enumerate(("zh", "en"))
            ]
        },
    )
    words = ScriptedSubgraph(
        "words",
        LINK
        + 'type Group @key(fields: "id") @context(name: "group") { id: ID! tongue: String @external } '
        + 'type User @key(fields: "id") { id: ID! notes: [Note] } '
        + 'type Note @key(fields: "id") { id: ID! text(in: String @fromContext(field: "$group { tongue }")): String }',
        resolvers={"Note.text": lambda item, _info, **given: f"{item['id']} in {given['in']}"},
        entities={
            "User": lambda found: {**found, "notes": [{"id": "n1"}]},
            "Note": lambda found: found,
            "Group": lambda found: found,
        },
    )
    found = answer("{ groups { users { notes { text } } } }", groups, words)
    assert found.data == {
        "groups": [{"users": [{"notes": [{"text": f"n1 in {tongue}"}]}] * 2} for tongue in ("zh", "en")]
    }
    assert [len(fetch.variables.get("representations", ())) for fetch in words.fetches] == [1, 0]


APOLLO = """
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/context/v0.1", for: SECURITY) { query: Query }
directive @context(name: String!) repeatable on INTERFACE | OBJECT | UNION
directive @context__fromContext(field: context__ContextFieldValue) on ARGUMENT_DEFINITION
enum join__Graph { BANK @join__graph(name: "bank", url: "http://bank") }
scalar context__ContextFieldValue
type Query @join__type(graph: BANK) { users: [User] stray: Transfer }
type User @join__type(graph: BANK, key: "id") @context(name: "bank__user") {
  id: ID! currency: String accounts: [Account] best: Transfer }
type Account @join__type(graph: BANK, key: "id") { id: ID! transfers: [Transfer] }
type Transfer @join__type(graph: BANK, key: "id") {
  id: ID!
  amount: String @join__field(graph: BANK, contextArguments: [{context: "bank__user", name: "in", type: "String", selection: " { currency }"}])
}
"""


def test_a_supergraph_of_another_composer_has_contexts_too() -> None:
    subgraph = bank(USERS[:1])
    operation = prepared(read_supergraph(APOLLO), "{ users { accounts { transfers { amount } } } }", subgraph)
    assert isinstance(operation, PreparedOperation), operation
    found = asyncio.run(operation.execute({}, RequestContext(deadline=float("inf"))))
    assert found.data is not None
    assert amounts(found.data["users"][0]) == ["t1 in {'in': 'CNY'}", "t2 in {'in': 'CNY'}"]


def test_a_field_below_nothing_that_sets_its_context_has_no_plan() -> None:
    """Composition refuses such a graph; a finished file may hold one."""
    found = prepared(read_supergraph(APOLLO), "{ stray { amount } }", bank())
    assert isinstance(found, list)
    assert found[0].code == "QUERY_PLAN_UNREACHABLE_FIELD"


@pytest.mark.parametrize("text", ["mutation { raise { best { amount } } }"])
def test_what_a_mutation_returns_sets_contexts_too(text: str) -> None:
    sdl = BANK + "type Mutation { raise: User }"
    subgraph = ScriptedSubgraph(
        "bank",
        LINK + sdl,
        resolvers={
            "Mutation.raise": lambda *_: {"id": "u", "currency": "CNY", "best": {"id": "t"}},
            "Transfer.amount": amount,
        },
        entities={"Transfer": lambda found: found, "User": lambda found: found},
    )
    found = answer(text, subgraph)
    assert found.data == {"raise": {"best": {"amount": "t in {'in': 'CNY'}"}}}
    assert [fetch.text.split(" ")[0] for fetch in subgraph.fetches] == ["mutation", "query"]


def test_variables_of_a_lookup_that_has_nobody_to_ask_for_are_not_sent() -> None:
    """A subgraph refuses a variable that its operation defines and does not use."""
    subgraph = bank([{**USERS[0], "best": None}])
    text = "query ($n: Int) { users { accounts { transfers { amount } } best { amount(scale: $n) } } }"
    found = answer(text, subgraph, variables={"n": 2})
    assert found.errors == []
    assert found.data is not None
    assert amounts(found.data["users"][0]) == ["t1 in {'in': 'CNY'}", "t2 in {'in': 'CNY'}"]
    assert "$n" not in subgraph.fetches[1].text
    assert "n" not in subgraph.fetches[1].variables
