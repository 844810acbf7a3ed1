"""Migrations of a gateway from its settings."""

from __future__ import annotations

import hashlib
from contextlib import AsyncExitStack
from pathlib import Path

from gateway.database import Database
from gateway.ledger import Ledger
from gateway.migration.desk import Desk
from gateway.migration.gates import Policy, load_policy
from gateway.migration.numbers import NumberMap
from gateway.migration.readiness import Readiness
from gateway.migration.service import Migrations
from gateway.migration.store import MigrationStore
from gateway.migration.tally import Tally
from gateway.migration.watch import Watcher
from gateway.settings import Settings, secret_key_bytes

__all__ = ["build_migrations", "open_migrations", "policy_of"]


def policy_of(settings: Settings) -> Policy:
    """Raises PolicyError."""
    return load_policy(Path(settings.migration_policy) if settings.migration_policy else None)


def build_migrations(settings: Settings, database: Database) -> Migrations:
    """Opens nothing. Raises PolicyError."""
    policy_of(settings)  # a wrong file is told before anything starts
    return Migrations(
        MigrationStore(database),
        NumberMap(database),
        Tally(database),
        kept=settings.data_dir / "migrations.json",
        poll_s=settings.migration_poll_s,
        window_s=settings.migration_window_s,
    )


async def open_migrations(
    stack: AsyncExitStack, settings: Settings, migrations: Migrations, ledger: Ledger
) -> Desk:
    """Follows where they stand, counts, and watches, until the stack ends."""
    secret = secret_key_bytes(settings)[:64]
    migrations.key = hashlib.blake2b(secret, person=b"migration lots", digest_size=32).digest()
    await migrations.load()
    migrations.start()
    watcher = Watcher(
        ledger.database,
        migrations.store,
        ledger.writer,
        policy_of(settings),
        window_s=settings.migration_window_s,
        settle_s=2 * migrations.flush_s,
    )
    migrations.also("watch", min(settings.migration_window_s / 2, 5.0), watcher.look)
    stack.push_async_callback(migrations.stop)
    readiness = Readiness(ledger.database, policy_of(settings))
    return Desk(migrations, ledger.writer, readiness, four_eyes=settings.migration_four_eyes)
