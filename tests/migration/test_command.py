"""`quanyu migrate` beside a running gateway: what an operator types, sees, and is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.e2e.waiting import until
from tests.migration.test_routing import CASE, LIST, World, world

POLICY = """
canary: {minCompared: 30, maxMismatch: 0.2, triaged: true}
primaryNew: {triaged: true}
retired: {quietDays: 0, capabilities: true}
"""

TAKES = """
  withdraw:
    path: /withdraw
    body: {no: $args.case.number, ref: $args.reference}
    answer: {filed: ok == true}
    reconcile: {verb: case, number: $args.case.number, match: state == "WITHDRAWN"}
"""


class Operated(World):
    """With the command line."""

    policy: Path | None = None

    def run(self, *words: str, **env: str) -> Result:
        given = {"QUANYU_DATA_DIR": str(self.data), "USER": "operator"} | env
        if self.policy is not None:
            given["QUANYU_MIGRATION_POLICY"] = str(self.policy)
        return CliRunner().invoke(main, ["migrate", *words], env=given, catch_exceptions=False)

    def told(self, *words: str, status: int = 0) -> Any:
        result = self.run(*words, "--json")
        assert result.exit_code == status, result.output
        # the gateway of this process logs to the same stream
        begins = min(
            at
            for at in (result.stdout.find("{\n"), result.stdout.find("[\n"), result.stdout.find("[]"))
            if at >= 0
        )
        return json.JSONDecoder().raw_decode(result.stdout[begins:])[0]

    def phase(self) -> str:
        return str(self.told("status")["migrations"][0]["phase"])


@pytest.fixture
def operated(tmp_path: Path) -> Iterator[Operated]:
    with world(tmp_path) as found:
        pair = Operated(found.old, found.new, found.client, found.data)
        pair.policy = tmp_path / "policy.yaml"
        pair.policy.write_text(POLICY, encoding="utf-8")
        until(lambda: pair.told("status")["migrations"], what="the gateway has told what it declares")
        yield pair


def test_the_whole_way_by_command_and_every_step_is_in_history_and_ledger(operated: Operated) -> None:
    assert operated.phase() == "LEGACY"
    assert operated.told("advance", "OLD", "--reason", "begin")["phase"] == "SHADOW"
    refused = operated.run("advance", "OLD", "--reason", "too early")
    assert (refused.exit_code, "MIGRATION_GATES" in refused.output) == (1, True)
    assert operated.told("gates", "OLD", status=1)["ready"] is False
    forced = operated.told("advance", "OLD", "--reason", "a test", "--force", "--percent", "10")
    assert (forced["phase"], forced["percent"]) == ("CANARY", 10)
    operated.told("percent", "OLD", "100", "--reason", "all of them", "--force")
    operated.told("advance", "OLD", "--reason", "trusted")
    operated.told("advance", "OLD", "--reason", "over")
    history = operated.told("status", "OLD")["history"]
    assert [one["to"] for one in history] == ["SHADOW", "CANARY", "CANARY", "PRIMARY_NEW", "RETIRED"]
    assert history[1]["forced"] == ["compared", "mismatch"]
    assert {one["actor"] for one in history} == {"operator"}
    plan = operated.run("plan", "OLD")
    assert (plan.exit_code, "retired" in plan.output) == (0, True)


def test_the_last_two_phases_obey_their_gates_though_no_case_goes_over_any_more(operated: Operated) -> None:
    assert operated.policy is not None
    operated.policy.write_text(
        "primaryNew: {minCompared: 1000000}\nretired: {quietDays: 1}\n", encoding="utf-8"
    )
    operated.told("advance", "OLD", "--reason", "begin")
    operated.told("advance", "OLD", "--reason", "a test", "--percent", "100", "--force")
    for name, reached in (("compared", "PRIMARY_NEW"), ("callers", "RETIRED")):
        refused = operated.run("advance", "OLD", "--reason", "too early")
        assert refused.exit_code == 1
        assert f"not ready for {reached}: {name}" in refused.output
        assert operated.told("advance", "OLD", "--reason", "a test", "--force")["phase"] == reached
    assert [one["forced"] for one in operated.told("status", "OLD")["history"][-2:]] == [
        ["compared"],
        ["callers"],
    ]
    # the way back is always free
    assert operated.told("rollback", "OLD", "--reason", "complaints")["phase"] == "PRIMARY_NEW"


def test_an_old_system_that_takes_applications_is_not_retired_whatever_the_policy_says(
    tmp_path: Path,
) -> None:
    with world(tmp_path, takes=TAKES) as found:
        pair = Operated(found.old, found.new, found.client, found.data)
        pair.policy = tmp_path / "policy.yaml"
        pair.policy.write_text("primaryNew: {}\nretired: {}\n", encoding="utf-8")
        until(lambda: pair.told("status")["migrations"], what="the gateway has told what it declares")
        pair.told("advance", "OLD", "--reason", "begin")
        pair.told("advance", "OLD", "--reason", "a test", "--percent", "100", "--force")
        pair.told("advance", "OLD", "--reason", "no gate of this policy is in the way")
        refused = pair.run("advance", "OLD", "--reason", "over")
        assert (refused.exit_code, "not ready for RETIRED: writes" in refused.output) == (1, True)
        [shut] = [one for one in pair.told("gates", "OLD", status=1)["gates"] if not one["ok"]]
        assert (shut["name"], shut["value"]) == ("writes", "withdraw")
        assert pair.phase() == "PRIMARY_NEW"


def test_what_cannot_be_done_says_why_and_changes_nothing(operated: Operated) -> None:
    for words, code in (
        (("advance", "NONE", "--reason", "x"), "MIGRATION_UNKNOWN"),
        (("advance", "OLD", "--to", "RETIRED", "--reason", "x"), "MIGRATION_TRANSITION"),
        (("percent", "OLD", "5", "--reason", "x"), "MIGRATION_TRANSITION"),
        (("advance", "OLD", "--reason", "  "), "MIGRATION_TRANSITION"),
        (("rollback", "OLD", "--reason", "x"), "MIGRATION_TRANSITION"),
    ):
        result = operated.run(*words)
        assert (result.exit_code, code in result.output) == (1, True), result.output
    assert operated.told("status")["migrations"][0]["version"] == 0


def test_a_second_person_is_needed_where_the_settings_say_so(operated: Operated) -> None:
    four = {"QUANYU_MIGRATION_FOUR_EYES": "true"}
    words = ("advance", "OLD", "--reason", "begin", "--by")
    for who in ("anna", "anna"):
        waits = operated.run(*words, who, **four)
        assert (waits.exit_code, "second person" in waits.output) == (1, True)
        assert operated.phase() == "LEGACY"
    assert operated.run(*words, "bo", **four).exit_code == 0
    [step] = operated.told("status", "OLD")["history"]
    assert (step["actor"], step["secondActor"], step["to"]) == ("anna", "bo", "SHADOW")
    back = operated.run("rollback", "OLD", "--reason", "at once", "--by", "bo", **four)
    assert back.exit_code == 0


def test_comparing_finds_what_differs_and_a_decision_opens_the_gate(operated: Operated) -> None:
    operated.told("advance", "OLD", "--reason", "begin")
    until(lambda: operated.run("status").exit_code == 0, what="the database is free")

    def compared() -> int:
        for number in range(20):
            operated.client.data(CASE, {"id": f"OLD:OLD-{number}"})
        operated.client.data(LIST)
        return int(operated.told("parity", "report", "OLD", status=1)["compared"])

    until(lambda: _quiet(compared) >= 60, what="60 comparisons", timeout_s=60)
    report = operated.told("parity", "report", "OLD", status=1)
    assert report["open"] == ["title"]
    [title] = [one for one in report["fields"] if one["path"] == "title"]
    assert title["different"] == title["compared"]
    assert title["samples"][0]["old"].startswith('"old OLD-')
    shut = {one["name"] for one in operated.told("gates", "OLD", status=1)["gates"] if not one["ok"]}
    assert shut == {"differences"}
    assert (
        operated.run("parity", "accept", "OLD", "title", "--reason", "agreed with the department").exit_code
        == 0
    )
    assert operated.told("gates", "OLD")["ready"] is True
    assert operated.told("advance", "OLD", "--reason", "gates are open")["phase"] == "CANARY"


def _quiet(work: Any) -> int:
    try:
        return int(work())
    except AssertionError:
        return 0


def test_usage_tells_who_asks_for_a_field_and_which_system_answers(operated: Operated) -> None:
    headers = {
        "graphql-client-name": "portal",
        "graphql-client-version": "2.1",
        "authorization": "Bearer demo-clerk",
    }
    body = {"query": CASE, "variables": {"id": "OLD:OLD-1"}}
    for _ in range(3):
        assert operated.client.http.post("/graphql", json=body, headers=headers).status_code == 200

    def rows(*words: str) -> list[dict[str, Any]]:
        return [one for one in operated.told("usage", *words) if one["client"] == "portal"]

    until(lambda: rows("OLD"), what="usage is written")
    [row] = until(lambda: [one for one in rows("OLD") if one["calls"] == 3], what="all three are counted")
    assert (row["version"], row["operation"], row["errors"]) == ("2.1", "One", 0)
    [field] = rows("--field", "Case.title")
    assert field["calls"] == 3
    assert rows("--field", "Case.channel") == []


def test_numbers_are_read_from_a_file_once_and_a_contradiction_is_told(
    operated: Operated, tmp_path: Path
) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text("OLD-1,T1\nOLD-2,T2\n", encoding="utf-8")
    assert "2 new pairs" in operated.run("numbers", "import", "OLD", str(file)).output
    assert "0 new pairs, 2 were there" in operated.run("numbers", "import", "OLD", str(file)).output
    file.write_text("OLD-3,T3\nOLD-1,T9\n", encoding="utf-8")
    refused = operated.run("numbers", "import", "OLD", str(file))
    assert (refused.exit_code, "MIGRATION_CONFLICT" in refused.output) == (1, True)
    file.write_text("OLD-3\n", encoding="utf-8")
    assert "numbers.csv:1" in operated.run("numbers", "import", "OLD", str(file)).output
