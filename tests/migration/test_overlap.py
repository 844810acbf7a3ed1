"""What two systems both hold, through a real gateway and as a pure rule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.migration.overlap import Held, SideHeld, compare_sides
from tests.e2e.stubs import Behaviour, Request, Writer, answering, declaration, http, row, silent, stub
from tests.e2e.waiting import until
from tests.migration.test_routing import NUMBERS, World, rows, world

OPERATOR = "demo-migration"
OVERLAP = """query Both($a: String!, $b: String!) { overlap(a: $a, b: $b) {
  readA readB whole both byNumber byKey ambiguous onlyA onlyB onlyASample onlyBSample
  faults { system code } fields { path count samples { numberA numberB a b } } } }"""


def asked(pair: World, a: str = "OLD", b: str = "NEW") -> dict[str, Any]:
    return dict(pair.client.data(OVERLAP, {"a": a, "b": b}, token=OPERATOR)["overlap"])


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as found:
        yield found


def test_a_system_and_its_successor_are_paired_by_number_and_what_differs_is_counted(pair: World) -> None:
    held = rows("new")
    extra = row("OLD-999", applied="2017-06-02T08:00:00+08:00")
    pair.new.behave = answering([*held[5:], extra])
    found = asked(pair)
    assert (found["readA"], found["readB"], found["whole"]) == (120, 116, True)
    assert (found["both"], found["byNumber"]) == (115, 115)
    assert (found["onlyA"], found["onlyASample"]) == (5, sorted(NUMBERS[:5]))
    assert (found["onlyB"], found["onlyBSample"]) == (1, ["OLD-999"])
    [title] = found["fields"]
    assert (title["path"], title["count"], len(title["samples"])) == ("title", 115, 5)
    assert title["samples"][0]["a"].startswith('"old OLD-')


def test_strangers_are_paired_by_applicant_and_day_and_no_person_is_shown(tmp_path: Path) -> None:
    people = [f"50022919700101{n:04d}" for n in range(6)]
    mine = [
        row(f"OLD-{n}", applied=f"2017-06-0{n + 1}T09:00:00+08:00", who=who) for n, who in enumerate(people)
    ]
    theirs = [
        row(f"THIRD-{100 + n}", applied=f"2017-06-0{n + 1}T17:30:00+08:00", who=who)
        for n, who in enumerate(people[:4])
    ]
    theirs.append(
        row("THIRD-200", applied="2017-06-01T20:00:00+08:00", who=people[0])
    )  # a second one that day
    with stub(answering(theirs)) as third, world(tmp_path) as pair:
        pair.old.behave = answering(mine)
        (tmp_path / "systems" / "third.yaml").write_text(declaration("THIRD", third.url), encoding="utf-8")
        until(lambda: "THIRD" in pair.client.ready()[1]["systems"], what="THIRD is in service")
        asked_of = pair.client.ask(OVERLAP, {"a": "OLD", "b": "THIRD"}, token=OPERATOR)
        found = asked_of.data["overlap"]
    assert (found["both"], found["byKey"], found["byNumber"], found["ambiguous"]) == (3, 3, 0, 1)
    assert (found["onlyA"], found["onlyB"]) == (3, 2)
    assert not any(who in asked_of.text for who in people)


def test_a_side_that_hangs_or_breaks_off_is_named_and_nothing_is_called_missing_because_of_it(
    pair: World,
) -> None:
    pair.new.behave = silent
    found = asked(pair)
    assert found["whole"] is False
    assert found["faults"] == [{"system": "NEW", "code": "SOURCE_TIMEOUT"}]
    assert (found["readA"], found["readB"], found["onlyA"], found["both"]) == (120, 0, 0, 0)


def test_a_list_that_never_ends_is_left_alone(pair: World) -> None:
    page = [row(f"OLD-{n}") for n in range(50)]

    async def again(request: Request, writer: Writer) -> None:
        await http(json.dumps({"rows": page, "total": 10**9}).encode())(request, writer)

    behave: Behaviour = again
    pair.new.behave = behave
    found = asked(pair)
    assert (found["readB"], found["whole"]) == (50, False)


@pytest.mark.parametrize(("a", "b"), [("OLD", "NONE"), ("NONE", "OLD"), ("OLD", "OLD")])
def test_systems_that_cannot_be_laid_side_by_side_are_named(pair: World, a: str, b: str) -> None:
    assert pair.client.ask(OVERLAP, {"a": a, "b": b}, token=OPERATOR).codes == ["MIGRATION_OVERLAP"]


@pytest.mark.parametrize("token", ["demo-clerk", "demo-auditor", None])
def test_only_who_moves_systems_may_ask(pair: World, token: str | None) -> None:
    refused = pair.client.ask(OVERLAP, {"a": "OLD", "b": "NEW"}, token=token)
    assert refused.codes[0] in ("FORBIDDEN", "UNAUTHENTICATED")


def test_what_the_other_list_has_not_reached_is_not_called_missing() -> None:
    def held(*days: int) -> dict[str, Held]:
        return {
            f"N{day}": Held(f"N{day}", None, f"2017-06-{day:02d}T09:00:00+08:00", {"title": "t"})
            for day in days
        }

    found = compare_sides(
        SideHeld(held(9, 8, 7, 6, 5)),
        SideHeld(held(9, 7), whole=False),
        rules={},
        fields=["title"],
        by_number=True,
    )
    assert (found.by_number, found.only_a, found.only_b, found.whole) == (2, ["N8"], [], False)
