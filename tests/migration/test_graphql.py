"""Migrations through GraphQL: told to those who may know, moved by those who may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.waiting import until
from tests.migration.test_routing import CASE, World, world

OPERATOR = "demo-migration"
STATE = """{ legacySystems { nodes { code migration { successor phase percent newShare frozen version blockers
  history { kind fromPhase toPhase actor reason forced } gates { name ok value threshold } } } } }"""
ADVANCE = """mutation Advance($force: Boolean) {
  migrationAdvance(system: "OLD", reason: "a test", force: $force) { phase version } }"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(Path(tmp_path_factory.mktemp("migration"))) as found:
        yield found


def migration(pair: World) -> dict[str, Any]:
    nodes = pair.client.data(STATE, token=OPERATOR)["legacySystems"]["nodes"]
    [found] = [one["migration"] for one in nodes if one["code"] == "OLD"]
    return dict(found)


def test_steps_obey_gates_and_name_who_made_them(pair: World) -> None:
    assert migration(pair)["phase"] == "LEGACY"
    assert pair.client.data(ADVANCE, token=OPERATOR)["migrationAdvance"] == {"phase": "SHADOW", "version": 1}
    shut = pair.client.ask(ADVANCE, token=OPERATOR)
    assert shut.codes == ["MIGRATION_GATES"]
    forced = pair.client.data(ADVANCE, {"force": True}, token=OPERATOR)["migrationAdvance"]
    assert forced == {"phase": "CANARY", "version": 2}
    found = migration(pair)
    assert (found["successor"], found["percent"]) == ("NEW", 5)
    assert [one["toPhase"] for one in found["history"]] == ["SHADOW", "CANARY"]
    assert found["history"][1]["actor"] == OPERATOR
    assert found["history"][1]["forced"] == ["compared", "mismatch", "errors", "latency"]
    assert set(found["blockers"]) <= {one["name"] for one in found["gates"] if not one["ok"]}
    back = 'mutation { migrationRollback(system: "OLD", reason: "enough", to: SHADOW) { phase newShare } }'
    assert pair.client.data(back, token=OPERATOR)["migrationRollback"] == {"phase": "SHADOW", "newShare": 0}


def test_differences_are_told_with_masked_samples_and_can_be_accepted(pair: World) -> None:
    query = '{ shadowDiff(system: "OLD") { path verdict different mismatchLow samples { old new number } } }'

    def differs() -> list[dict[str, Any]]:
        for number in range(5):
            pair.client.data(CASE, {"id": f"OLD:OLD-{number}"})
        return list(pair.client.data(query, token=OPERATOR)["shadowDiff"])

    [title] = until(differs, what="a difference is found", timeout_s=30)
    assert (title["path"], title["verdict"]) == ("title", "DIFFERENT")
    assert title["samples"][0]["new"].startswith('"new OLD-')
    ready = '{ retirementReadiness(system: "OLD") { ready blockers } }'
    assert "differences" in pair.client.data(ready, token=OPERATOR)["retirementReadiness"]["blockers"]
    accept = (
        'mutation { migrationAcceptDifference(system: "OLD", field: "title", reason: "agreed") { open } }'
    )
    assert pair.client.data(accept, token=OPERATOR)["migrationAcceptDifference"] == {"open": []}
    assert "differences" not in pair.client.data(ready, token=OPERATOR)["retirementReadiness"]["blockers"]


@pytest.mark.parametrize(("token", "allowed"), [("demo-clerk", True), ("demo-citizen", False), (None, False)])
def test_who_may_see_may_still_not_move(pair: World, token: str | None, *, allowed: bool) -> None:
    seen = pair.client.ask("{ migrations { code } }", token=token)
    assert (seen.errors == []) is allowed
    moved = pair.client.ask(ADVANCE, token=token)
    assert moved.codes[0] in ("FORBIDDEN", "UNAUTHENTICATED")
    diff = pair.client.ask('{ shadowDiff(system: "OLD") { path } }', token=token)
    assert diff.codes[0] in ("FORBIDDEN", "UNAUTHENTICATED")


def test_a_system_that_nobody_replaces_says_so(pair: World) -> None:
    wrong = pair.client.ask('{ retirementReadiness(system: "NONE") { ready } }', token=OPERATOR)
    assert wrong.codes == ["MIGRATION_UNKNOWN"]
    assert "being replaced: OLD" in wrong.errors[0]["message"]
