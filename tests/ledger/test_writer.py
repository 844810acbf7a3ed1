"""What is appended is there once, in chains, and verifies; on both databases."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from gateway.ledger import Change, LedgerReader, Stream, Writer
from gateway.ledger.canonical import NotCanonicalError
from gateway.ledger.tables import CASE_EVENT, RECORDS
from tests.ledger.conftest import Trail, event, look


async def count(trail: Trail, stream: Stream = Stream.CASE_EVENT) -> int:
    async with trail.database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(RECORDS[stream])) or 0)


async def test_records_of_all_kinds_are_sealed_and_verify(trail: Trail) -> None:
    await trail.fill(30)
    found = await trail.verify()
    assert (found.findings, found.records, found.size, found.unsealed) == ((), 91, 91, 0)


async def test_a_trail_verifies_before_it_is_sealed(trail: Trail) -> None:
    await trail.writer.append_events([event(1), event(2)])
    found = await trail.verify()
    assert (found.findings, found.size, found.unsealed) == ((), 0, 3)


async def test_an_event_that_comes_again_is_kept_once(trail: Trail) -> None:
    first = await trail.writer.append_events([event(1), event(2), event(1)])
    again = await trail.writer.append_events([event(2), event(3)])
    assert [one.state for one in first + again] == ["new", "new", "repeated", "repeated", "new"]
    assert await count(trail) == 3


async def test_without_a_key_of_the_system_the_content_is_the_key(trail: Trail) -> None:
    states = [
        one.state
        for one in await trail.writer.append_events([event(1, key=""), event(1, key=""), event(2, key="")])
    ]
    assert states == ["new", "repeated", "new"]


async def test_an_event_that_is_told_otherwise_is_kept_beside_the_first_and_names_it(trail: Trail) -> None:
    await trail.writer.append_events([event(1)])
    other = event(1, detail={"step": "决定"})
    changed, repeated = await trail.writer.append_events([other, other])
    assert (changed.state, repeated.state) == ("changed", "repeated")
    page = await LedgerReader(trail.database).case_events(case_id=other.case_id)
    assert [record.fields["supersedes"] for record in page.records] == [None, "E1"]


async def test_the_same_key_in_two_systems_is_two_events(trail: Trail) -> None:
    appended = await trail.writer.append_events([event(1), event(1, system="GA-ENTRY")])
    assert [one.state for one in appended] == ["new", "new"]


async def test_four_writers_with_the_same_events_at_once_keep_each_once(trail: Trail) -> None:
    writers = [Writer(trail.database) for _ in range(4)]

    async def append(writer: Writer) -> int:
        new = 0
        for start in range(0, 60, 10):
            results = await writer.append_events([event(number) for number in range(start, start + 10)])
            new += sum(one.state == "new" for one in results)
        return new

    assert sum(await asyncio.gather(*(append(writer) for writer in writers))) == 60
    assert await count(trail) == 60
    await trail.sealer.seal()
    assert (await trail.verify()).findings == ()


async def test_looks_changes_and_events_at_once_do_not_disturb_each_others_chains(trail: Trail) -> None:
    await asyncio.gather(
        *(trail.writer.append_looks([look(number)]) for number in range(20)),
        *(trail.writer.append_events([event(number)]) for number in range(20)),
        *(trail.writer.append_changes([Change("x", target=str(number))]) for number in range(20)),
    )
    await trail.sealer.seal()
    found = await trail.verify()
    assert (found.findings, found.size) == ((), 61)


async def test_what_has_no_canonical_form_is_refused_with_its_place_and_leaves_no_gap(trail: Trail) -> None:
    with pytest.raises(NotCanonicalError, match=r"\$\.detail\.fee"):
        await trail.writer.append_events([event(1), event(2, detail={"fee": 1.5})])
    await trail.writer.append_events([event(3)])
    await trail.sealer.seal()
    assert (await trail.verify()).findings == ()


@pytest.mark.parametrize("stream", Stream, ids=lambda stream: stream.table)
@pytest.mark.parametrize("statement", ["update", "delete"])
async def test_the_database_itself_refuses_to_change_a_record(
    trail: Trail, stream: Stream, statement: str
) -> None:
    await trail.fill(3)
    table = RECORDS[stream]

    async def change() -> None:
        async with trail.database.write() as connection:
            await connection.execute(
                table.update().values(at_us=0) if statement == "update" else table.delete()
            )

    with pytest.raises(DBAPIError, match="append-only"):
        await change()
    assert (await trail.verify()).findings == ()


async def test_values_of_people_are_in_no_column_of_the_trail(trail: Trail) -> None:
    number = "500229197001010010"
    await trail.writer.append_events([event(1, personal={"number": number})])
    async with trail.database.read() as connection:
        rows = (await connection.execute(select(CASE_EVENT))).all()
        assert number not in str(rows)
        assert await trail.vault.get(connection, event(1).subject or "") == {"number": number}
