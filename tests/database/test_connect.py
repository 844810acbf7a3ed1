"""Transactions, faults and health, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway.database import Database, DatabaseUnavailable, open_database, release, take, upgrade
from tests.services import PostgresServer, free_port, postgres_server


async def test_what_a_write_leaves_a_later_read_sees(database: Database) -> None:
    async with database.write() as connection:
        assert await take(database, connection, "sealer", "one", 60.0)
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT holder FROM lease")) == "one"


async def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    async def fail_half_way() -> None:
        async with database.write() as connection:
            await take(database, connection, "sealer", "one", 60.0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_half_way()
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM lease")) == 0


async def test_writers_at_once_wait_for_each_other(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO lease VALUES ('count', 'x', 0)"))

    async def add() -> None:
        async with database.write() as connection:
            await connection.execute(text("UPDATE lease SET expires_us = expires_us + 1"))

    await asyncio.gather(*(add() for _ in range(20)))
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT expires_us FROM lease")) == 20


async def test_a_mistake_in_a_statement_is_no_fault_of_the_database(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.read() as connection:
            await connection.execute(text("SELECT no_such_column FROM lease"))
    assert (await database.health()).up


async def test_health_tells_kind_and_time(database: Database) -> None:
    report = (await database.health()).report()
    assert (report["status"], report["kind"]) == ("up", database.kind)
    assert report["ms"] >= 0


# --- leases ---


async def test_a_lease_has_one_holder_who_may_renew_it(database: Database) -> None:
    async with database.write() as connection:
        assert await take(database, connection, "sealer", "one", 60.0)
        assert not await take(database, connection, "sealer", "two", 60.0)
        assert await take(database, connection, "sealer", "one", 60.0)


async def test_a_lease_passes_on_when_it_is_over_or_given_back(database: Database) -> None:
    async with database.write() as connection:
        assert await take(database, connection, "sealer", "one", -1.0)
        assert await take(database, connection, "sealer", "two", 60.0)
        await release(connection, "sealer", "two")
        assert await take(database, connection, "sealer", "three", 60.0)


async def test_of_many_who_want_a_lease_at_once_one_gets_it(database: Database) -> None:
    async def attempt(name: str) -> bool:
        async with database.write() as connection:
            return await take(database, connection, "sealer", name, 60.0)

    assert sum(await asyncio.gather(*(attempt(str(number)) for number in range(8)))) == 1


# --- faults ---


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """One to kill."""
    with postgres_server() as server:
        yield server


async def test_a_killed_postgresql_is_named_and_used_again_when_it_is_back(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    database = open_database(own_postgres.url(), tmp_path)
    await upgrade(database)
    own_postgres.kill()
    with pytest.raises(DatabaseUnavailable):
        async with database.write() as connection:
            await take(database, connection, "sealer", "one", 60.0)
    down = await database.health()
    assert not down.up
    assert down.report()["code"] == "DATABASE_UNAVAILABLE"

    own_postgres.start()
    async with database.write() as connection:
        assert await take(database, connection, "sealer", "one", 60.0)
    assert (await database.health()).up
    await database.close()


async def test_a_server_that_is_not_there_is_unavailable_without_its_password(tmp_path: Path) -> None:
    database = open_database(f"postgresql://clerk:open-sesame@127.0.0.1:{free_port()}/records", tmp_path)
    with pytest.raises(DatabaseUnavailable) as refused:
        async with database.read():
            pass
    assert "open-sesame" not in str(refused.value)
    await database.close()


async def test_a_cancelled_write_leaves_the_write_lock_to_the_next(tmp_path: Path) -> None:
    """Wherever it is cancelled: also between a statement and its rows, where SQLite keeps a closed connection alive."""
    database = open_database("", tmp_path)
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE note (number INTEGER PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO note VALUES (1), (2), (3)"))

    async def look_and_write() -> None:
        async with database.write() as connection:
            await connection.execute(text("SELECT number FROM note"))
            await connection.execute(text("INSERT INTO note DEFAULT VALUES RETURNING number"))

    kept = []  # a cancelled task's traceback holds the cursors that it used
    for steps in range(60):
        task = asyncio.create_task(look_and_write())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        kept.append((task, await asyncio.gather(task, return_exceptions=True)))
        async with database.write() as connection:  # raises where the lock is still held
            await connection.execute(text("INSERT INTO note DEFAULT VALUES"))
    await database.close()


async def test_a_full_disk_is_named_and_forgotten_when_there_is_room(tmp_path: Path) -> None:
    """SQLite's own limit on pages stands for the disk: the same SQLITE_FULL."""
    database = open_database("", tmp_path, pool=2)
    await upgrade(database)

    async def fill() -> None:
        async with database.write() as connection:
            await connection.execute(
                text("INSERT INTO lease VALUES (:name, :filling, 0)"), {"name": "x", "filling": "y" * 100_000}
            )

    async with database.write() as connection:
        pages = await connection.scalar(text("PRAGMA page_count"))
        await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(DatabaseUnavailable, match="full"):
        await fill()
    assert not (await database.health()).up

    async with database.write() as connection:
        await connection.execute(text("PRAGMA max_page_count = 1000000"))
    await fill()
    assert (await database.health()).up
    await database.close()


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "quanyu.db").write_bytes(b"not a database" * 100)
    database = open_database("", tmp_path)
    with pytest.raises(DatabaseUnavailable, match="not a database"):
        await upgrade(database)
    await database.close()


async def test_on_sqlite_a_write_waits_for_no_reader(tmp_path: Path) -> None:
    """Or a harvest's reads would keep looks from being recorded, and so answers from leaving."""
    database = open_database("", tmp_path, pool=2)
    await upgrade(database)
    async with database.read(), database.read(), database.write() as connection:
        assert await take(database, connection, "sealer", "one", 60.0)
    await database.close()


async def test_on_sqlite_what_an_answer_waits_for_goes_first(tmp_path: Path) -> None:
    database = open_database("", tmp_path)
    await upgrade(database)
    came: list[str] = []

    async def write(name: str, *, urgent: bool = False) -> None:
        async with database.write(urgent=urgent):
            came.append(name)

    async with database.write():
        waiting = [asyncio.ensure_future(write(f"harvest {number}")) for number in range(3)]
        gone = asyncio.ensure_future(write("gone", urgent=True))
        look = asyncio.ensure_future(write("look", urgent=True))
        await asyncio.sleep(0)  # each stands in the queue
        gone.cancel()
    await asyncio.gather(*waiting, look)
    assert came == ["look", "harvest 0", "harvest 1", "harvest 2"]
    await database.close()
