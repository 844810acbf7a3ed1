"""What is wrong with a question is said with a code, a clear sentence and the HTTP status that GraphQL over HTTP has for
it; never as our own fault, and never by a trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateways import CLERK, ROOT, Client, child_gateway, here
from tests.e2e.stubs import declaration

OURS = {"INTERNAL", "INTERNAL_SERVER_ERROR", "GRAPHQL_PLANNING_FAILED"}
DEEP = '{region(code: "500107") {' + "parent {" * 16 + "code" + "}" * 18
LONG = "{" + " ".join('region(code: "500107") {code}' for _ in range(400)) + "}"
WIDE = "{" + " ".join(f"r{number}: regions(first: 1) {{totalCount}}" for number in range(21)) + "}"

REQUEST_ERRORS: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("an unknown field", "{cases {nodes {nope}}}", {}, "GRAPHQL_VALIDATION_FAILED", "'nope'"),
    ("an unknown root field", "{nope}", {}, "GRAPHQL_VALIDATION_FAILED", "'nope'"),
    ("an unknown argument", "{cases(nope: 1) {totalCount}}", {}, "GRAPHQL_VALIDATION_FAILED", "'nope'"),
    ("no selection", "{cases}", {}, "GRAPHQL_VALIDATION_FAILED", "subfields"),
    ("a syntax error", "{cases(first: 1) {", {}, "GRAPHQL_PARSE_FAILED", "Syntax Error"),
    ("a bad enum", "{cases(states: [NOPE]) {totalCount}}", {}, "GRAPHQL_VALIDATION_FAILED", "CaseState"),
    (
        "a bad enum in a variable",
        "query ($s: [CaseState!]) {cases(states: $s) {totalCount}}",
        {"s": ["NOPE"]},
        "BAD_USER_INPUT",
        "CaseState",
    ),
    ("a text for a number", '{cases(first: "two") {totalCount}}', {}, "GRAPHQL_VALIDATION_FAILED", "Int"),
    (
        "a text for a number in a variable",
        "query ($f: Int) {cases(first: $f) {totalCount}}",
        {"f": "two"},
        "BAD_USER_INPUT",
        "Int",
    ),
    ("a missing argument", "{case {id}}", {}, "GRAPHQL_VALIDATION_FAILED", "id"),
    (
        "a missing variable",
        "query ($n: String!) {caseProgress(number: $n) {number}}",
        {},
        "BAD_USER_INPUT",
        "$n",
    ),
    (
        "an applicant without number",
        "{cases(applicant: {}) {totalCount}}",
        {},
        "GRAPHQL_VALIDATION_FAILED",
        "number",
    ),
    ("a deep query", DEEP, {}, "LIMIT_EXCEEDED", "deep"),
    ("too many tokens", LONG, {}, "GRAPHQL_PARSE_FAILED", "2000 tokens"),
    ("too many root fields", WIDE, {}, "LIMIT_EXCEEDED", "root fields"),
    ("a mutation", "mutation {nope}", {}, "GRAPHQL_VALIDATION_FAILED", "Mutation"),
    ("a subscription", "subscription {nope}", {}, "GRAPHQL_VALIDATION_FAILED", "Subscription"),
    ("two operations", "query A {__typename} query B {__typename}", {}, "OPERATION_NAME_REQUIRED", "A, B"),
    ("a fragment in a circle", "{...A} fragment A on Query {...A}", {}, "GRAPHQL_VALIDATION_FAILED", "A"),
]

BAD_SCALARS: list[tuple[str, str, dict[str, Any], str]] = [
    ("a date that does not exist", '{cases(from: "2017-02-30") {totalCount}}', {}, "Date"),
    ("a date in words", '{cases(to: "yesterday") {totalCount}}', {}, "Date"),
    ("a number for a date", "{cases(from: 20170101) {totalCount}}", {}, "Date"),
    ("a date in a variable", "query ($d: Date) {cases(from: $d) {totalCount}}", {"d": "2017/01/01"}, "Date"),
    ("a moment", '{legacySystem(code: "JT-PERMIT") {changes(since: "soon") {nodes {id}}}}', {}, "DateTime"),
    ("a region", '{cases(region: "!!") {totalCount}}', {}, "RegionCode"),
    ("a department", '{cases(department: "115000000090001628") {totalCount}}', {}, "Uscc"),
    ("a date in the house", '{regions(asOf: "2017-99-99") {totalCount}}', {}, "Date"),
    (
        "a date in the house in a variable",
        "query ($d: Date) {regions(asOf: $d) {totalCount}}",
        {"d": "99"},
        "Date",
    ),
    ("a region in the house", '{regions(parent: "!!") {totalCount}}', {}, "RegionCode"),
]

FIELD_ERRORS: list[tuple[str, str, str, str, str]] = [
    ("first of 0", "cases(first: 0) {totalCount}", "cases", "LIMIT_EXCEEDED", "between 1 and 100, got 0"),
    ("a negative first", "cases(first: -5) {totalCount}", "cases", "LIMIT_EXCEEDED", "got -5"),
    ("first of a million", "cases(first: 1000000) {totalCount}", "cases", "LIMIT_EXCEEDED", "got 1000000"),
    ("a deadline of 0", "cases(deadlineMs: 0) {totalCount}", "cases", "LIMIT_EXCEEDED", "deadlineMs"),
    ("a cursor of nobody", 'cases(after: "abc") {totalCount}', "cases", "CURSOR_INVALID", "cursor"),
    ("a cursor in Chinese", 'cases(after: "办件") {totalCount}', "cases", "CURSOR_INVALID", "cursor"),
    (
        "an endless cursor",
        f'cases(after: "{"A" * 60000}") {{totalCount}}',
        "cases",
        "CURSOR_INVALID",
        "cursor",
    ),
    ("an unknown system", 'cases(systems: ["NOPE"]) {totalCount}', "cases", "SYSTEM_UNKNOWN", "JT-PERMIT"),
    ("an unknown case", 'case(id: "JT-PERMIT:JT2017-999999") {id}', "case", "CASE_NOT_FOUND", "JT-PERMIT"),
    ("a case of an unknown system", 'case(id: "NOPE:1") {id}', "case", "SYSTEM_UNKNOWN", "JT-PERMIT"),
    ("a case id that is none", 'case(id: "JT2017") {id}', "case", "IDENTIFIER_INVALID", "SYSTEM:NUMBER"),
    ("an empty case id", 'case(id: "") {id}', "case", "IDENTIFIER_INVALID", "SYSTEM:NUMBER"),
]


def doubling(levels: int, on: str, leaf: str) -> str:
    """Fragments of which each spreads the next one twice: few tokens, 2**levels selections."""
    links = " ".join(
        f"fragment F{level} on {on} {{...F{level + 1} ...F{level + 1}}}" for level in range(levels)
    )
    return f"{links} fragment F{levels} on {on} {{{leaf}}}"


@pytest.mark.parametrize(
    "query",
    [
        "{...F0} " + doubling(100, "Query", "__typename"),
        '{region(code: "500107") {...F0}} ' + doubling(100, "Region", "name"),
    ],
    ids=["at the root", "below it"],
)
def test_fragments_that_double_do_not_stop_the_gateway(systems_dir: Path, tmp_path: Path, query: str) -> None:
    (systems_dir / "aa.yaml").write_text(declaration("AA", "http://127.0.0.1:9"), encoding="utf-8")
    with child_gateway(tmp_path, systems_dir, {}) as child:  # which can be killed
        child.client.http.timeout = 5.0
        asked = child.client.ask(query, token=None)
        assert asked.codes == ["LIMIT_EXCEEDED"] or asked.errors == []
        assert child.client.http.get("/health/live").status_code == 200


def post(client: Client, body: Any, accept: str = "application/graphql-response+json") -> tuple[int, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = client.http.post(
        "/graphql",
        content=content,
        headers={
            "content-type": "application/json",
            "accept": accept,
            "authorization": f"Bearer {CLERK}",
        },
    )
    return reply.status_code, reply.json()


@pytest.mark.parametrize(
    ("query", "variables", "code", "words"),
    [case[1:] for case in REQUEST_ERRORS],
    ids=[case[0] for case in REQUEST_ERRORS],
)
def test_a_request_that_cannot_be_run_is_refused_whole(
    gateway: Client, query: str, variables: dict[str, Any], code: str, words: str
) -> None:
    asked = gateway.ask(query, variables)
    assert asked.status == 400
    assert "data" not in asked.body
    assert set(asked.codes) == {code}
    assert words in asked.text
    assert "Traceback" not in asked.text
    # older clients take 200 to mean that the HTTP exchange itself was fine
    assert gateway.ask(query, variables, accept="application/json").status == 200


@pytest.mark.parametrize(
    ("query", "variables", "scalar"),
    [case[1:] for case in BAD_SCALARS],
    ids=[case[0] for case in BAD_SCALARS],
)
def test_a_value_that_is_no_date_region_or_code_is_refused_whole(
    gateway: Client, query: str, variables: dict[str, Any], scalar: str
) -> None:
    asked = gateway.ask(query, variables)
    assert asked.status == 400, asked.text
    assert "data" not in asked.body
    assert set(asked.codes) <= {"GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"}
    assert scalar in asked.errors[0]["message"]


@pytest.mark.parametrize(
    ("field", "root", "code", "words"),
    [case[1:] for case in FIELD_ERRORS],
    ids=[case[0] for case in FIELD_ERRORS],
)
def test_a_field_that_cannot_be_answered_is_null_and_the_rest_answers(
    gateway: Client, field: str, root: str, code: str, words: str
) -> None:
    asked = gateway.ask("{ " + field + ' region(code: "500107") { name } }')
    assert asked.status == 200
    assert asked.data == {root: None, "region": {"name": "九龙坡区"}}
    [error] = asked.errors
    assert (error["path"], error["extensions"]["code"]) == ([root], code)
    assert words in error["message"]
    assert len(error["message"]) < 500
    assert not OURS & set(asked.codes)


@pytest.mark.parametrize(
    ("field", "root", "code"),
    [
        ("regions(first: 0) {totalCount}", "regions", "LIMIT_EXCEEDED"),
        ("departments(first: 1000000) {totalCount}", "departments", "LIMIT_EXCEEDED"),
        ('legacySystems(after: "zz") {totalCount}', "legacySystems", "CURSOR_INVALID"),
        ('availability(item: "nope", region: "500107") {available}', "availability", "NOT_FOUND"),
        ('availability(item: "500128001000", region: "999999") {available}', "availability", "NOT_FOUND"),
        ('serviceItems(region: "999999") {totalCount}', "serviceItems", "NOT_FOUND"),
    ],
)
def test_a_bad_question_to_the_house_is_told_with_its_path(
    gateway: Client, field: str, root: str, code: str
) -> None:
    asked = gateway.ask("{" + field + "}")
    assert asked.status == 200
    [error] = asked.errors
    assert (error["path"], error["extensions"]["code"]) == ([root], code)


def test_a_bad_question_to_the_house_costs_its_own_field_only(gateway: Client) -> None:
    asked = gateway.ask(
        '{availability(item: "nope", region: "500107") {available} case(id: "JT-PERMIT:JT2017-000001") {id}}'
    )
    assert asked.codes == ["NOT_FOUND"]
    assert asked.data == {"availability": None, "case": {"id": "JT-PERMIT:JT2017-000001"}}


def test_an_unknown_number_is_told_by_system(gateway: Client) -> None:
    query = "query ($n: String!) { caseProgress(number: $n) { cases { id } sources { system status } } }"
    asked = gateway.ask(query, {"n": "JT2017-999999"})
    assert asked.codes == ["CASE_NOT_FOUND"]
    assert asked.data["caseProgress"] == {"cases": [], "sources": [{"system": "JT-PERMIT", "status": "OK"}]}
    asked = gateway.ask(query, {"n": "no form that anyone has"})
    assert asked.codes == ["CASE_NOT_FOUND"]
    assert "of this form" in asked.errors[0]["message"]
    assert asked.data["caseProgress"]["sources"] == []


@pytest.mark.parametrize(
    "number", ["", "   ", "'; DROP TABLE--", "../../etc/passwd", "<a>&b;", "\u202eJT", "9" * 5000]
)
def test_a_number_of_any_kind_is_only_a_number(gateway: Client, number: str) -> None:
    query = "query ($n: String!, $id: ID!) { caseProgress(number: $n) { cases { id } } case(id: $id) { id } }"
    for system in ("FGW-INVEST", "GHJ-PLAN", "GSJ-LICENSE", "MZJ-CIVIL", "RSJ-SOCIAL", "GA-ENTRY"):
        asked = gateway.ask(query, {"n": number, "id": f"{system}:{number}"})
        assert asked.data["case"] is None
        assert asked.data["caseProgress"]["cases"] == []
        assert not OURS & set(asked.codes)


def test_a_cursor_belongs_to_its_arguments(gateway: Client) -> None:
    query = """query ($states: [CaseState!], $systems: [ID!], $after: String) {
      cases(states: $states, systems: $systems, first: 2, after: $after) { pageInfo { endCursor } } }"""
    given = {"states": ["CLOSED"], "systems": ["JT-PERMIT"]}
    cursor = gateway.data(query, given)["cases"]["pageInfo"]["endCursor"]
    assert gateway.data(query, given | {"after": cursor})["cases"]["pageInfo"]["endCursor"] != cursor
    for other in ({"states": ["ACCEPTED"]}, {"systems": ["MZJ-CIVIL"]}, {"states": None}):
        asked = gateway.ask(query, given | other | {"after": cursor})
        assert asked.codes == ["CURSOR_INVALID"]
        assert "other arguments" in asked.errors[0]["message"]
    for broken in (cursor[:-2], cursor[::-1], cursor.swapcase()):
        assert gateway.ask(query, given | {"after": broken}).codes == ["CURSOR_INVALID"]


def test_a_cursor_of_another_list_is_refused(gateway: Client) -> None:
    cursor = gateway.data("{regions(first: 2) {pageInfo {endCursor}}}")["regions"]["pageInfo"]["endCursor"]
    for field in ("cases", "departments", "serviceItems"):
        asked = gateway.ask("query ($c: String) {" + field + "(after: $c) {totalCount}}", {"c": cursor})
        assert asked.codes == ["CURSOR_INVALID"]


def test_a_cursor_of_another_gateway_is_refused(
    gateway: Client, city_environ: dict[str, str], tmp_path: Path
) -> None:
    query = 'query ($c: String) {cases(systems: ["JT-PERMIT"], first: 2, after: $c) {pageInfo {endCursor}}}'
    with here(
        tmp_path, ROOT / "systems", city_environ, watch=False, secret_key="another key of no use, 98765"
    ) as other:
        cursor = other.data(query)["cases"]["pageInfo"]["endCursor"]
    assert gateway.ask(query, {"c": cursor}).codes == ["CURSOR_INVALID"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "MALFORMED_JSON"),
        (b"\xff\xfe", 400, "MALFORMED_JSON"),
        (b"", 400, "MALFORMED_JSON"),
        ([{"query": "{__typename}"}], 400, "BATCHING_NOT_SUPPORTED"),
        ({"query": 5}, 400, "BAD_REQUEST"),
        ({}, 400, "QUERY_MISSING"),
        ({"query": "{__typename}", "variables": []}, 400, "BAD_REQUEST"),
        ({"query": "{__typename}", "operationName": 5}, 400, "BAD_REQUEST"),
        ({"query": "query A {__typename}", "operationName": "B"}, 400, "OPERATION_NAME_UNKNOWN"),
        ({"query": "#" * 2_000_000}, 413, "BODY_TOO_LARGE"),
    ],
)
def test_a_body_that_is_no_request(gateway: Client, body: Any, status: int, code: str) -> None:
    got, answer = post(gateway, body)
    assert got == status
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert "data" not in answer


def test_what_is_not_graphql_over_http_is_refused(gateway: Client) -> None:
    http = gateway.http
    assert (
        http.post("/graphql", content="{__typename}", headers={"content-type": "text/plain"}).status_code
        == 415
    )
    assert http.put("/graphql", json={"query": "{__typename}"}).status_code == 405
    asked = {"query": "{__typename}"}
    assert http.get("/graphql", params=asked).json()["errors"][0]["extensions"]["code"] == "CSRF_REFUSED"
    given = http.get("/graphql", params=asked, headers={"accept": "application/json"})
    assert given.json() == {"data": {"__typename": "Query"}}
    reply = http.post("/graphql", json={"query": "{__typename}"}, headers={"accept": "image/png"})
    assert reply.status_code == 406
    assert http.get("/nowhere").json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"
