"""A tamper matrix, on both databases: whatever is changed behind the triggers is found and named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Table, text

from gateway.database import Database
from gateway.ledger import Stream, ledger_keys
from gateway.ledger.checkpoint import Checkpoint, Signer, sign_checkpoint
from gateway.ledger.findings import Found
from gateway.ledger.records import RecordRef, write_body
from gateway.ledger.tables import ACCESS_ABOUT, CHECKPOINT, COSIGNATURE, LEAF, METADATA, NODE, RECORDS
from gateway.ledger.witness import FileWitness, notes_in_file
from tests.ledger.conftest import KEYS, Trail

pytestmark = pytest.mark.usefixtures("filled")


@pytest.fixture
async def filled(trail: Trail) -> None:
    """270 records in three checkpoints: 10 to 30 of each kind in each, and a kept subtree."""
    await trail.fill(90)
    found = await trail.verify()
    assert found.findings == ()
    assert found.size > 256


async def tamper(trail: Trail, *statements: str, **values: object) -> Found:
    """As whoever owns the database: without its triggers and constraints."""
    await unguard(trail.database)
    async with trail.database.write() as connection:
        for statement in statements:
            done = await connection.execute(text(statement), values)
            assert done.rowcount != 0, statement
    return await trail.verify()


async def unguard(database: Database) -> None:
    async with database.write() as connection:
        if database.kind == "sqlite":
            names = (
                await connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
            ).all()
            for name in names:
                await connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in METADATA.tables:
                await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def name_of(trail: Trail, stream: Stream, seq: int) -> str:
    return str(RecordRef(stream, trail.writer.name, seq))


def is_first(found: Found, kind: str, what: str) -> None:
    assert found.first is not None
    assert (found.first.kind, found.first.what) == (kind, what), [str(one) for one in found.findings]


COLUMNS = [
    (stream, column.name)
    for stream, table in RECORDS.items()
    for column in table.columns
    if column.name not in ("writer", "seq")
]


@pytest.mark.parametrize(("stream", "column"), COLUMNS, ids=lambda value: getattr(value, "table", value))
async def test_any_column_of_a_record(trail: Trail, stream: Stream, column: str) -> None:
    kind = RECORDS[stream].columns[column].type.python_type
    if kind is bytes:
        zero, one = (
            ("X'00'", "X'01'") if trail.database.kind == "sqlite" else (r"'\x00'::bytea", r"'\x01'::bytea")
        )
        byte = f"CASE WHEN substr({column}, 21, 1) = {zero} THEN {one} ELSE {zero} END"
        bent = f"substr({column}, 1, 20) || {byte} || substr({column}, 22)"
        if trail.database.kind == "sqlite":
            bent = f"CAST({bent} AS BLOB)"
    else:
        bent = f"{column} + 1" if kind is int else f"{column} || 'x'"
    found = await tamper(
        trail,
        f"UPDATE {stream.table} SET {column} = {bent} WHERE writer = :w AND seq = 17",
        w=trail.writer.name,
    )
    is_first(found, "ALTERED", name_of(trail, stream, 17))
    assert len(found.findings) == 1


async def test_the_number_of_a_record(trail: Trail) -> None:
    found = await tamper(
        trail, "UPDATE case_event SET seq = 1000 WHERE writer = :w AND seq = 17", w=trail.writer.name
    )
    is_first(found, "REMOVED", name_of(trail, Stream.CASE_EVENT, 17))


async def test_the_writer_of_a_record(trail: Trail) -> None:
    found = await tamper(
        trail, "UPDATE case_event SET writer = 'other' WHERE writer = :w AND seq = 17", w=trail.writer.name
    )
    is_first(found, "REMOVED", name_of(trail, Stream.CASE_EVENT, 17))
    assert "INSERTED" not in {one.kind for one in found.findings if one.leaf is not None}


@pytest.mark.parametrize("stream", Stream, ids=lambda stream: stream.table)
@pytest.mark.parametrize("seq", [1, 17])
async def test_a_deleted_record(trail: Trail, stream: Stream, seq: int) -> None:
    found = await tamper(
        trail, f"DELETE FROM {stream.table} WHERE writer = :w AND seq = {seq}", w=trail.writer.name
    )
    is_first(found, "REMOVED", name_of(trail, stream, seq))


async def test_a_record_deleted_with_its_leaf(trail: Trail) -> None:
    found = await tamper(
        trail,
        "DELETE FROM case_event WHERE writer = :w AND seq = 17",
        "DELETE FROM ledger_leaf WHERE stream = 1 AND writer = :w AND seq = 17",
        w=trail.writer.name,
    )
    assert found.first is not None
    assert found.first.kind == "REMOVED"
    assert name_of(trail, Stream.CASE_EVENT, 17) in {
        one.what for one in found.findings if one.kind == "REMOVED"
    }


async def test_a_record_deleted_with_its_leaf_and_the_later_ones_moved_up(trail: Trail) -> None:
    found = await tamper(
        trail,
        "DELETE FROM case_event WHERE writer = :w AND seq = 17",
        "DELETE FROM ledger_leaf WHERE stream = 1 AND writer = :w AND seq = 17",
        # in two steps, because numbers are unique at every moment
        "UPDATE ledger_leaf SET idx = -idx WHERE idx > 16",
        "UPDATE ledger_leaf SET idx = -idx - 1 WHERE idx < 0",
        w=trail.writer.name,
    )
    assert found.first is not None
    assert found.first.kind == "REMOVED"
    assert name_of(trail, Stream.CASE_EVENT, 17) in {one.what for one in found.findings}


async def test_a_record_put_in_where_all_is_sealed(trail: Trail) -> None:
    forged = write_body(
        RecordRef(Stream.CHANGE_RECORD, "forger", 1),
        1,
        "0" * 64,
        {"action": "x", "actor": "y", "target": "z", "detail": {}},
    )
    await unguard(trail.database)
    async with trail.database.write() as connection:
        row = {"writer": trail.writer.name, "seq": 0, "at_us": 1, "leaf": forged.leaf, "body": forged.body}
        row |= {"action": "x", "actor": "y", "target": "z"}
        await connection.execute(RECORDS[Stream.CHANGE_RECORD].insert().values(row))
    is_first(await trail.verify(), "INSERTED", name_of(trail, Stream.CHANGE_RECORD, 0))


async def test_a_record_appended_that_its_writer_did_not_write(trail: Trail) -> None:
    forged = write_body(
        RecordRef(Stream.CHANGE_RECORD, trail.writer.name, 92),
        1,
        "0" * 64,
        {"action": "x", "actor": "y", "target": "z", "detail": {}},
    )
    async with trail.database.write() as connection:
        row = {"writer": trail.writer.name, "seq": 92, "at_us": 1, "leaf": forged.leaf, "body": forged.body}
        row |= {"action": "x", "actor": "y", "target": "z"}
        await connection.execute(RECORDS[Stream.CHANGE_RECORD].insert().values(row))
    is_first(await trail.verify(), "INSERTED", name_of(trail, Stream.CHANGE_RECORD, 92))


SWAP = (
    "UPDATE {table} SET {column} = -1 WHERE {where} AND {column} = {one}",
    "UPDATE {table} SET {column} = {one} WHERE {where} AND {column} = {other}",
    "UPDATE {table} SET {column} = {other} WHERE {where} AND {column} = -1",
)


def swap(table: str, column: str, one: int, other: int, where: str = "1 = 1") -> list[str]:
    return [row.format(table=table, column=column, one=one, other=other, where=where) for row in SWAP]


async def test_two_records_that_changed_places(trail: Trail) -> None:
    found = await tamper(trail, *swap("access_record", "seq", 16, 17, "writer = :w"), w=trail.writer.name)
    assert {(one.kind, one.what) for one in found.findings if one.kind == "REORDERED"} or found.findings
    assert found.first is not None
    assert found.first.what == name_of(trail, Stream.ACCESS_RECORD, 16)
    assert found.first.kind == "REORDERED"


async def test_two_leaves_that_changed_places(trail: Trail) -> None:
    found = await tamper(trail, *swap("ledger_leaf", "idx", 16, 17))
    assert found.first is not None
    assert found.first.kind == "REORDERED"
    assert found.first.leaf in (16, 17)


async def test_two_records_that_changed_places_with_their_leaves_and_all(trail: Trail) -> None:
    """Rows, leaves and chain of one writer's two events swapped; only their bodies still say which was first."""
    where = "writer = :w"
    found = await tamper(
        trail,
        *swap("case_event", "seq", 16, 17, where),
        *swap("ledger_leaf", "seq", 16, 17, where + " AND stream = 1"),
        w=trail.writer.name,
    )
    assert found.first is not None
    assert found.first.kind == "REORDERED"
    assert found.first.what in {name_of(trail, Stream.CASE_EVENT, seq) for seq in (16, 17)}


@pytest.mark.parametrize("column", ["hash", "seq", "stream", "writer", "idx"])
async def test_any_column_of_a_leaf(trail: Trail, column: str) -> None:
    new = {
        "hash": "(SELECT other.hash FROM ledger_leaf AS other WHERE other.idx = 3)",
        "seq": "1000",
        "stream": "9",
        "writer": "'other'",
        "idx": "100000",
    }[column]
    found = await tamper(trail, f"UPDATE ledger_leaf SET {column} = {new} WHERE idx = 16")
    assert found.first is not None
    assert found.first.leaf in (16, 17)
    if column == "hash":
        is_first(found, "ALTERED", "ledger_leaf 16")
        assert len(found.findings) == 1


async def test_a_leaf_altered_so_that_it_fits_an_altered_record(trail: Trail) -> None:
    """Whoever changes record and leaf still has the roots against them."""
    async with trail.database.read() as connection:
        row = (
            await connection.execute(
                text("SELECT body FROM case_event WHERE writer = :w AND seq = 17"), {"w": trail.writer.name}
            )
        ).one()
    import orjson

    from gateway.ledger.merkle import leaf_hash

    body = orjson.loads(bytes(row.body))
    body["record"]["kind"] = "VOID"
    raw = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    found = await tamper(
        trail,
        "UPDATE case_event SET body = :raw, leaf = :leaf, kind = 'VOID' WHERE writer = :w AND seq = 17",
        "UPDATE ledger_leaf SET hash = :leaf WHERE stream = 1 AND writer = :w AND seq = 17",
        w=trail.writer.name,
        raw=raw,
        leaf=leaf_hash(raw),
    )
    assert found.first is not None
    assert found.first.kind == "ALTERED"
    assert name_of(trail, Stream.CASE_EVENT, 18) in {one.what for one in found.findings}


@pytest.mark.parametrize(("table", "column"), [(NODE, "hash"), (NODE, "idx"), (NODE, "level")], ids=str)
async def test_any_column_of_a_kept_subtree(trail: Trail, table: Table, column: str) -> None:
    new = "(SELECT hash FROM ledger_leaf WHERE idx = 1)" if column == "hash" else f"{column} + 8"
    is_first(await tamper(trail, f"UPDATE {table.name} SET {column} = {new}"), "ALTERED", "ledger_node 8/0")


async def test_a_number_in_a_checkpoint(trail: Trail) -> None:
    found = await tamper(trail, "UPDATE ledger_checkpoint SET note = replace(note, 'time 1', 'time 2')")
    assert found.first is not None
    assert (found.first.kind, len(found.findings)) == ("FORGED", 3)


async def test_the_size_of_a_checkpoint(trail: Trail) -> None:
    found = await tamper(trail, "UPDATE ledger_checkpoint SET size = size - 1 WHERE size = 91")
    is_first(found, "ALTERED", "checkpoint 90")


async def test_the_last_checkpoint_taken_away(trail: Trail) -> None:
    found = await tamper(
        trail, "DELETE FROM ledger_checkpoint WHERE size = (SELECT max(size) FROM ledger_checkpoint)"
    )
    assert found.first is not None
    assert (found.first.kind, found.first.what) == ("REMOVED", "checkpoint after leaf 181")


async def test_the_tail_of_the_records_cut_off(trail: Trail) -> None:
    await trail.writer.append_events([])
    await trail.writer.heartbeat()
    found = await tamper(
        trail,
        "DELETE FROM access_record WHERE seq > 85",
        "DELETE FROM access_about WHERE seq > 85",
        "DELETE FROM ledger_leaf WHERE stream = 2 AND seq > 85",
    )
    assert found.first is not None
    assert found.first.kind == "REMOVED"


async def test_the_tail_of_unsealed_records_cut_off_is_known_from_a_heartbeat(trail: Trail) -> None:
    from tests.ledger.conftest import look

    await trail.writer.append_looks([look(number) for number in range(200, 205)])
    await trail.writer.heartbeat()
    found = await tamper(
        trail, "DELETE FROM access_record WHERE seq > 90", "DELETE FROM access_about WHERE seq > 90"
    )
    is_first(found, "REMOVED", name_of(trail, Stream.ACCESS_RECORD, 91))


@pytest.mark.parametrize("column", [column.name for column in ACCESS_ABOUT.columns])
async def test_any_column_of_a_link(trail: Trail, column: str) -> None:
    new = f"{column} + 1" if column in ("at_us", "seq") else f"{column} || 'x'"
    found = await tamper(trail, f"UPDATE access_about SET {column} = {new} WHERE seq = 90 AND kind = 'case'")
    assert {one.kind for one in found.findings} == {"INSERTED", "REMOVED"}
    assert all(one.what.startswith("access_about") for one in found.findings)


async def test_a_link_taken_away_hides_no_look(trail: Trail) -> None:
    found = await tamper(trail, "DELETE FROM access_about WHERE seq = 17 AND kind = 'subject'")
    is_first(found, "REMOVED", f"access_about subject {16:064x}")


async def test_all_of_it_sealed_again_with_another_key(trail: Trail) -> None:
    other = Signer.from_seed(KEYS.signer.name, bytes(32))
    await _seal_again(trail, other)
    found = await trail.verify()
    is_first(found, "FORGED", "checkpoint 91")
    assert len(found.findings) == 3


async def _seal_again(trail: Trail, signer: Signer) -> None:
    from gateway.ledger.tree_store import TreeStore

    await unguard(trail.database)
    async with trail.database.write() as connection:
        tree = TreeStore(connection)
        sizes: Sequence[int] = (
            await connection.scalars(CHECKPOINT.select().with_only_columns(CHECKPOINT.c.size))
        ).all()
        for size in sizes:
            checkpoint = Checkpoint(signer.name, size, await tree.root(size), 1)
            note = sign_checkpoint(checkpoint, signer)
            await connection.execute(CHECKPOINT.update().where(CHECKPOINT.c.size == size).values(note=note))


async def test_a_number_that_is_there_twice(trail: Trail) -> None:
    drop = (
        [
            "CREATE TABLE copy AS SELECT * FROM ledger_leaf",
            "DROP TABLE ledger_leaf",
            "ALTER TABLE copy RENAME TO ledger_leaf",
        ]
        if trail.database.kind == "sqlite"
        else ["ALTER TABLE ledger_leaf DROP CONSTRAINT ledger_leaf_record"]
    )
    await unguard(trail.database)
    async with trail.database.write() as connection:
        for statement in drop:
            await connection.execute(text(statement))
        top = await connection.scalar(text("SELECT max(idx) FROM ledger_leaf"))
        await connection.execute(
            text(
                f"INSERT INTO ledger_leaf SELECT {top} + 1, stream, writer, seq, hash FROM ledger_leaf WHERE idx = 16"
            )
        )
    found = await trail.verify()
    assert ("INSERTED", int(top) + 1) in {(one.kind, one.leaf) for one in found.findings}


# --- what only a witness can tell ---


async def test_a_database_rolled_back_is_found_by_a_witness_and_by_nobody_else(
    trail: Trail, tmp_path: Path
) -> None:
    witness = FileWitness(tmp_path / "witness.jsonl", Signer.from_seed("w", bytes(32)), KEYS.signer.verifier)
    await _witness(trail, witness)
    found = await tamper(
        trail,
        "DELETE FROM case_event WHERE seq > 30",
        "DELETE FROM access_record WHERE seq > 30",
        "DELETE FROM access_about WHERE seq > 30",
        "DELETE FROM change_record WHERE seq > 31",
        "DELETE FROM ledger_leaf WHERE idx >= 91",
        "DELETE FROM ledger_node",
        "DELETE FROM ledger_checkpoint WHERE size > 91",
    )
    assert found.findings == ()
    witnessed = await trail.verify(witnessed=list(notes_in_file(tmp_path / "witness.jsonl")))
    assert witnessed.first is not None
    assert (witnessed.first.kind, witnessed.first.what) == ("ROLLED_BACK", "checkpoint 271")


async def test_history_written_anew_with_the_right_key_is_found_by_a_witness(
    trail: Trail, tmp_path: Path
) -> None:
    witness = FileWitness(tmp_path / "witness.jsonl", Signer.from_seed("w", bytes(32)), KEYS.signer.verifier)
    await _witness(trail, witness)
    other = sign_checkpoint(Checkpoint(KEYS.signer.name, 271, bytes(32), 1), KEYS.signer)
    found = await trail.verify(witnessed=[other])
    is_first(found, "ROLLED_BACK", "checkpoint 271")


@pytest.mark.parametrize("column", ["line", "size"])
async def test_a_cosignature_that_is_not_the_witness_s(trail: Trail, tmp_path: Path, column: str) -> None:
    signer = Signer.from_seed("w", bytes(32))
    line = await _witness(trail, FileWitness(tmp_path / "w", signer, KEYS.signer.verifier))
    async with trail.database.write() as connection:
        await connection.execute(COSIGNATURE.insert().values(size=271, witness="w", line=line))
    assert (await trail.verify(witnesses=[signer.verifier])).findings == ()
    new = "replace(line, 'A', 'B')" if column == "line" else "91"
    await unguard(trail.database)
    async with trail.database.write() as connection:
        await connection.execute(text(f"UPDATE ledger_cosignature SET {column} = {new}"))
    found = await trail.verify(witnesses=[signer.verifier])
    assert found.first is not None
    assert found.first.kind == "FORGED"


async def _witness(trail: Trail, witness: FileWitness) -> str:
    from gateway.ledger.read import LedgerReader
    from gateway.ledger.tree_store import TreeStore

    async def proof(old: int, new: int) -> Sequence[bytes]:
        async with trail.database.read() as connection:
            return await TreeStore(connection).consistency(old, new)

    note = await LedgerReader(trail.database).newest_checkpoint()
    assert note is not None
    return await witness.see(note, proof)


async def test_another_trail_of_the_same_form_is_not_taken_for_this_one(trail: Trail) -> None:
    other = ledger_keys(
        KEYS.signer.name, b"another ledger key, of 32 bytes too", b"a subject key of tests only, 012345"
    )
    from gateway.ledger.verify import verify_store

    found = await verify_store(trail.database, other.signer.verifier)
    assert found.first is not None
    assert found.first.kind == "FORGED"


def test_the_matrix_has_every_table_of_the_trail() -> None:
    apart = {"subject_key", "subject_value", "ledger_writer", "ledger_retention"}
    covered = {table.name for table in (*RECORDS.values(), ACCESS_ABOUT, LEAF, NODE, CHECKPOINT, COSIGNATURE)}
    assert covered | apart == set(METADATA.tables)
