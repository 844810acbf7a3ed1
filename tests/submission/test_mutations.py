"""Filing through the endpoint: who may, what is refused and with which codes, what a receipt shows, and one key in many hands."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from samples.city import city_environment
from tests.e2e.gateways import CITIZEN, ROOT, Client, here
from tests.e2e.waiting import until
from tests.submission.conftest import REST, SOAP, Taker

CHEN = "500229197001010010"
SUBMIT = """mutation ($input: SubmitCaseInput!, $key: String!, $wait: Int) {
  submitCase(input: $input, idempotencyKey: $key, waitMs: $wait) { receipt {
    token state mode systemCode itemCode item { name } caseId localNo code reason fields materials { code size }
    applicant { displayName ... on NaturalPerson { maskedId maskedMobile } } case { id state } } } }"""
RECEIPT = """query ($token: ID!) { receipt(token: $token) {
  token state caseId case { id state timeline { nodes { kind } } } steps { at state } } }"""
GSJ_CLERK = "demo-clerk-gsj"
OTHER_CITIZEN = "another-citizen-token"
OTHER_CLERK = "another-clerk-token"


@pytest.fixture(scope="module")
def folder(takers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    systems = tmp_path_factory.mktemp("taking") / "systems"
    systems.mkdir()
    for code in (SOAP, REST):
        name = f"{code.lower()}.yaml"
        (systems / name).write_text((ROOT / "systems" / name).read_text("utf-8"), "utf-8")
    tokens = (ROOT / "samples/tokens.yaml").read_text("utf-8")
    tokens += (
        f'  - {{token: {OTHER_CITIZEN}, name: other, scopes: ["cases:own", "cases:file-own"], subject: "{_OTHER}"}}\n'
        f'  - {{token: {OTHER_CLERK}, name: clerk-2, scopes: ["cases:file", "cases:read"], department: "115000000090001702"}}\n'
    )
    (systems.parent / "tokens.yaml").write_text(tokens, "utf-8")
    return systems


_OTHER = "11010519491231002X"


@pytest.fixture(scope="module")
def client(folder: Path, takers: dict[str, str]) -> Iterator[Client]:
    settings: dict[str, Any] = {"tokens_file": str(folder.parent / "tokens.yaml"), "outbox_poll_s": 0.1}
    with here(folder.parent / "data", folder, city_environment(takers), watch=False, **settings) as made:
        yield made


def application(number: str = CHEN, **changed: Any) -> dict[str, Any]:
    given = {
        "itemCode": "500123002000",
        "applicant": {"name": "陈万奎", "number": number, "mobile": "13812340010"},
        "fields": {"businessScope": "餐饮服务"},
    }
    return given | changed


def submit(client: Client, given: dict[str, Any], key: str, *, token: str = CITIZEN, wait: int = 9000) -> Any:
    return client.ask(SUBMIT, {"input": given, "key": key, "wait": wait}, token=token)


def refused(
    client: Client, given: dict[str, Any], key: str = "key-of-a-refusal", **how: Any
) -> list[tuple[str, str]]:
    """(code, field) of every error; nothing was recorded."""
    asked = submit(client, given, key, **how)
    assert asked.data["submitCase"] is None, asked.text
    return [(one["extensions"]["code"], one["extensions"].get("field", "")) for one in asked.errors]


def test_an_applicant_files_for_oneself_and_sees_it_masked(client: Client) -> None:
    asked = submit(client, application(), "key-for-oneself")
    receipt = asked.data["submitCase"]["receipt"]
    assert (asked.errors, receipt["state"], receipt["mode"]) == ([], "FILED", "IMMEDIATE")
    assert receipt["applicant"] == {
        "displayName": "陈**",
        "maskedId": "500*************10",
        "maskedMobile": "138****0010",
    }
    assert receipt["case"] == {"id": receipt["caseId"], "state": "SUBMITTED"}
    assert receipt["item"]["name"] == "个体工商户登记"
    assert receipt["fields"] == ["businessScope"]


def test_nothing_that_names_the_applicant_lies_on_the_disk(client: Client, folder: Path) -> None:
    submit(client, application(), "key-of-the-disk")
    connection = sqlite3.connect(folder.parent / "data" / "quanyu.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = b"".join(path.read_bytes() for path in (folder.parent / "data").glob("quanyu.db*"))
    assert b"QY" in data
    for secret in (CHEN, "陈万奎", "13812340010", "餐饮服务"):
        assert secret.encode() not in data, secret


def test_the_same_key_gives_the_same_receipt_and_another_body_an_error(client: Client) -> None:
    first = submit(client, application(), "key-used-twice").data["submitCase"]["receipt"]
    again = submit(client, application(), "key-used-twice").data["submitCase"]["receipt"]
    assert again == first
    other = application(fields={"businessScope": "茶叶零售"})
    assert refused(client, other, "key-used-twice") == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]


def test_a_key_is_its_own_clients(client: Client) -> None:
    mine = submit(client, application(), "a-shared-key").data["submitCase"]["receipt"]
    theirs = submit(client, application(_OTHER), "a-shared-key", token=OTHER_CITIZEN).data["submitCase"][
        "receipt"
    ]
    assert mine["token"] != theirs["token"]


def test_every_problem_is_told_at_once_with_its_field(client: Client) -> None:
    given = application(
        applicant={"number": CHEN},
        fields={"capital": -1, "extra": 1},
        materials=[{"code": "X", "content": "?"}],
    )
    assert sorted(refused(client, given, "short")) == sorted(
        [
            ("IDEMPOTENCY_KEY_INVALID", "idempotencyKey"),
            ("FIELD_MISSING", "applicant.name"),
            ("FIELD_MISSING", "applicant.mobile"),
            ("FIELD_MISSING", "fields.businessScope"),
            ("FIELD_INVALID", "fields.capital"),
            ("FIELD_UNKNOWN", "fields.extra"),
            ("MATERIAL_UNKNOWN", "materials.0"),
        ]
    )


def test_where_nothing_can_be_filed(client: Client) -> None:
    clerk = {"token": GSJ_CLERK}
    assert refused(client, application(itemCode="500128001000"), **clerk) == [("ITEM_NOT_ACCEPTED", "")]
    assert refused(client, application(system="NO-SUCH"), **clerk) == [("SYSTEM_UNKNOWN", "")]
    assert refused(client, application(system=SOAP), **clerk) == [("ITEM_NOT_ACCEPTED", "")]
    wrong = application("500229197001010011")
    assert ("IDENTIFIER_INVALID", "applicant.number") in refused(client, wrong, **clerk)


def test_nobody_files_for_another_or_for_another_department(client: Client) -> None:
    assert refused(client, application(_OTHER)) == [("FORBIDDEN", "")]
    assert refused(client, application(), token=OTHER_CLERK) == [("FORBIDDEN", "")]
    nobody = client.ask(SUBMIT, {"input": application(), "key": "key-of-nobody"}, token=None)
    assert (nobody.data["submitCase"], nobody.codes) == (None, ["UNAUTHENTICATED"])


def test_a_receipt_is_seen_by_its_applicant_and_its_department(client: Client) -> None:
    token = submit(client, application(), "key-of-a-receipt").data["submitCase"]["receipt"]["token"]
    for who in (CITIZEN, GSJ_CLERK):
        assert client.data(RECEIPT, {"token": token}, token=who)["receipt"]["token"] == token
    for who in (OTHER_CITIZEN, OTHER_CLERK):
        asked = client.ask(RECEIPT, {"token": token}, token=who)
        assert (asked.data["receipt"], asked.codes[0]) == (None, "RECEIPT_NOT_FOUND")


def test_an_application_is_supplemented_booked_for_and_withdrawn(client: Client) -> None:
    """In the SOAP system: by its receipt, then by the id of its case."""
    given = {
        "itemCode": "500116001000",
        "applicant": application()["applicant"],
        "fields": {"plateNo": "渝A12345", "totalWeight": 49.5, "axles": "6"},
        "materials": [{"code": "LICENCE", "content": "5paH5Lu2", "mediaType": "image/png"}],
    }
    receipt = submit(client, given, "key-of-a-permit").data["submitCase"]["receipt"]
    assert receipt["mode"] == "LATER"
    assert receipt["materials"] == [{"code": "LICENCE", "size": 6}]
    own = {"token": CITIZEN}
    supplemented = client.data(
        """mutation ($t: ID!) { supplementCase(idempotencyKey: "key-of-a-supplement", waitMs: 9000,
             input: {case: {receipt: $t}, note: "补交材料", materials: [{code: "OTHER", content: "5paH5Lu2"}]})
             { receipt { state operation } } }""",
        {"t": receipt["token"]},
        **own,
    )
    assert supplemented["supplementCase"]["receipt"]["operation"] == "SUPPLEMENT"
    filed = until(
        lambda: client.data(RECEIPT, {"token": receipt["token"]}, **own)["receipt"]["case"],
        what="it has its case",
    )
    booked = client.data(
        """mutation ($id: ID!) { bookAppointment(idempotencyKey: "key-of-a-booking", waitMs: 9000, input: {
             case: {id: $id}, startsAt: "2026-12-01T09:30:00+08:00",
             applicant: {name: "陈万奎", number: "500229197001010010", mobile: "13812340010"}})
             { receipt { state caseId appointment { number startsAt } } } }""",
        {"id": filed["id"]},
        echoes=True,
        **own,
    )["bookAppointment"]["receipt"]
    assert booked["state"] == "FILED"
    assert booked["appointment"]["startsAt"] == "2026-12-01T09:30:00+08:00"
    withdrawn = client.data(
        """mutation ($id: ID!) { withdrawCase(idempotencyKey: "key-of-a-withdrawal", waitMs: 9000,
             input: {case: {id: $id}, reason: "路线改变"}) { receipt { state caseId case { state } } } }""",
        {"id": filed["id"]},
        **own,
    )["withdrawCase"]["receipt"]
    assert withdrawn == {"state": "FILED", "caseId": filed["id"], "case": {"state": "WITHDRAWN"}}
    case = client.data(RECEIPT, {"token": receipt["token"]}, **own)["receipt"]["case"]
    assert [one["kind"] for one in case["timeline"]["nodes"]] == ["SUBMIT", "CORRECTION_RECEIVED", "WITHDRAW"]


def test_another_persons_case_cannot_be_withdrawn(client: Client) -> None:
    found = client.data(
        '{ cases(systems: ["GSJ-LICENSE"], first: 50, deadlineMs: 9000) { nodes { id applicant { displayName } } } }'
    )
    theirs = next(
        one["id"] for one in found["cases"]["nodes"] if not one["applicant"]["displayName"].startswith("陈")
    )
    asked = client.ask(
        """mutation ($id: ID!) { withdrawCase(idempotencyKey: "key-of-a-thief",
             input: {case: {id: $id}, reason: "x"}) { receipt { state } } }""",
        {"id": theirs},
        token=CITIZEN,
    )
    assert (asked.data["withdrawCase"], asked.codes) == (None, ["CASE_NOT_FOUND"])


def test_mutations_of_one_operation_are_done_in_order(client: Client) -> None:
    text = """mutation ($a: SubmitCaseInput!) {
      one: submitCase(input: $a, idempotencyKey: "key-in-order-1", waitMs: 9000) { receipt { localNo } }
      two: submitCase(input: $a, idempotencyKey: "key-in-order-2", waitMs: 9000) { receipt { localNo } } }"""
    data = client.data(text, {"a": application()}, token=CITIZEN)
    assert data["one"]["receipt"]["localNo"] < data["two"]["receipt"]["localNo"]


def test_the_forms_say_what_each_system_wants(client: Client) -> None:
    forms = client.data(
        """{ applicationForms(itemCode: "500116001000") { systemCode operation mode applicant
               fields { name label type required choices { value label } } materials { code required mediaTypes } } }"""
    )["applicationForms"]
    [form] = [one for one in forms if one["operation"] == "SUBMIT"]
    assert (form["systemCode"], form["mode"], form["applicant"]) == (SOAP, "LATER", ["name", "mobile"])
    by_name = {one["name"]: one for one in form["fields"]}
    assert by_name["plateNo"]["required"]
    assert {"value": "4", "label": "四轴"} in by_name["axles"]["choices"]


def test_two_gateways_over_one_outbox_file_it_once(
    takers: dict[str, str], folder: Path, tmp_path: Path, rest_taker: Taker, database_url: str, person: str
) -> None:
    """The same key, eight times at once, through two processes' worth of gateways."""
    environ = city_environment({SOAP: takers[SOAP], REST: rest_taker.proxy.url})
    shared: dict[str, Any] = {
        "database_url": database_url,
        "tokens_file": str(folder.parent / "tokens.yaml"),
        "watch": False,
    }
    with (
        here(tmp_path / "one", folder, environ, **shared) as one,
        here(tmp_path / "two", folder, environ, **shared) as two,
        ThreadPoolExecutor(8) as threads,
    ):
        given = application(person)

        def ask(which: Client) -> Any:
            return submit(which, given, "key-through-two-gateways", token=GSJ_CLERK).data["submitCase"]

        answers = list(threads.map(ask, [one, two] * 4))
        assert len({one["receipt"]["token"] for one in answers}) == 1
        token = answers[0]["receipt"]["token"]
        until(
            lambda: one.data(RECEIPT, {"token": token}, token=GSJ_CLERK)["receipt"]["state"] == "FILED",
            what="it is filed",
        )
    assert len(rest_taker.filed(person)) == 1
    assert rest_taker.proxy.times(b"/sbtj") == 1
