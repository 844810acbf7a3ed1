"""The ledger's tables, as its code knows them. `gateway/database/migrations/versions/ledger_*.py` makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from gateway.ledger.records import Stream

__all__ = [
    "ACCESS_ABOUT",
    "ACCESS_RECORD",
    "CASE_EVENT",
    "CHANGE_RECORD",
    "CHECKPOINT",
    "COSIGNATURE",
    "LEAF",
    "METADATA",
    "NODE",
    "RECORDS",
    "RETENTION",
    "SUBJECT_KEY",
    "SUBJECT_VALUE",
    "WRITER",
    "octets",
]

METADATA = MetaData()


class Octets(LargeBinary):
    """Bytes, read as bytes even where someone made text of them: SQLite lets any column hold anything, and a check
    must be able to say so."""

    def result_processor(self, _dialect: object, _kind: object) -> Callable[[object], bytes | None]:
        return octets


def octets(value: object) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else repr(value).encode()


def _place() -> list[Column[object]]:
    return [
        Column("writer", Text, primary_key=True),
        Column("seq", BigInteger, primary_key=True),
        Column("at_us", BigInteger, nullable=False),
        Column("leaf", Octets(), nullable=False),
        Column("body", Octets(), nullable=False),
    ]


CASE_EVENT = Table(
    "case_event",
    METADATA,
    *_place(),
    Column("system", Text, nullable=False),
    Column("event_key", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("occurred_us", BigInteger),
    Column("subject", Text),
    UniqueConstraint("system", "event_key", name="case_event_key"),
    Index("case_event_by_case", "case_id", "at_us", "writer", "seq"),
    Index("case_event_by_subject", "subject", "at_us", "writer", "seq"),
    Index("case_event_by_system", "system", "at_us", "writer", "seq"),
)

ACCESS_RECORD = Table(
    "access_record",
    METADATA,
    *_place(),
    Column("actor", Text, nullable=False),
    Column("purpose", Text),
    Column("outcome", Text, nullable=False),
    Index("access_record_by_actor", "actor", "at_us", "writer", "seq"),
    Index("access_record_by_time", "at_us", "writer", "seq"),
)

ACCESS_ABOUT = Table(
    "access_about",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("ref", Text, primary_key=True),
    Column("at_us", BigInteger, primary_key=True, autoincrement=False),
    Column("writer", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    sqlite_with_rowid=False,
)
"""Case or subject -> looks at it; repeats what their bodies say."""

CHANGE_RECORD = Table(
    "change_record",
    METADATA,
    *_place(),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("target", Text, nullable=False),
    Index("change_record_by_action", "action", "at_us", "writer", "seq"),
    Index("change_record_by_target", "target", "at_us", "writer", "seq"),
)

RECORDS: Mapping[Stream, Table] = {
    Stream.CASE_EVENT: CASE_EVENT,
    Stream.ACCESS_RECORD: ACCESS_RECORD,
    Stream.CHANGE_RECORD: CHANGE_RECORD,
}

WRITER = Table(
    "ledger_writer",
    METADATA,
    Column("writer", Text, primary_key=True),
    Column("seen_us", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
)
"""Whom the sealer looks for. No evidence: that is in the change records `writer.started` and `writer.ended`."""

LEAF = Table(
    "ledger_leaf",
    METADATA,
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("stream", SmallInteger, nullable=False),
    Column("writer", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Octets(), nullable=False),
    UniqueConstraint("stream", "writer", "seq", name="ledger_leaf_record"),
)
"""The tree's leaves in order; they outlive the records that retention takes away."""

NODE = Table(
    "ledger_node",
    METADATA,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Octets(), nullable=False),
)
"""Complete subtrees of every eighth level: proofs need no more than some hundred rows."""

CHECKPOINT = Table(
    "ledger_checkpoint",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)

COSIGNATURE = Table(
    "ledger_cosignature",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    Column("line", Text, nullable=False),
)

SUBJECT_KEY = Table(
    "subject_key",
    METADATA,
    Column("subject", Text, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)
"""Each subject's own key, encrypted with the master key. Deleting a row is the erasure."""

SUBJECT_VALUE = Table(
    "subject_value",
    METADATA,
    Column("subject", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

RETENTION = Table("ledger_retention", METADATA, Column("stream", SmallInteger, primary_key=True))
"""Streams whose records may be deleted now; filled and emptied within one transaction of the retention routine."""
