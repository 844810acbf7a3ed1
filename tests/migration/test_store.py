"""Where migrations stand, on both databases: one of several operators wins, and the trail says who."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from adapters.migration.placement import Phase
from gateway.database import Database
from gateway.ledger import Writer
from gateway.ledger.records import read_body
from gateway.ledger.tables import CHANGE_RECORD
from gateway.migration.errors import MigrationConflict, SecondPersonNeeded
from gateway.migration.numbers import NumberMap
from gateway.migration.operate import Operator, move
from gateway.migration.phases import Wish
from gateway.migration.store import MigrationStore, State
from gateway.migration.tally import Tally


async def stepped(database: Database, writer: Writer, wish: Wish, who: str, **how: bool) -> State:
    return await move(MigrationStore(database), writer, "OLD", wish, Operator(who, "a test"), **how)


async def test_of_operators_who_step_at_once_one_wins_and_the_others_are_told(database: Database) -> None:
    store = MigrationStore(database)
    writers = [Writer(database) for _ in range(4)]
    now = await store.state("OLD")

    async def step(writer: Writer, percent: float) -> State | str:
        try:
            placement = (await store.state("OLD")).placement
            return await store.move(
                writer,
                now,
                type(placement)(Phase.SHADOW, sample=percent),
                kind="advance",
                actor=f"{percent}",
                reason="x",
            )
        except MigrationConflict as error:
            return str(error)

    found = await asyncio.gather(*(step(writer, n) for n, writer in enumerate(writers, 1)))
    [won] = [one for one in found if isinstance(one, State)]
    lost = [one for one in found if isinstance(one, str)]
    assert len(lost) == 3
    assert all("moved by someone else" in one and "SHADOW" in one for one in lost)
    assert await store.state("OLD") == won
    assert len(await store.history("OLD")) == 1


async def test_every_step_is_a_change_record_with_actor_and_reason(database: Database) -> None:
    writer = Writer(database)
    await stepped(database, writer, Wish("advance"), "anna")
    await stepped(database, writer, Wish("rollback"), "bo")
    async with database.read() as connection:
        rows = (
            await connection.execute(
                select(CHANGE_RECORD.c.action, CHANGE_RECORD.c.actor, CHANGE_RECORD.c.body).where(
                    CHANGE_RECORD.c.target == "OLD"
                )
            )
        ).all()
    assert [(row.action, row.actor) for row in rows] == [
        ("migration.advance", "anna"),
        ("migration.rollback", "bo"),
    ]
    detail = read_body(rows[0].body)["record"]["detail"]
    assert (detail["from"]["phase"], detail["to"]["phase"], detail["reason"]) == (
        "LEGACY",
        "SHADOW",
        "a test",
    )


async def test_a_step_that_cannot_be_recorded_is_not_made(database: Database) -> None:
    class Broken(Writer):
        async def append_with(self, work: object) -> object:  # type: ignore[override]  # noqa: ARG002
            raise OSError("no ledger")

    with pytest.raises(OSError, match="no ledger"):
        await stepped(database, Broken(database), Wish("advance"), "anna")
    assert (await MigrationStore(database).state("OLD")).version == 0


async def test_four_eyes_need_two_people_and_the_same_wish(database: Database) -> None:
    writer = Writer(database)
    for who in ("anna", "anna"):
        with pytest.raises(SecondPersonNeeded):
            await stepped(database, writer, Wish("advance"), who, four_eyes=True)
    with pytest.raises(SecondPersonNeeded):  # another wish: it takes the place of the first
        await stepped(database, writer, Wish("advance", sample=5), "bo", four_eyes=True)
    state = await stepped(database, writer, Wish("advance", sample=5), "anna", four_eyes=True)
    assert state.placement.sample == 5
    [step] = await MigrationStore(database).history("OLD")
    assert (step.actor, step.second) == ("bo", "anna")


async def test_the_number_map_reserves_binds_once_and_finds_both_ways(database: Database) -> None:
    numbers = NumberMap(database)
    assert await numbers.reserve("OLD", "1")
    assert not await numbers.reserve("OLD", "1")
    assert await numbers.new_number("OLD", "1") is None
    await numbers.bind("OLD", "1", "T1")
    await numbers.bind("OLD", "1", "T1")
    assert await numbers.new_number("OLD", "1") == "T1"
    assert await NumberMap(database).old_numbers("OLD", ["T1", "T2"]) == {"T1": "1"}
    for old, new in (("1", "T9"), ("2", "T1")):
        with pytest.raises(MigrationConflict):
            await numbers.bind("OLD", old, new)
    assert await NumberMap(database).new_number("OLD", "2") is None


async def test_counts_of_processes_add_up(database: Database) -> None:
    tallies = [Tally(database) for _ in range(3)]
    key = ("OLD", "m", 0, "verdict", "same")
    for turn in range(5):
        for tally in tallies:
            tally.add(key, 10 + turn, 2)
            tally.add_usage(("2018-01-01", "OLD", "", "portal", "1", "Op"), 10, failed=turn == 0)
        await asyncio.gather(*(tally.flush() for tally in tallies))
    from gateway.migration.parity import read_parity
    from gateway.migration.usage import read_usage

    assert (await read_parity(database, "OLD", "m")).verdicts == {"same": 30}
    [row] = await read_usage(database, days=36_000)
    assert (row.calls, row.errors) == (15, 3)
