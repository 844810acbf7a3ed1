"""Where records are kept: SQLite in a file of the gateway's own, or PostgreSQL. See docs/run-quanyu.md."""

from __future__ import annotations

from gateway.database.address import Address, address_of
from gateway.database.connect import Database, DatabaseHealth, open_database
from gateway.database.errors import (
    DatabaseError,
    DatabaseOutOfDate,
    DatabaseUnavailable,
    DatabaseUrlInvalid,
)
from gateway.database.lease import release, take
from gateway.database.migrate import (
    MigrationState,
    migration_state,
    prepare_tables,
    prepare_tables_when_back,
    require_current,
    upgrade,
)

__all__ = [
    "Address",
    "Database",
    "DatabaseError",
    "DatabaseHealth",
    "DatabaseOutOfDate",
    "DatabaseUnavailable",
    "DatabaseUrlInvalid",
    "MigrationState",
    "address_of",
    "migration_state",
    "open_database",
    "prepare_tables",
    "prepare_tables_when_back",
    "release",
    "require_current",
    "take",
    "upgrade",
]
