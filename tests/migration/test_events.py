"""Steps of migrations as they are made: followed over both protocols, resumed, and only by those who may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from gateway.migration.follow import parse_cursor, write_cursor
from gateway.migration.phases import Wish
from tests.e2e.gateways import child_gateway
from tests.e2e.stubs import answering, declaration, stub
from tests.e2e.waiting import until
from tests.migration.test_routing import World, new_declaration, rows, world

EVENTS = """subscription Steps($system: String, $after: String) { migrationEvents(system: $system, after: $after) {
  cursor version system { code migration { phase } } step { kind fromPhase toPhase percent actor reason } } }"""


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as found:
        found.client.token = "demo-migration"
        yield found


def told(answer: dict[str, Any]) -> dict[str, Any]:
    assert "errors" not in answer, answer
    return dict(answer["data"]["migrationEvents"])


def test_a_step_is_told_with_who_why_and_where_the_migration_now_is(pair: World) -> None:
    with pair.client.events(EVENTS) as answers, ThreadPoolExecutor(1) as beside:
        first = beside.submit(next, answers)
        steps = 0

        def came() -> bool:  # a stream that is not yet open misses steps, so steps are made until one comes
            nonlocal steps
            pair.move(Wish("advance" if steps % 2 == 0 else "rollback"))
            steps += 1
            return first.done()

        until(came, what="a step is told")
        event = told(first.result())
        assert event["version"] <= steps
        assert event["system"]["code"] == "OLD"
        assert event["step"]["reason"] == "a test"
        assert event["step"]["actor"] == "tester"
        assert {event["step"]["fromPhase"], event["step"]["toPhase"]} == {"LEGACY", "SHADOW"}


def test_who_comes_back_with_a_cursor_gets_every_step_since_then_once_and_in_order(pair: World) -> None:
    pair.move(Wish("advance"))
    start = write_cursor({})
    for wish in (Wish("freeze"), Wish("thaw"), Wish("rollback")):
        pair.move(wish)
    with pair.client.events(EVENTS, {"after": start}) as answers:
        events = [told(next(answers)) for _ in range(4)]
    assert [one["step"]["kind"] for one in events] == ["advance", "freeze", "thaw", "rollback"]
    assert [one["version"] for one in events] == [1, 2, 3, 4]
    with pair.client.events(EVENTS, {"after": events[1]["cursor"], "system": "OLD"}) as answers:
        again = [told(next(answers)) for _ in range(2)]
    assert [one["version"] for one in again] == [3, 4]


def test_steps_are_told_over_a_websocket_too(pair: World) -> None:
    pair.move(Wish("advance"))
    url = pair.client.url.replace("http", "ws") + "/graphql"
    with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
        socket.send(
            json.dumps({"type": "connection_init", "payload": {"authorization": "Bearer demo-migration"}})
        )
        assert json.loads(socket.recv(timeout=10))["type"] == "connection_ack"
        asked = {"query": EVENTS, "variables": {"after": write_cursor({})}}
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": asked}))
        event = told(json.loads(socket.recv(timeout=10))["payload"])
        assert event["step"]["toPhase"] == "SHADOW"
        pair.move(Wish("rollback"))
        assert told(json.loads(socket.recv(timeout=10))["payload"])["step"]["kind"] == "rollback"


def test_a_step_made_through_one_worker_is_told_by_another(tmp_path: Path) -> None:
    systems = tmp_path / "systems"
    systems.mkdir()
    with stub(answering(rows("old"))) as old, stub(answering(rows("new"))) as new:
        (systems / "old.yaml").write_text(declaration("OLD", old.url), encoding="utf-8")
        (systems / "new.yaml").write_text(new_declaration(new.url), encoding="utf-8")
        with world(tmp_path) as here, child_gateway(tmp_path, systems, {}, migration_poll_s="0.05") as child:
            child.client.token = here.client.token = "demo-migration"
            with child.client.events(EVENTS, {"after": write_cursor({})}) as answers:
                mutation = 'mutation { migrationAdvance(system: "OLD", reason: "here") { version } }'
                here.client.data(mutation)
                event = told(next(answers))
            assert (event["step"]["reason"], event["step"]["actor"]) == ("here", "demo-migration")


@pytest.mark.parametrize("token", ["demo-clerk", "demo-auditor", "demo-citizen", None])
def test_whoever_may_not_see_migrations_may_not_follow_them(pair: World, token: str | None) -> None:
    pair.move(Wish("advance"))
    pair.client.token = token
    with pair.client.events(EVENTS, {"after": write_cursor({})}) as answers:
        refused = next(answers)
    assert refused["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "UNAUTHENTICATED")
    assert not (refused.get("data") or {}).get("migrationEvents")


@pytest.mark.parametrize("cursor", ["nonsense", "", "W10x", "e30", "W1tbMSwyXV0", "W1siYSIsImIiLCJjIl1d"])
def test_a_cursor_of_another_kind_is_refused_by_name(pair: World, cursor: str) -> None:
    with pair.client.events(EVENTS, {"after": cursor}) as answers:
        refused = next(answers)
    assert refused["errors"][0]["extensions"]["code"] == "CURSOR_INVALID"


def test_a_system_that_nobody_replaces_cannot_be_followed(pair: World) -> None:
    with pair.client.events(EVENTS, {"system": "NONE"}) as answers:
        assert next(answers)["errors"][0]["extensions"]["code"] == "MIGRATION_UNKNOWN"


def test_a_cursor_is_what_was_seen() -> None:
    seen = {("OLD", ""): 3, ("OLD", "case"): 1, ("系统", ""): 12}
    assert parse_cursor(write_cursor(seen)) == seen
