"""The ledger: records, tree, checkpoints, keys of subjects; append-only by triggers.

Revision ID: ledger_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "ledger_0001"
down_revision = None
branch_labels = ("ledger",)
depends_on = ("lease_0001",)

RECORDS = {"case_event": 1, "access_record": 2, "access_about": 2, "change_record": 3}
"""Table -> number of its stream: what the retention routine may open."""
FIXED = ("ledger_leaf", "ledger_node", "ledger_checkpoint", "ledger_cosignature")


def _place() -> list[sa.Column[object]]:
    return [
        sa.Column("writer", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "case_event",
        *_place(),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("event_key", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("occurred_us", sa.BigInteger),
        sa.Column("subject", sa.Text),
        sa.UniqueConstraint("system", "event_key", name="case_event_key"),
    )
    op.create_index("case_event_by_case", "case_event", ["case_id", "at_us", "writer", "seq"])
    op.create_index("case_event_by_subject", "case_event", ["subject", "at_us", "writer", "seq"])
    op.create_index("case_event_by_system", "case_event", ["system", "at_us", "writer", "seq"])
    op.create_table(
        "access_record",
        *_place(),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text),
        sa.Column("outcome", sa.Text, nullable=False),
    )
    op.create_index("access_record_by_actor", "access_record", ["actor", "at_us", "writer", "seq"])
    op.create_index("access_record_by_time", "access_record", ["at_us", "writer", "seq"])
    op.create_table(
        "access_about",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("ref", sa.Text, primary_key=True),
        sa.Column("at_us", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("writer", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "change_record",
        *_place(),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
    )
    op.create_index("change_record_by_action", "change_record", ["action", "at_us", "writer", "seq"])
    op.create_index("change_record_by_target", "change_record", ["target", "at_us", "writer", "seq"])
    op.create_table(
        "ledger_writer",
        sa.Column("writer", sa.Text, primary_key=True),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
    )
    op.create_table(
        "ledger_leaf",
        sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("stream", sa.SmallInteger, nullable=False),
        sa.Column("writer", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("stream", "writer", "seq", name="ledger_leaf_record"),
    )
    op.create_table(
        "ledger_node",
        sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "ledger_checkpoint",
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "ledger_cosignature",
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("witness", sa.Text, primary_key=True),
        sa.Column("line", sa.Text, nullable=False),
    )
    op.create_table(
        "subject_key",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "subject_value",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table("ledger_retention", sa.Column("stream", sa.SmallInteger, primary_key=True))
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_triggers()
    else:
        _postgresql_triggers()


def _sqlite_triggers() -> None:
    for table in (*RECORDS, *FIXED):
        refuse = f"SELECT RAISE(ABORT, '{table} is append-only')"
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refuse}; END")
        stream = RECORDS.get(table)
        open_now = f"SELECT 1 FROM ledger_retention WHERE stream = {stream}"  # noqa: S608 - a number from above  # nosec B608
        unless = f" WHEN NOT EXISTS ({open_now})" if stream else ""
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}{unless} BEGIN {refuse}; END")


def _postgresql_triggers() -> None:
    op.execute(
        """
        CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND TG_NARGS = 1 AND
               EXISTS (SELECT 1 FROM ledger_retention WHERE stream = TG_ARGV[0]::smallint) THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    for table in (*RECORDS, *FIXED):
        stream = RECORDS.get(table, "")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION ledger_append_only({stream})"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()"
        )
