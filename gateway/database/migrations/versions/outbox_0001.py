"""The outbox: what is to be sent to legacy systems, and what came of it.

Revision ID: outbox_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "outbox_0001"
down_revision = None
branch_labels = ("outbox",)
depends_on = None

IN_FLIGHT = "state IN ('DISPATCHING', 'TAKEN', 'UNKNOWN', 'RECONCILING', 'NEEDS_PERSON')"


def upgrade() -> None:
    op.create_table(
        "submission",
        # SQLite numbers rows by itself only where the key is a plain INTEGER
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("token", sa.Text, nullable=False, unique=True),
        sa.Column("owner", sa.Text, nullable=False),  # keyed hash
        sa.Column("key_hash", sa.Text, nullable=False),  # keyed hash of the idempotency key
        sa.Column("fingerprint", sa.Text, nullable=False),  # keyed hash of what was asked
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("department", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("item_code", sa.Text),
        sa.Column("applicant_ref", sa.Text),  # keyed hash
        sa.Column("follows", sa.Text),
        sa.Column("sealed", sa.LargeBinary),  # encrypted body, null once it is settled
        sa.Column("number", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("queries", sa.Integer, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),  # JSON: masked echo, answer, history
        sa.Column("recorded_at", sa.BigInteger, nullable=False),  # all times: milliseconds since 1970
        sa.Column("first_sent_at", sa.BigInteger),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("lease", sa.Text),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("submission_key", "submission", ["owner", "key_hash"], unique=True)
    # whatever two dispatchers do at once: of one lane, one is with the system
    op.create_index(
        "submission_lane_in_flight",
        "submission",
        ["lane"],
        unique=True,
        sqlite_where=sa.text(IN_FLIGHT),
        postgresql_where=sa.text(IN_FLIGHT),
    )
    op.create_index("submission_lane", "submission", ["lane", "id"])
    open_rows = sa.text("settled_at IS NULL")
    op.create_index(
        "submission_due", "submission", ["next_at"], sqlite_where=open_rows, postgresql_where=open_rows
    )
    op.create_index("submission_number", "submission", ["system", "number"])
