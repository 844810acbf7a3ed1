"""What the law lets go breaks no proof; what goes without it does."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from gateway.ledger import LedgerReader, Stream, Writer
from gateway.ledger.errors import KeyInvalid
from gateway.ledger.export import export_trail, verify_export
from gateway.ledger.personal import Vault
from gateway.ledger.retention import apply_retention, erase_subject
from gateway.ledger.tree_store import TreeStore
from gateway.ledger.writer import now_us
from tests.ledger.conftest import KEYS, Trail, event
from tests.ledger.test_tampering import unguard

SUBJECT = event(1).subject or ""


async def retain(trail: Trail, stream: Stream = Stream.CASE_EVENT, **how: object) -> int:
    given: dict[str, object] = {"reason": "档案规定", "actor": "archivist"}
    return await apply_retention(trail.writer, stream, now_us(), **(given | how))  # type: ignore[arg-type]


@pytest.mark.parametrize("stream", [Stream.CASE_EVENT, Stream.ACCESS_RECORD], ids=lambda one: one.table)
async def test_old_records_go_and_the_trail_still_verifies(trail: Trail, stream: Stream) -> None:
    await trail.fill(30)
    assert await retain(trail, stream) == 30
    await trail.sealer.seal()
    found = await trail.verify()
    assert (found.findings, found.dropped, found.records) == ((), 30, 62)


async def test_cases_under_a_hold_stay(trail: Trail) -> None:
    await trail.fill(30)
    held = "JT-PERMIT:JT2017-000004"
    assert await retain(trail, held_cases=[held]) == 27
    page = await LedgerReader(trail.database).case_events(system="JT-PERMIT")
    assert {record.fields["case"] for record in page.records} == {held}
    assert (await trail.verify()).findings == ()


async def test_a_dry_run_takes_nothing(trail: Trail) -> None:
    await trail.fill(30)
    assert (await retain(trail, dry_run=True), (await trail.verify()).dropped) == (30, 0)


async def test_what_is_not_sealed_stays(trail: Trail) -> None:
    await trail.writer.append_events([event(1)])
    assert await retain(trail) == 0


async def test_a_held_record_that_goes_beside_a_retention_is_found(trail: Trail) -> None:
    await trail.fill(30)
    await retain(trail, held_cases=["JT-PERMIT:JT2017-000004"])
    await unguard(trail.database)
    async with trail.database.write() as connection:
        await connection.execute(text("DELETE FROM case_event WHERE event_key = 'E13'"))
    found = await trail.verify()
    assert found.first is not None
    assert found.first.kind == "REMOVED"


async def test_an_export_without_the_bodies_is_whole(trail: Trail) -> None:
    await trail.fill(30)
    await retain(trail)
    await trail.sealer.seal()
    lines = [line async for line in export_trail(trail.database, KEYS.signer.verifier)]
    found = verify_export(lines, KEYS.signer.verifier)
    assert (found.findings, found.dropped) == ((), 30)


async def test_records_of_changes_are_kept(trail: Trail) -> None:
    with pytest.raises(ValueError, match="kept"):
        await retain(trail, Stream.CHANGE_RECORD)


async def test_erasing_a_person_destroys_their_values_and_breaks_no_proof(trail: Trail) -> None:
    values = {"number": "500229197001010010", "name": "陈某某"}
    await trail.writer.append_events([event(1, personal=values)])
    await trail.sealer.seal()
    async with trail.database.read() as connection:
        before = await TreeStore(connection).root(2)
        assert await trail.vault.get(connection, SUBJECT) == values
    await erase_subject(trail.writer, trail.vault, SUBJECT, reason="PIPL 47", actor="dpo")
    async with trail.database.read() as connection:
        assert await trail.vault.get(connection, SUBJECT) == {}
        assert await TreeStore(connection).root(2) == before
        assert await connection.scalar(text("SELECT count(*) FROM subject_value")) == 0
    changes = await LedgerReader(trail.database).change_records(action="subject.erased")
    assert [(one.fields["target"], one.fields["actor"]) for one in changes.records] == [(SUBJECT, "dpo")]
    assert (await trail.verify()).findings == ()


async def test_the_same_event_again_does_not_bring_an_erased_person_back(trail: Trail) -> None:
    given = event(1, personal={"number": "500229197001010010"})
    await trail.writer.append_events([given])
    await erase_subject(trail.writer, trail.vault, SUBJECT, reason="PIPL 47", actor="dpo")
    await Writer(trail.database, trail.vault).append_events([given])
    async with trail.database.read() as connection:
        assert await trail.vault.get(connection, SUBJECT) == {}


async def test_values_do_not_open_with_another_master_key(trail: Trail) -> None:
    await trail.writer.append_events([event(1, personal={"name": "陈某某"})])
    async with trail.database.read() as connection:
        with pytest.raises(KeyInvalid):
            await Vault(bytes(32)).get(connection, SUBJECT)
