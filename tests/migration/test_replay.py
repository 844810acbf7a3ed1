"""Looks of the trail asked once more of both sides: what is compared, where it goes on, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateways import here
from tests.e2e.stubs import answering, declaration, http, row, stub
from tests.e2e.waiting import until
from tests.migration.test_after import LINK, Left
from tests.migration.test_routing import new_declaration

ROWS = [row(f"OLD-{at}") | {"title": f"title {at}"} for at in range(6)]
UNLIKE = [one | {"title": "another"} if one["no"] == "OLD-3" else one for one in ROWS if one["no"] != "OLD-4"]


@pytest.fixture
def looked(tmp_path: Path) -> Iterator[Left]:
    """A gateway in LEGACY that keeps looks; all cases but the last were looked at, one of them twice."""
    systems = tmp_path / "systems"
    systems.mkdir()
    (tmp_path / "policy.yaml").write_text("primaryNew: {}\n", encoding="utf-8")
    with stub(answering(ROWS)) as old, stub(answering(UNLIKE)) as new:
        (systems / "old.yaml").write_text(declaration("OLD", old.url, numbers=r"OLD-\d+"), encoding="utf-8")
        (systems / "new.yaml").write_text(new_declaration(new.url, numbers=r"OLD-\d+"), encoding="utf-8")
        with here(tmp_path / "data", systems, {}) as client:
            found = Left(old, new, client, tmp_path / "data")
            found.systems = systems
            until(lambda: found.told("status")["migrations"], what="the gateway has told what it declares")
            for number in (0, 1, 2, 3, 4, 4):
                client.data(LINK, {"id": f"OLD:OLD-{number}"})
            yield found


def replayed(looked: Left, *more: str, status: int = 1) -> Any:
    return looked.told("replay", "--from", "audit", "--to", "NEW", *more, status=status)


def test_each_case_that_was_looked_at_is_asked_of_both_sides_and_counted_in_the_parity_report(
    looked: Left,
) -> None:
    told = replayed(looked)
    assert (told["cases"], told["verdicts"]) == (5, {"different": 2, "same": 3})
    assert not told["sound"]
    report = looked.told("parity", "report", "OLD", status=1)
    differing = {one["path"] for one in report["fields"] if one["different"]}
    assert differing == {"title", "exists"}


def test_it_goes_on_where_it_was_stopped_and_begins_again_after_the_end(looked: Left) -> None:
    assert replayed(looked, "--most", "2", status=0)["cases"] == 2
    assert replayed(looked, "--most", "2")["verdicts"] == {"different": 1, "same": 1}
    assert replayed(looked)["verdicts"] == {"different": 1}
    assert replayed(looked, "--most", "1", status=0)["verdicts"] == {"same": 1}
    assert replayed(looked, "--anew")["cases"] == 5


def test_an_old_side_that_fails_is_told_and_nothing_is_compared(looked: Left) -> None:
    looked.old.behave = http(b"oops", status="500 Broken")
    told = replayed(looked)
    assert (told["verdicts"], sum(told["oldFaults"].values())) == ({}, 5)


def test_a_new_side_that_fails_is_an_outcome_like_another(looked: Left) -> None:
    looked.new.behave = http(b"oops", status="500 Broken")
    told = replayed(looked)
    counted = sum(told["verdicts"].values()) + sum(told["leftOut"].values())
    assert told["verdicts"].keys() == {"new_error"}
    assert counted >= 5


def test_what_cannot_be_replayed_says_why(looked: Left) -> None:
    refused = looked.run("replay", "--to", "NOBODY")
    assert (refused.exit_code, "NOBODY neither replaces a system" in refused.output) == (2, True)
    none = looked.told("replay", "--to", "OLD", "--since", "2999-01-01", status=1)
    assert none["cases"] == 0
