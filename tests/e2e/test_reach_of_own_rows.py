"""Rows that departments add to the graph are held to the caller's reach: own types, and what other subgraphs say of cases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.e2e import stubs
from tests.e2e.gateways import SAMPLES, Client, here
from tests.e2e.services import Service, declare, service
from tests.e2e.stubs import Request, Writer, row, stub
from tests.e2e.test_own_types import own

JT, GSJ = "115000000090001627", "115000000090002340"
MINE, OTHERS = SAMPLES[0].id_number, SAMPLES[1].id_number
TOKENS = f"""tokens:
  - {{token: token-of-all, name: all, scopes: ["cases:read"]}}
  - {{token: token-of-jt, name: jt, scopes: ["cases:department"], department: "{JT}"}}
  - {{token: token-of-gsj, name: gsj, scopes: ["cases:department"], department: "{GSJ}"}}
  - {{token: token-of-county, name: county, scopes: ["cases:region"], region: "500229"}}
  - {{token: token-of-own, name: own, scopes: ["cases:own"], subject: "{MINE}"}}
  - {{token: token-of-nobody, name: nobody, scopes: ["cases:department"]}}
"""
ROWS: list[dict[str, Any]] = [
    {"no": "P1", "note": "of P1", "dept": JT, "region": "500229", "who": MINE, "case": "AA-1"},
    {"no": "P2", "note": "of P2", "dept": GSJ, "region": "500229", "who": OTHERS, "case": "AA-2"},
    {"no": "P3", "note": "of P3", "dept": GSJ, "region": "500241", "who": OTHERS, "case": "AA-2"},
    {"no": "P4", "note": "of P4", "dept": None, "region": None, "who": None, "case": "AA-1"},
]
LIMITED = '@requiresScopes(scopes: [["cases:read"], ["cases:department"], ["cases:region"], ["cases:own"]])'
SDL = f"""
type Plate @key(fields: "no") {{ no: ID! note: String }}
type PlateConnection {{ nodes: [Plate!]! pageInfo: PageInfo! totalCount: Int }}
type Query {{
  plates: [Plate!] {LIMITED}
  pages(first: Int, after: String): PlateConnection {LIMITED}
  ofCases: [Plate!] {LIMITED}
  names: [String!] {LIMITED}
  plate(no: ID!): Plate {LIMITED}
  all: [Plate!] {LIMITED}
  depots: [Depot!] @public
}}
type Depot {{ name: String case: Case }}
extend type Case {{ fee: Float plates: [Plate!]! }}
"""
REACH = "reach: {department: dept, region: region, applicant: who}"
MAP = "map: {no: no, note: note}"
FIELDS = f"""
    Query.plates: {{path: /rows, records: rows, {REACH}, {MAP}}}
    Query.pages:
      path: /rows
      query: {{page: $page.number}}
      paging: {{style: page, size: 10, total: total}}
      records: rows
      {REACH}
      {MAP}
    Query.ofCases: {{path: /rows, records: rows, reach: {{case: 'case | prefix("AA:")'}}, {MAP}}}
    Query.names: {{path: /rows, records: rows, {REACH}, value: no}}
    Query.plate: {{path: '/row/{{$args.no}}', {REACH}, {MAP}}}
    Query.all: {{path: /rows, records: rows, reach: open, {MAP}}}
    Query.depots: {{path: /rows, records: rows, map: {{name: no, case: {{at: ., id: 'case | prefix("AA:")'}}}}}}
    Plate: {{path: '/row/{{$this.no}}', {MAP}}}
    Case.fee: {{path: '/fee/{{$this.localNo}}', value: fee}}
    Case.plates: {{path: '/by-case/{{$this.localNo}}', records: rows, {MAP}}}
"""
NOTES = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
type Query { notes: [Note!] flagged: [Case!] }
type Note { text: String case: Case plate: Plate }
type Plate @key(fields: "no", resolvable: false) { no: ID! }
type Case @key(fields: "id") { id: ID! mood: String }
"""


def bearer(name: str | None) -> str | None:
    return f"token-of-{name}" if name else None


async def office(request: Request, writer: Writer) -> None:
    """Cases AA-1 (of MINE) and AA-2 (of somebody else), and rows beside them."""
    path = unquote(urlsplit(request.target).path)
    last = path.rpartition("/")[2]
    if path == "/cases":
        return await stubs.answering([row("AA-1", who=MINE), row("AA-2", who=OTHERS)])(request, writer)
    if path.startswith("/case/"):
        return await stubs.answering([row(last, who=MINE if last == "AA-1" else OTHERS)])(request, writer)
    found: Any = {"total": len(ROWS), "rows": ROWS, "fee": 3.5}
    if path.startswith("/row/"):
        found = next((one for one in ROWS if one["no"] == last), None)
    if path.startswith("/by-case/"):
        found = {"rows": [one for one in ROWS if one["case"] == last]}
    return await stubs.http(json.dumps(found).encode())(request, writer)


@contextmanager
def world(systems_dir: Path, tmp_path: Path, **how: Any) -> Iterator[tuple[Client, Service]]:
    notes = [
        {"text": one["no"], "case": {"id": f"AA:{one['case']}", "mood": "calm"}, "plate": {"no": one["no"]}}
        for one in ROWS
    ]
    flagged = [{"id": "AA:AA-1", "mood": "calm"}, {"id": "AA:AA-2", "mood": "cross"}]
    (tmp_path / "tokens.yaml").write_text(TOKENS, "utf-8")
    with ExitStack() as stack:
        server = stack.enter_context(stub(office))
        other = stack.enter_context(
            service(
                "notes",
                NOTES,
                root={"notes": notes, "flagged": flagged},
                entity=lambda one: {**one, "mood": f"mood of {one['id']}"},
            )
        )
        text = own(server.url, sdl=SDL, fields=FIELDS, **how)
        (systems_dir / "aa.yaml").write_text(text, "utf-8")
        declare(systems_dir, other)
        settings = {"watch": False, "tokens_file": str(tmp_path / "tokens.yaml")}
        yield stack.enter_context(here(tmp_path / "data", systems_dir, {}, **settings)), other


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Service]]:
    tmp = tmp_path_factory.mktemp("rows")
    (tmp / "systems").mkdir()
    with world(tmp / "systems", tmp) as running:
        yield running


SEEN = {"all": "P1 P2 P3 P4", "jt": "P1 P4", "gsj": "P2 P3", "county": "P1 P2", "own": "P1", "nobody": ""}


@pytest.mark.parametrize("token", list(SEEN))
def test_rows_are_those_in_the_callers_reach_in_every_shape(
    gateway: tuple[Client, Service], token: str
) -> None:
    client, _ = gateway
    wanted = SEEN[token].split()
    found = client.data(
        """{ plates { no } pages { nodes { no } totalCount } names
             one: plate(no: "P1") { no } two: plate(no: "P2") { no } }""",
        token=bearer(token),
    )
    assert [one["no"] for one in found["plates"]] == wanted
    assert [one["no"] for one in found["pages"]["nodes"]] == wanted
    assert found["pages"]["totalCount"] == (4 if token == "all" else None)
    assert found["names"] == wanted
    assert [one and one["no"] for one in (found["one"], found["two"])] == [
        one if one in wanted else None for one in ("P1", "P2")
    ]


def test_rows_of_cases_go_with_their_case_and_open_ones_are_for_all(gateway: tuple[Client, Service]) -> None:
    client, _ = gateway
    query = "{ ofCases { no } all { no } }"
    seen = {
        token: [one["no"] for one in client.data(query, token=bearer(token))["ofCases"]]
        for token in ("all", "own")
    }
    assert seen == {"all": ["P1", "P2", "P3", "P4"], "own": ["P1", "P4"]}
    assert len(client.data(query, token=bearer("own"))["all"]) == 4


def test_an_entity_of_which_nothing_is_said_is_for_whoever_reaches_its_system(
    gateway: tuple[Client, Service],
) -> None:
    client, _ = gateway
    query = "{ notes { text plate { no note } } }"
    for token, sees in (("all", True), ("own", False), ("county", False), (None, False)):
        asked = client.ask(query, token=bearer(token))
        assert [bool(one["plate"]["note"]) for one in asked.data["notes"]] == [sees] * 4, token


@pytest.mark.parametrize(
    ("token", "shown"), [("all", ["AA-1", "AA-2"]), ("own", ["AA-1"]), ("gsj", []), ("nobody", [])]
)
@pytest.mark.parametrize(
    "query",
    [
        "{ notes { case { id fee plates { no } } } }",  # named by a remote subgraph, answered by the system
        "{ notes { case { id mood } } }",  # named and answered by the remote subgraph
        "{ depots { case { id fee } } }",  # named and answered by the system itself
        "{ depots { case { id mood } } }",  # named by the system, answered by the remote subgraph
        "{ flagged { id mood } }",
        "{ flagged { fee id } }",
    ],
)
def test_what_is_said_of_a_case_is_for_those_who_may_see_the_case(
    gateway: tuple[Client, Service], query: str, token: str, shown: list[str]
) -> None:
    client, _ = gateway
    asked = client.ask(query, token=bearer(token))
    told = set()
    for one in next(iter(asked.data.values())):
        case = one.get("case", one)
        if case and any(case.get(name) for name in ("fee", "mood", "plates")):
            told.add(case["id"].partition(":")[2])
    assert sorted(told) == shown
    assert set(asked.codes) <= {"CASE_NOT_FOUND", "SYSTEM_UNKNOWN", "NULL_FOR_NON_NULL"}
    assert bool(asked.codes) is (len(shown) < 2)


def test_what_the_house_has_shown_is_not_asked_for_again(gateway: tuple[Client, Service]) -> None:
    client, other = gateway
    calls = 'quanyu_system_calls_total{code="ok",system="AA"}'
    before = client.metric(calls)
    nodes = client.data("{ myCases { nodes { id mood } } }", token=bearer("own"))["myCases"]["nodes"]
    assert nodes == [{"id": "AA:AA-1", "mood": "mood of AA:AA-1"}]
    assert client.metric(calls) == before + 1
    assert "AA-2" not in other.asked[-1]
