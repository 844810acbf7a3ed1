"""The history of a replaced system, read in pieces, on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.casefile.tables import CASE_FILE
from gateway.database import Database
from gateway.harvest.history import Pace
from gateway.migration.moved import History, begin_anew, note_moved, open_left, read_history, some_open_left
from gateway.migration.numbers import NumberMap


async def test_a_pace_is_kept_by_waiting_for_the_next_turn() -> None:
    waited: list[float] = []
    now = 100.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        waited.append(seconds)
        now += seconds

    pace = Pace(4, clock=lambda: now, sleep=sleep)
    for _ in range(4):
        await pace.turn()
    assert waited == [0.25, 0.25, 0.25]


async def test_open_cases_are_left_until_they_have_a_new_number_or_were_shown(database: Database) -> None:
    await _files(database, {"OLD:1": True, "OLD:2": True, "OLD:3": True, "OLD:4": False, "NEW:1": True})
    assert await open_left(database, "NONE", mapped=True) is None
    assert await open_left(database, "OLD", mapped=False) == 3
    numbers = NumberMap(database)
    await numbers.bind("OLD", "1", "N1")
    await numbers.reserve("OLD", "2")
    assert list(await some_open_left(database, "OLD", mapped=True)) == ["2", "3"]
    assert list(await some_open_left(database, "OLD", mapped=False)) == ["1", "2", "3"]
    await note_moved(database, "OLD", ["2", "2", "3"])
    await note_moved(database, "OLD", ["3"])
    assert await open_left(database, "OLD", mapped=True) == 0
    assert await open_left(database, "OLD", mapped=False) == 1


async def test_a_history_that_was_never_read_is_not_whole(database: Database) -> None:
    await _files(database, {"OLD:1": True})
    found = await read_history(database, "OLD")
    assert (found.cases, found.open_cases) == (1, 1)
    assert (found.lacking or "").startswith("never read")
    await begin_anew(database, "OLD")


@pytest.mark.parametrize(
    ("how", "lacking"),
    [
        ({"listed": True, "at_end": True}, None),
        ({"listed": True, "at_end": False}, "not read to its end"),
        ({"listed": False, "at_end": True}, "not read to its end"),
        ({"listed": True, "at_end": True, "unseen": 2}, "2 cases not shown yet"),
        ({"listed": True, "at_end": True, "fault": "SOURCE_TIMEOUT: late"}, "SOURCE_TIMEOUT: late"),
    ],
)
def test_what_a_history_lacks_is_said(how: Any, lacking: str | None) -> None:
    assert History("OLD", begun_us=1, **how).lacking == lacking


async def _files(database: Database, cases: Mapping[str, bool]) -> None:
    rows = [
        {
            "case_id": case,
            "system": case.partition(":")[0],
            "state": "ACCEPTED" if is_open else "CLOSED",
            "is_open": is_open,
            "level": 0,
            "as_of_us": 1,
            "changed_us": 1,
            "unseen": False,
            "record": {"localNo": case.partition(":")[2]},
        }
        for case, is_open in cases.items()
    ]
    async with database.write() as connection:
        await connection.execute(CASE_FILE.insert(), rows)
