"""Questions over ledger and case files, asked of a whole gateway over HTTP, on both databases."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.database import open_database
from gateway.records import read_ledger_keys
from gateway.settings import Settings
from tests.conftest import run_apart
from tests.e2e.gateways import ROOT, Client, here, settings_of
from tests.e2e.waiting import until
from tests.views.conftest import COMPANY, TRANSPORT, Office

CASE = "JT-PERMIT:JT2017-000123"
TOKENS = {
    "supervisor": ["role:supervisor"],
    "auditor": ["role:auditor"],
    "clerk": ["role:clerk"],
    "neighbour": ["role:supervisor"],
}
REGIONS = {"neighbour": "500229"}
WHOLE = "500000"
ROOTS = {
    "worklist": "{ worklist { nodes { id } } }",
    "warnings": "{ warnings { nodes { id } } }",
    "supervision": "{ supervision { total { open } } }",
    "trace": f'{{ trace(caseId: "{CASE}") {{ caseId }} }}',
    "crossDepartmentTrail": '{ crossDepartmentTrail(projectCode: "x") { truncated } }',
    "accessRecords": "{ accessRecords { nodes { id } } }",
    "verifyChain": "{ verifyChain { intact } }",
    "myAccessRecords": "{ myAccessRecords { nodes { at } } }",
    "appealWarning": 'mutation { appealWarning(id: "none", reason: "r") { warning { id } } }',
    "decideWarning": 'mutation { decideWarning(id: "none", decision: UPHOLD, reason: "r") { warning { id } } }',
}
ALLOWED = {
    "supervisor": {"worklist", "warnings", "supervision", "appealWarning", "decideWarning"},
    "auditor": {
        "worklist",
        "warnings",
        "supervision",
        "trace",
        "crossDepartmentTrail",
        "accessRecords",
        "verifyChain",
    },
    "clerk": {"worklist", "warnings", "appealWarning"},
    "demo-citizen": {"myAccessRecords"},
    None: set(),
}


def fill(settings: Settings, url: str) -> None:
    """As the harvest would, with the keys of the gateway that is about to start."""

    async def run() -> None:
        database = open_database(url, settings.data_dir)
        office = Office(database, keys=read_ledger_keys(settings))
        await office.add(
            CASE, departmentCode=TRANSPORT, promisedAt="2017-11-28T00:00:00+08:00", itemCode=None
        )
        await office.add("GONE:1", number=COMPANY, departmentCode=TRANSPORT, title="已关停系统的办件")
        await office.add("GONE:2", departmentCode=TRANSPORT)
        await database.close()

    run_apart(run)


@pytest.fixture
def gateway_(city_environ: dict[str, str], tmp_path: Path, database_url: str) -> Iterator[Client]:
    tokens = tmp_path / "tokens.yaml"
    tokens.write_text(
        (ROOT / "samples/tokens.yaml").read_text(encoding="utf-8")
        + "".join(
            f"  - {{token: test-{name}, name: {name}, scopes: {scopes}, department: '{TRANSPORT}', "
            f"region: '{REGIONS.get(name, WHOLE)}'}}\n"
            for name, scopes in TOKENS.items()
        ),
        encoding="utf-8",
    )
    how: dict[str, Any] = {
        "watch": False,
        "harvest": False,
        "tokens_file": str(tokens),
        "database_url": database_url,
    }
    fill(settings_of(tmp_path, ROOT / "systems", **how), database_url)
    with here(tmp_path, ROOT / "systems", city_environ, token="test-clerk", **how) as client:
        yield client


def test_the_ledger_answers_beside_the_systems_and_every_look_is_recorded(gateway_: Client) -> None:
    # what the system tells now, and what the ledger knows, in one answer
    both = gateway_.data(
        f'{{ case(id: "{CASE}") {{ state rawStatus tracked {{ state asOf }} deadlines(kinds: [PROMISED]) {{ state dueAt }} '
        "warnings { level rule { id } } history { nodes { kind } } } }"
    )["case"]
    assert both["rawStatus"] == "TBCXJG"
    assert both["deadlines"] == [{"state": "MISSED", "dueAt": "2017-11-28T23:59:59+08:00"}]
    assert {"level": "RED", "rule": {"id": "T-100"}} in both["warnings"]
    assert [one["kind"] for one in both["history"]["nodes"]] == ["ACCEPT"]

    # a worklist has a case whose system is gone, and asks no system
    asked_before = gateway_.metrics().count("JT-PERMIT")
    listed = gateway_.data(
        "{ worklist { totalCount nodes { id title applicantName system { name } item { name } case { deadlines { kind } } } } }"
    )
    nodes = {one["id"]: one for one in listed["worklist"]["nodes"]}
    assert (listed["worklist"]["totalCount"], set(nodes)) == (3, {CASE, "GONE:1", "GONE:2"})
    assert nodes["GONE:1"]["system"] is None
    assert nodes["GONE:1"]["case"]["deadlines"]
    assert nodes[CASE]["applicantName"] == "陈**"
    assert gateway_.metrics().count("JT-PERMIT") == asked_before

    # the auditor sees those looks, and their own
    looks = f'query Audit {{ accessRecords(filter: {{caseId: "{CASE}"}}) {{ nodes {{ actor operation actorDepartment {{ name }} }} }} }}'
    seen = gateway_.data(looks, token="test-auditor")["accessRecords"]["nodes"]
    assert [(one["actor"], one["operation"]) for one in seen] == [("clerk", "worklist"), ("clerk", "case")]
    assert seen[0]["actorDepartment"] == {"name": "市交通委员会"}
    again = gateway_.data(looks, token="test-auditor")["accessRecords"]["nodes"]
    assert (again[0]["actor"], again[0]["operation"]) == ("auditor", "Audit")
    trace = gateway_.data(
        f'{{ trace(caseId: "{CASE}") {{ tracked {{ title }} warnings {{ id }} records(first: 100) {{ nodes {{ __typename }} }} }} }}',
        token="test-auditor",
    )["trace"]
    assert {one["__typename"] for one in trace["records"]["nodes"]} == {
        "LedgerEvent",
        "AccessRecord",
        "ChangeRecord",
    }

    # the citizen is told by which department, not by whom
    mine = gateway_.data(
        "{ myAccessRecords { nodes { byMyself department { name } caseIds } } }", token="demo-citizen"
    )["myAccessRecords"]["nodes"]
    # (of CASE the file learns from its system, in the end, that it is another's)
    told = [one for one in mine if "GONE:2" in one["caseIds"]]
    assert [(one["byMyself"], one["department"]) for one in told] == [(False, {"name": "市交通委员会"})]
    assert "GONE:1" not in str(mine)

    # what only the system tells comes beside it, for the case whose system is there
    beside = gateway_.ask("{ worklist { nodes { id case { currentStep { kind } } } } }").data["worklist"]
    steps = {one["id"]: one["case"] and one["case"]["currentStep"] for one in beside["nodes"]}
    assert steps[CASE]["kind"]

    # a card is appealed against and revoked, and its case bears it no more
    card = next(one["id"] for one in trace["warnings"] if "T-100" in one["id"])
    text = "mutation ($id: ID!) { %s { warning { state case { warnings { id } } } } }"
    away = gateway_.ask(
        text % 'decideWarning(id: $id, decision: ESCALATE, reason: "r")', {"id": card}, token="test-neighbour"
    )
    assert away.codes == ["NOT_FOUND"]  # a card of another division
    gateway_.data(text % 'appealWarning(id: $id, reason: "证据迟到")', {"id": card})
    revoked = gateway_.data(
        text % 'decideWarning(id: $id, decision: REVOKE, reason: "属实")',
        {"id": card},
        token="test-supervisor",
    )["decideWarning"]["warning"]
    assert revoked["state"] == "REVOKED"
    assert card in [one["id"] for one in revoked["case"]["warnings"]]
    checked = gateway_.data("{ verifyChain { intact findings { what } } }", token="test-auditor")[
        "verifyChain"
    ]
    assert checked == {"intact": True, "findings": []}


def test_each_question_is_for_those_who_have_its_scope(gateway_: Client) -> None:
    for token, allowed in ALLOWED.items():
        bearer = f"test-{token}" if token in TOKENS else token
        for name, query in ROOTS.items():
            codes = gateway_.ask(query, token=bearer).codes
            refused = {"FORBIDDEN", "UNAUTHENTICATED"} & set(codes)
            assert bool(refused) is (name not in allowed), (token, name, codes)


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("7-worklist", "demo-clerk"),
        ("8-supervision", "demo-supervisor"),
        ("9-trail", "demo-auditor"),
        ("9-my-records", "demo-citizen"),
    ],
)
def test_the_sample_queries_show_something_of_the_harvested_city(
    harvested: Client, name: str, token: str
) -> None:
    folder = ROOT / "samples/queries"
    variables = folder / f"{name}.json"
    given = json.loads(variables.read_text(encoding="utf-8")) if variables.exists() else {}
    data = harvested.data((folder / f"{name}.graphql").read_text(encoding="utf-8"), given, token=token)
    if name == "7-worklist":
        assert all(one["case"]["deadlines"] and one["case"]["warnings"] for one in data["worklist"]["nodes"])
        assert data["worklist"]["totalCount"] >= 20
    elif name == "8-supervision":
        departments = data["supervision"]["byDepartment"]
        assert {"市交通委员会", "市发展和改革委员会"} <= {one["department"]["name"] for one in departments}
        assert data["supervision"]["total"]["overdue"] > 0
        assert data["supervision"]["stuck"]
        assert data["warnings"]["nodes"]
    elif name == "9-trail":
        assert len(data["crossDepartmentTrail"]["departments"]) == 2
        assert data["trace"]["records"]["nodes"]
        assert data["verifyChain"]["intact"]
    else:
        assert all(one["history"]["nodes"] and one["tracked"] for one in data["myCases"]["nodes"])


@pytest.fixture(scope="module")
def harvested(city_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A gateway over two systems of the sample city, once it has read all that they have."""
    folder = tmp_path_factory.mktemp("harvested")
    systems = folder / "systems"
    systems.mkdir()
    for name in ("jt-permit.yaml", "jt-permit.graphql", "fgw-invest.yaml"):
        shutil.copy(ROOT / "systems" / name, systems / name)
    with here(folder, systems, city_environ, watch=False, harvest=True) as client:
        query = "{ legacySystems { nodes { harvest { lastGoodAt more } } } }"

        def read() -> bool:
            nodes = client.data(query)["legacySystems"]["nodes"]
            return all(one["harvest"]["lastGoodAt"] and not one["harvest"]["more"] for one in nodes)

        until(read, what="both systems are harvested", timeout_s=120)
        yield client
