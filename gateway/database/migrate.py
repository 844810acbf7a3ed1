"""Tables made and brought up to date, by Alembic, from scripts that are shipped with the program.

Each room that keeps tables has a history of its own in `migrations/versions`, with its own root and label (`ledger`,
`outbox`, ...): rooms do not wait for each other, and `upgrade` brings all of them to their newest state.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from gateway.database.connect import Database
from gateway.database.errors import DatabaseOutOfDate, DatabaseUnavailable

__all__ = [
    "MigrationState",
    "migration_state",
    "prepare_tables",
    "prepare_tables_when_back",
    "require_current",
    "upgrade",
]

log = structlog.get_logger("gateway.database")

SCRIPTS = Path(__file__).parent / "migrations"
RETRY_S = 2.0
LOCK = 0x7175616E7975
"""PostgreSQL advisory lock of those who migrate: "quanyu" in ASCII."""


@dataclass(frozen=True, slots=True)
class MigrationState:
    """Revisions by identifier: those the tables have, those still to run in order, those this program does not know."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...] = ()

    @property
    def current(self) -> bool:
        return not self.pending and not self.unknown


async def migration_state(database: Database) -> MigrationState:
    """Raises DatabaseUnavailable."""
    async with database.read() as connection:
        return await connection.run_sync(_state)


async def upgrade(database: Database) -> MigrationState:
    """Runs what is pending, in one transaction and one process at a time; what it found before. Raises
    DatabaseUnavailable, DatabaseOutOfDate for tables of a newer program."""
    if database.address.file is not None:
        try:
            database.address.file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseUnavailable(f"{database.address.shown}: {error}") from error
    async with database.write() as connection:
        if database.kind == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        before = await connection.run_sync(_state)
        _refuse_newer(database, before)
        if before.pending:
            await connection.run_sync(_upgrade)
    return before


async def require_current(database: Database) -> None:
    """Raises DatabaseOutOfDate where something is pending or the tables are newer than this program."""
    state = await migration_state(database)
    _refuse_newer(database, state)
    if state.pending:
        raise DatabaseOutOfDate(
            f"{database.address.shown}: {len(state.pending)} migrations are pending "
            f"({', '.join(state.pending)}); run `quanyu database upgrade`"
        )


async def prepare_tables(database: Database) -> None:
    """What a program does at its start: a file of its own is upgraded, a server's tables must be up to date already
    (several versions may run beside each other there). Raises DatabaseUnavailable, DatabaseOutOfDate."""
    if database.address.embedded:
        await upgrade(database)
    else:
        await require_current(database)


async def prepare_tables_when_back(database: Database, *, every_s: float = RETRY_S) -> None:
    """Tries until the database is there. Tables that do not fit are logged, again and again."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await prepare_tables(database)
        except DatabaseUnavailable:
            continue
        except DatabaseOutOfDate as error:
            log.error("database does not fit", fault=str(error))
            continue
        log.info("database is there", database=database.address.shown)
        return


def _refuse_newer(database: Database, state: MigrationState) -> None:
    if state.unknown:
        raise DatabaseOutOfDate(
            f"{database.address.shown} was made by a newer version (revision {', '.join(state.unknown)}); run that one"
        )


def _config(**attributes: Any) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(attributes)
    return config


def _state(connection: Connection) -> MigrationState:
    scripts = ScriptDirectory.from_config(_config())
    heads = MigrationContext.configure(connection).get_current_heads()
    every = list(scripts.walk_revisions())  # newest first
    known = {script.revision for script in every}
    unknown = tuple(sorted(head for head in heads if head not in known))
    applied = {
        script.revision
        for head in heads
        if head in known
        for script in scripts.iterate_revisions(head, "base")
    }
    order = [script.revision for script in reversed(every)]
    return MigrationState(
        tuple(name for name in order if name in applied),
        tuple(name for name in order if name not in applied),
        unknown,
    )


def _upgrade(connection: Connection) -> None:
    command.upgrade(_config(connection=connection), "heads")
