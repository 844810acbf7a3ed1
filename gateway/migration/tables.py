"""Tables of migrations, as their Alembic history makes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, Table, Text

__all__ = [
    "BACKFILL",
    "COUNT",
    "DECLARED",
    "METADATA",
    "MOVED",
    "NUMBER",
    "PROPOSAL",
    "SAMPLE",
    "STATE",
    "STEP",
    "TRIAGE",
    "USAGE",
]

METADATA = MetaData()

STATE = Table(
    "migration_state",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("phase", Text, nullable=False),
    Column("percent", Float, nullable=False),
    Column("sample", Float, nullable=False),
    Column("frozen", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
)
"""Where each system stands; part: a capability (`case`), empty for all others. version: what compare-and-set compares.
since_us: when its phase began."""

STEP = Table(
    "migration_step",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("percent", Float, nullable=False),
    Column("sample", Float, nullable=False),
    Column("frozen", Boolean, nullable=False),
    Column("was", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("second", Text),
    Column("reason", Text, nullable=False),
    Column("forced", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
"""Every step, in words for people; the ledger holds the same, sealed. forced: gates that were shut, by name."""

PROPOSAL = Table(
    "migration_proposal",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("wish", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
"""A step that waits for a second person."""

DECLARED = Table(
    "migration_declared",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("successor", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
"""Migrations that gateways have in their declarations, so that commands need none. mapping: what is compared now."""

COUNT = Table(
    "migration_count",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("mapping", Text, primary_key=True),
    Column("bucket_us", BigInteger, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Index("migration_count_bucket", "system", "scope", "bucket_us"),
)
"""Counts of all workers. bucket_us: beginning of an hour (parity) or of a window (sides). scope: `path:state`,
`verdict`, `side:new`; name: what is counted there."""

SAMPLE = Table(
    "migration_sample",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("mapping", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("old", Text, nullable=False),
    Column("new", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
"""A few pairs of values of each path that differed, masked."""

TRIAGE = Table(
    "migration_triage",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
"""Differences that a person has decided to live with."""

USAGE = Table(
    "migration_usage",
    METADATA,
    Column("day", Text, primary_key=True),
    Column("system", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
)
"""Who asked for which field of the graph, and which systems answered for it (field empty)."""

NUMBER = Table(
    "migration_number",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("old", Text, primary_key=True),
    Column("new", Text),
    Column("reserved_us", BigInteger, nullable=False),
    Index("migration_number_new", "system", "new", unique=True),
)
"""The identifier map: old number -> new one; without a new one it is reserved."""

BACKFILL = Table(
    "migration_backfill",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("mapping", Text),
    Column("watermark", Text),
    Column("position", Text),
    Column("started_us", BigInteger),
    Column("ended_us", BigInteger),
    Column("good_us", BigInteger),
    Column("events", BigInteger, nullable=False),
    Column("repeated", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("fault_code", Text),
    Column("fault", Text),
    Column("unfinished", Boolean, nullable=False),
)
"""How far the whole history of a system is read: the columns of `casefile.tables.HARVEST`, of a walk of its own.
watermark: set once its list came to its end."""

MOVED = Table(
    "migration_moved",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("old", Text, primary_key=True),
    Column("seen_us", BigInteger, nullable=False),
)
"""Open cases, by their old number, that the new system has shown when it was asked for them."""
