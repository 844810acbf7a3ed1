"""The outbox's table as its migrations make it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

__all__ = ["METADATA", "ROWS"]

METADATA = MetaData()
_IN_FLIGHT = text("state IN ('DISPATCHING', 'TAKEN', 'UNKNOWN', 'RECONCILING', 'NEEDS_PERSON')")
_OPEN = text("settled_at IS NULL")

ROWS = Table(
    "submission",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("token", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("key_hash", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("item_code", Text),
    Column("applicant_ref", Text),
    Column("follows", Text),
    Column("sealed", LargeBinary),
    Column("number", Text),
    Column("attempts", Integer, nullable=False),
    Column("queries", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("first_sent_at", BigInteger),
    Column("sent_at", BigInteger),
    Column("next_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("lease", Text),
    Column("lease_until", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Index("submission_key", "owner", "key_hash", unique=True),
    Index(
        "submission_lane_in_flight", "lane", unique=True, sqlite_where=_IN_FLIGHT, postgresql_where=_IN_FLIGHT
    ),
    Index("submission_lane", "lane", "id"),
    Index("submission_due", "next_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("submission_number", "system", "number"),
)
"""A row's meaning: `adapters.submission.row.Submission`."""
