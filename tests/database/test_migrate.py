"""Migrations: from nothing, by many at once, from newer programs, and what they leave."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect, text

from gateway.casefile.tables import METADATA as TRACKING_METADATA
from gateway.database import (
    Database,
    DatabaseOutOfDate,
    migration_state,
    open_database,
    require_current,
    upgrade,
)
from gateway.database.lease import METADATA as LEASE_METADATA
from gateway.ledger.tables import METADATA as LEDGER_METADATA
from gateway.migration.tables import METADATA as MIGRATION_METADATA
from gateway.outbox.tables import METADATA as OUTBOX_METADATA
from tests.conftest import execute_on
from tests.services import PostgresServer

ROOMS: tuple[MetaData, ...] = (
    LEASE_METADATA,
    LEDGER_METADATA,
    OUTBOX_METADATA,
    MIGRATION_METADATA,
    TRACKING_METADATA,
)
"""The tables of each room, as its code knows them."""


async def test_the_tables_are_what_the_code_knows(database: Database) -> None:
    known = {table.name for room in ROOMS for table in room.tables.values()}
    async with database.read() as connection:
        for room in ROOMS:
            found = await connection.run_sync(
                lambda sync, room=room: compare_metadata(
                    MigrationContext.configure(
                        sync,
                        opts={
                            "include_name": lambda name, kind, _parents, room=room: (
                                kind != "table" or name in room.tables
                            )
                        },
                    ),
                    room,
                )
            )
            assert found == []
        assert await connection.run_sync(_tables) - {"alembic_version"} == known


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_nothing_is_pending_after_an_upgrade_and_a_second_one_does_nothing(database: Database) -> None:
    state = await migration_state(database)
    assert state.current
    assert state.applied
    assert (await upgrade(database)).pending == ()
    await require_current(database)


async def test_many_who_upgrade_an_empty_file_at_once_leave_one_good_state(tmp_path: Path) -> None:
    await _upgrade_at_once("", tmp_path)


async def test_many_who_upgrade_an_empty_postgresql_at_once_leave_one_good_state(
    shared_postgres: PostgresServer, tmp_path: Path
) -> None:
    execute_on(shared_postgres, "CREATE DATABASE upgraded_at_once")
    await _upgrade_at_once(shared_postgres.url("upgraded_at_once"), tmp_path)


async def _upgrade_at_once(url: str, data_dir: Path) -> None:
    databases = [open_database(url, data_dir) for _ in range(4)]
    found = await asyncio.gather(*(upgrade(one) for one in databases))
    assert sum(bool(one.pending) for one in found) == 1
    assert (await migration_state(databases[0])).current
    await asyncio.gather(*(one.close() for one in databases))


async def test_tables_of_a_newer_program_are_left_alone(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO alembic_version VALUES ('from_the_future')"))
    with pytest.raises(DatabaseOutOfDate, match="newer version"):
        await upgrade(database)
    with pytest.raises(DatabaseOutOfDate, match="from_the_future"):
        await require_current(database)


async def test_tables_that_are_missing_are_named(shared_postgres: PostgresServer, tmp_path: Path) -> None:
    execute_on(shared_postgres, "CREATE DATABASE left_empty")
    database = open_database(shared_postgres.url("left_empty"), tmp_path)
    with pytest.raises(DatabaseOutOfDate, match="quanyu database upgrade"):
        await require_current(database)
    await database.close()
