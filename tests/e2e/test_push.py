"""Systems that tell of themselves: signed CloudEvents at /events/{system}, and what becomes of them."""

from __future__ import annotations

import base64
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.harvest.cloudevents import signed_content
from gateway.harvest.signature import sign
from tests.e2e.feeds import Feed, feed_declaration
from tests.e2e.gateways import Client, here
from tests.e2e.stubs import Stub, stub
from tests.e2e.test_harvest import harvest
from tests.e2e.waiting import until

SECRET = "a secret of the system AA alone"
OLDER = "the secret it had before this"
PUSH = """
push:
  secrets: {now: "${env:QUANYU_TEST_PUSH}", before: "${env:QUANYU_TEST_PUSH_OLD}"}
  sources: [urn:aa]
  types: [cn.example.case.changed]
  map: {localNo: no, kind: 'kind | table("kind")', state: 'status | table("status")', occurredAt: at}
"""
ENVIRON = {"QUANYU_TEST_PUSH": SECRET, "QUANYU_TEST_PUSH_OLD": OLDER}
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def event(number: int, **more: Any) -> dict[str, Any]:
    data = {
        "no": f"C{number // 3}",
        "kind": "ACCEPT",
        "status": "ACCEPTED",
        "at": f"2026-01-02T08:{number:02d}:00+08:00",
    }
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "urn:aa",
        "type": "cn.example.case.changed",
        "data": data,
        **more,
    }


@pytest.fixture
def system() -> Iterator[Stub]:
    with stub(Feed()) as server:
        yield server


@pytest.fixture
def gateway(system: Stub, systems_dir: Path, tmp_path: Path) -> Iterator[Client]:
    (systems_dir / "aa.yaml").write_text(declared(system), encoding="utf-8")
    (systems_dir / "bb.yaml").write_text(feed_declaration("BB", system.url), encoding="utf-8")
    with here(tmp_path, systems_dir, ENVIRON, harvest=True, max_body_bytes=100_000) as client:
        yield client


def declared(system: Stub, push: str = PUSH) -> str:
    text = feed_declaration("AA", system.url, case=True, more=push)
    return text.replace("harvest: {everyS: 1}", "harvest: {by: none, everyS: 1}")


def send(
    client: Client,
    body: Any,
    media: str = STRUCTURED,
    *,
    secret: str = SECRET,
    at: float | None = None,
    system: str = "AA",
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": media, **(headers or {})}
    stamp = int(at if at is not None else time.time())
    signature = sign(secret, "msg-1", stamp, signed_content(media, sent, content))
    sent |= {"webhook-id": "msg-1", "webhook-timestamp": str(stamp), "webhook-signature": signature}
    return client.http.post(f"/events/{system}", content=content, headers=sent)


def code_of(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["errors"][0]["extensions"]["code"]


def told(tmp_path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(f"file:{tmp_path / 'quanyu.db'}?mode=ro", uri=True)) as database:
        return list(database.execute("SELECT case_id, kind FROM case_event ORDER BY occurred_us"))


def test_an_event_is_taken_once_however_often_and_in_whatever_form_it_comes(
    gateway: Client, tmp_path: Path
) -> None:
    first = send(gateway, event(0))
    assert (first.status_code, first.json()) == (
        202,
        {"appended": 1, "repeated": 0, "leftOut": 0, "quarantined": []},
    )
    again = send(gateway, [event(0), event(1), event(1)], BATCH)
    assert again.json() | {"quarantined": 0} == {"appended": 1, "repeated": 2, "leftOut": 0, "quarantined": 0}
    binary = {
        "ce-specversion": "1.0",
        "ce-id": "e-0",
        "ce-source": "urn:aa",
        "ce-type": "cn.example.case.changed",
    }
    reply = send(gateway, event(0)["data"], "application/json", headers=binary)
    assert reply.json()["repeated"] == 1
    coded = {**event(2), "data_base64": base64.b64encode(json.dumps(event(2)["data"]).encode()).decode()}
    del coded["data"]
    assert send(gateway, coded).json()["appended"] == 1
    assert told(tmp_path) == [("AA:C0", "ACCEPT")] * 3
    seen = harvest(gateway)
    assert (seen["mode"], seen["pushes"], seen["eventsTotal"], seen["repeatedTotal"]) == ("NONE", True, 3, 3)


def test_xml_is_read_by_the_same_map(gateway: Client) -> None:
    xml = "<c><no>C7</no><kind>CLOSE</kind><status>CLOSED</status><at>2026-01-03T08:00:00+08:00</at></c>"
    binary = {
        "ce-specversion": "1.0",
        "ce-id": "x-1",
        "ce-source": "urn:aa",
        "ce-type": "cn.example.case.changed",
    }
    assert send(gateway, xml.encode(), "application/xml", headers=binary).json()["appended"] == 1
    structured = event(1, id="x-2", datacontenttype="text/xml", data=xml.replace("C7", "C8"))
    assert send(gateway, structured).json()["appended"] == 1


def test_the_case_itself_is_asked_for_what_it_shows(gateway: Client, system: Stub, tmp_path: Path) -> None:
    feed = system.behave
    assert isinstance(feed, Feed)
    feed.changes = [{"no": "C0", "status": "ACCEPTED", "at": "2026-01-02T08:00:00+08:00"}]
    send(gateway, event(0))

    def title() -> str | None:
        with closing(sqlite3.connect(f"file:{tmp_path / 'quanyu.db'}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT record FROM case_file WHERE case_id = 'AA:C0'").fetchone()
        return json.loads(found[0]).get("title") if found else None

    until(lambda: title() == "case", what="the case file has its record")


def test_secrets_may_be_replaced_and_strangers_are_refused(gateway: Client, tmp_path: Path) -> None:
    assert send(gateway, event(0), secret=OLDER).status_code == 202
    assert code_of(send(gateway, event(1), secret="another secret, not ours")) == (401, "PUSH_SIGNATURE")
    assert code_of(send(gateway, event(1), at=time.time() - 3600)) == (401, "PUSH_TIME")
    assert code_of(send(gateway, event(1), at=time.time() + 3600)) == (401, "PUSH_TIME")
    unsigned = gateway.http.post("/events/AA", json=event(1), headers={"content-type": STRUCTURED})
    assert code_of(unsigned) == (401, "PUSH_UNSIGNED")
    assert code_of(send(gateway, event(1, source="urn:bb"))) == (403, "PUSH_SOURCE")
    assert code_of(send(gateway, event(1), system="BB")) == (404, "PUSH_NOT_DECLARED")
    assert code_of(send(gateway, event(1), system="ZZ")) == (404, "PUSH_NOT_DECLARED")
    assert len(told(tmp_path)) == 1


def test_a_changed_body_or_a_changed_attribute_breaks_the_signature(gateway: Client) -> None:
    stamp = int(time.time())
    binary = {
        "ce-specversion": "1.0",
        "ce-id": "e-0",
        "ce-source": "urn:aa",
        "ce-type": "cn.example.case.changed",
    }
    body = json.dumps(event(0)["data"]).encode()
    sent = {"content-type": "application/json", **binary}
    signature = sign(SECRET, "m", stamp, signed_content("application/json", sent, body))
    sent |= {"webhook-id": "m", "webhook-timestamp": str(stamp), "webhook-signature": signature}
    for changed, content in (({"ce-id": "e-9"}, body), ({}, body.replace(b"C0", b"C9"))):
        reply = gateway.http.post("/events/AA", content=content, headers=sent | changed)
        assert code_of(reply) == (401, "PUSH_SIGNATURE")
    assert gateway.http.post("/events/AA", content=body, headers=sent).status_code == 202


@pytest.mark.parametrize(
    ("body", "media", "status", "code"),
    [
        (b"{", STRUCTURED, 422, "PUSH_NOT_CLOUDEVENTS"),
        (b"7", STRUCTURED, 422, "PUSH_NOT_CLOUDEVENTS"),
        (json.dumps(event(0, specversion="0.3")).encode(), STRUCTURED, 422, "PUSH_NOT_CLOUDEVENTS"),
        (json.dumps(event(0, id="")).encode(), STRUCTURED, 422, "PUSH_NOT_CLOUDEVENTS"),
        (json.dumps(event(0, time="noon")).encode(), STRUCTURED, 422, "PUSH_NOT_CLOUDEVENTS"),
        (json.dumps(event(0)).encode(), BATCH, 422, "PUSH_NOT_CLOUDEVENTS"),
        (json.dumps(event(0)).encode(), "application/json", 415, "PUSH_MEDIA_TYPE"),
        (json.dumps(event(0)).encode(), STRUCTURED + "; charset=gbk", 415, "PUSH_MEDIA_TYPE"),
        (json.dumps([{}] * 1001).encode(), BATCH, 413, "PUSH_TOO_MANY"),
        (b" " * 100_001, STRUCTURED, 413, "BODY_TOO_LARGE"),
    ],
)
def test_what_is_no_cloudevent_is_refused_by_its_name(
    gateway: Client, body: bytes, media: str, status: int, code: str
) -> None:
    assert code_of(send(gateway, body, media)) == (status, code)


def test_other_methods_and_the_handshake(gateway: Client) -> None:
    assert gateway.http.get("/events/AA").status_code == 405
    shake = gateway.http.options("/events/AA", headers={"webhook-request-origin": "sender.example"})
    assert (shake.status_code, shake.headers["webhook-allowed-origin"]) == (200, "*")


def test_of_a_batch_the_good_are_kept_and_the_bad_are_quarantined_until_the_map_is_mended(
    gateway: Client, system: Stub, systems_dir: Path, tmp_path: Path
) -> None:
    odd = event(4)
    odd["data"] = {
        "no": "C9",
        "kind": "ACCEPT",
        "when": "2026-01-02T08:30:00+08:00",
        "who": "500229197001010010",
    }
    batch = [event(0), odd, {"id": "no envelope"}, event(5, type="cn.example.other")]
    reply = send(gateway, batch, BATCH)
    assert reply.status_code == 202
    assert (reply.json()["appended"], reply.json()["leftOut"]) == (1, 1)
    assert [(one["index"], one["id"]) for one in reply.json()["quarantined"]] == [(1, "e-4"), (2, None)]
    assert "occurredAt" in reply.json()["quarantined"][0]["reason"]
    assert harvest(gateway)["quarantined"] == 2
    assert b"500229197001010010" not in (tmp_path / "quanyu.db").read_bytes()
    send(gateway, batch, BATCH)  # sent again, it is the same
    assert harvest(gateway)["quarantined"] == 2
    mended = declared(system, PUSH.replace("occurredAt: at", "occurredAt: at ?? when"))
    (systems_dir / "aa.yaml").write_text(mended, encoding="utf-8")
    until(lambda: harvest(gateway)["quarantined"] == 1, what="the odd one was read")
    assert ("AA:C9", "ACCEPT") in told(tmp_path)
    assert send(gateway, [odd], BATCH).json()["repeated"] == 1


def test_secrets_in_the_open_and_a_push_without_a_map_are_problems_of_the_declaration(
    system: Stub, tmp_path: Path
) -> None:
    from adapters.loader import load
    from adapters.references import Lookup
    from adapters.validate import Known, check_document

    text = declared(system).replace("${env:QUANYU_TEST_PUSH}", "in the open, for everyone")
    text = text.replace("  changes:", "  ghosts:").replace("  map: {localNo: no, kind", "  # ")
    checked = check_document(load(tmp_path / "aa.yaml", text), Lookup(ENVIRON, lambda _: ""), Known())
    codes = {problem.code for problem in checked.document.problems}
    assert {"SECRET_IN_FILE", "MISSING_KEY"} <= codes, checked.document.problems
