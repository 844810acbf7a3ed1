"""The tasks of one process: sealing, heartbeats, witnessing, and how they take faults."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.database import Database
from gateway.ledger import Ledger, LedgerReader, Stream
from gateway.ledger.checkpoint import Signer, cosigned_by, read_checkpoint
from gateway.ledger.errors import TrailRolledBack, WitnessRefused
from gateway.ledger.merkle import verify_consistency, verify_inclusion
from gateway.ledger.sealer import Sealer
from gateway.ledger.tree_store import TreeStore
from gateway.ledger.witness import FileWitness, notes_in_file
from tests.ledger.conftest import KEYS, Trail, event, look
from tests.ledger.test_tampering import unguard

WITNESS = Signer.from_seed("elsewhere/witness", bytes(32))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - what is waited for is in a file or a database
            await asyncio.sleep(0.01)


async def test_what_is_appended_is_sealed_and_witnessed_by_itself(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "witness.jsonl"
    witness = FileWitness(file, WITNESS, KEYS.signer.verifier)
    ledger = Ledger(database, KEYS, witnesses=[witness], seal_s=0.02, heartbeat_s=0.05, witness_s=0.02)
    ledger.start()
    await ledger.writer.append_events([event(number) for number in range(5)])
    await ledger.recorder.record(look(1))
    note = ""

    async def witnessed() -> bool:
        nonlocal note
        note = ([*notes_in_file(file)] or [""])[-1]
        return bool(note) and read_checkpoint(note, KEYS.signer.verifier).size >= 8

    await until(witnessed)
    assert (await ledger.health())["status"] == "up"
    await ledger.stop()
    trail = Trail(database)
    found = await trail.verify(witnessed=[*notes_in_file(file)], witnesses=[WITNESS.verifier])
    assert (found.findings, found.unsealed) == ((), 0)
    changes = await LedgerReader(database).change_records(action="writer.ended")
    assert len(changes.records) == 1


async def test_one_process_seals_at_a_time_and_another_takes_over(trail: Trail) -> None:
    await trail.writer.append_events([event(1)])
    other = Sealer(trail.database, KEYS.signer, "other")
    assert await trail.sealer.seal() is not None
    await trail.writer.append_events([event(2)])
    assert await other.seal() is None
    await trail.sealer.give_up()
    taken = await other.seal()
    assert taken is not None
    assert (taken.start, taken.checkpoint.size) == (2, 3)
    assert (await trail.verify()).findings == ()


async def test_there_is_no_checkpoint_where_nothing_is_new(trail: Trail) -> None:
    assert await trail.sealer.seal() is None
    await trail.fill(3)
    assert await trail.sealer.seal() is None


async def test_a_seal_takes_so_many_at_once_and_says_that_there_is_more(trail: Trail) -> None:
    await trail.writer.append_events([event(number) for number in range(25)])
    sizes = []
    while (done := await trail.sealer.seal(at_once=10)) is not None:
        sizes.append((done.checkpoint.size, done.more))
    assert sizes == [(10, True), (20, True), (26, False)]
    assert (await trail.verify()).findings == ()


@pytest.mark.parametrize("cut", ["ledger_checkpoint", "all"])
async def test_a_sealer_that_finds_less_than_it_sealed_stops_and_says_so(trail: Trail, cut: str) -> None:
    await trail.fill(9)
    await unguard(trail.database)
    async with trail.database.write() as connection:
        await connection.execute(text("DELETE FROM ledger_checkpoint WHERE size > 10"))
        if cut == "all":
            await connection.execute(text("DELETE FROM ledger_leaf WHERE idx >= 10"))
    await trail.writer.append_events([event(100)])
    with pytest.raises(TrailRolledBack, match="28"):
        await trail.sealer.seal()


async def test_proofs_from_the_database_lead_to_the_signed_roots(trail: Trail) -> None:
    await trail.fill(300)
    async with trail.database.read() as connection:
        tree = TreeStore(connection)
        size = await tree.sealed_size()
        root = await tree.root(size)
        assert size > 600
        for index in (0, 1, 255, 256, 511, 600, size - 1):
            proof = await tree.inclusion(index, size)
            assert verify_inclusion(index, size, await tree.leaf(index), proof, root)
        for old in (1, 255, 256, 257, 512, size - 1):
            proof = await tree.consistency(old, size)
            assert verify_consistency(old, size, await tree.root(old), root, proof)
        with pytest.raises(LookupError):
            await tree.root(size + 1)


async def test_a_witness_refuses_a_trail_that_does_not_begin_with_what_it_saw(
    trail: Trail, tmp_path: Path
) -> None:
    witness = FileWitness(tmp_path / "w.jsonl", WITNESS, KEYS.signer.verifier)

    async def proof(old: int, new: int) -> list[bytes]:
        async with trail.database.read() as connection:
            return await TreeStore(connection).consistency(old, new)

    await trail.writer.append_events([event(1)])
    first = await trail.sealer.seal()
    await trail.writer.append_events([event(2)])
    second = await trail.sealer.seal()
    assert first is not None
    assert second is not None
    line = await witness.see(first.note, proof)
    assert cosigned_by(first.note, [line], WITNESS.verifier) is not None
    await witness.see(second.note, proof)
    with pytest.raises(WitnessRefused, match="has seen 3"):
        await witness.see(first.note, proof)

    other = tmp_path / "other.jsonl"
    stranger = FileWitness(other, WITNESS, KEYS.signer.verifier)
    await stranger.see(first.note, proof)

    async def false_proof(_old: int, _new: int) -> list[bytes]:
        return [bytes(32)]

    with pytest.raises(WitnessRefused, match="does not begin"):
        await stranger.see(second.note, false_proof)


async def test_a_last_line_that_a_crash_cut_off_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "w.jsonl"
    file.write_text('{"size": 1, "note": "one", "cosignature": "x"}\n{"size": 2, "no', encoding="utf-8")
    assert [*notes_in_file(file)] == ["one"]
    assert [*notes_in_file(tmp_path / "none")] == []


# --- reading ---


async def test_pages_hold_each_record_once_in_both_directions(trail: Trail) -> None:
    await trail.fill(30)
    reader = LedgerReader(trail.database)
    for newest_first in (False, True):
        keys: list[str] = []
        after = None
        while True:
            page = await reader.case_events(
                system="JT-PERMIT", after=after, limit=7, newest_first=newest_first
            )
            keys += [record.fields["key"] for record in page.records]
            after = page.next
            if after is None:
                break
        expected = [f"E{number}" for number in range(30)]
        assert keys == (expected[::-1] if newest_first else expected)


async def test_looks_are_found_by_case_and_subject_together(trail: Trail) -> None:
    await trail.fill(30)
    reader = LedgerReader(trail.database)
    case, subject = look(4).cases[0], look(4).subjects[0]
    assert len((await reader.access_records(case_id=case, subject=subject)).records) == 1
    assert (await reader.access_records(case_id=case, subject=look(5).subjects[0])).records == ()


async def test_the_trail_s_order_can_be_followed_from_any_leaf(trail: Trail) -> None:
    await trail.fill(30)
    reader = LedgerReader(trail.database)
    found: list[int] = []
    at = 0
    while rows := await reader.sealed_after(at, limit=13):
        found += [leaf for leaf, _ in rows]
        at = rows[-1][0] + 1
    assert found == list(range(91))
    events = await reader.sealed_after(0, streams=[Stream.CASE_EVENT], limit=100)
    assert len(events) == 30
    ref = events[3][1].ref
    assert await reader.leaf_of(ref) == events[3][0]


async def test_a_search_for_everything_is_refused(trail: Trail) -> None:
    reader = LedgerReader(trail.database)
    with pytest.raises(ValueError, match="wants a case"):
        await reader.case_events()
    with pytest.raises(ValueError, match="limit"):
        await reader.case_events(system="X", limit=100_000)
