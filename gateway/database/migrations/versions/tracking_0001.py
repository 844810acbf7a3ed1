"""Case files, cards, the harvest's places and its quarantine.

Revision ID: tracking_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "tracking_0001"
down_revision = None
branch_labels = ("tracking",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_file",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("system", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("item", "region", "department", "handler", "subject")),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        *(
            sa.Column(name, sa.BigInteger)
            for name in ("applied_us", "accepted_us", "due_us", "next_check_us")
        ),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("as_of_us", sa.BigInteger, nullable=False),
        sa.Column("changed_us", sa.BigInteger, nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
    )
    op.create_index("case_file_open", "case_file", ["is_open", "due_us", "case_id"])
    for name in ("department", "region", "item"):
        op.create_index(f"case_file_{name}", "case_file", [name, "is_open", "due_us", "case_id"])
    op.create_index("case_file_level", "case_file", ["is_open", "level", "due_us", "case_id"])
    op.create_index("case_file_subject", "case_file", ["subject", "applied_us"])
    op.create_index("case_file_check", "case_file", ["is_open", "next_check_us"])
    op.create_table(
        "card",
        sa.Column("card_id", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("region", sa.Text),
        sa.Column("department", sa.Text),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("raised_us", sa.BigInteger, nullable=False),
        sa.Column("card", sa.JSON, nullable=False),
    )
    op.create_index("card_case", "card", ["case_id", "raised_us"])
    op.create_index("card_raised", "card", ["raised_us", "card_id"])
    op.create_index("card_department", "card", ["department", "raised_us", "card_id"])
    op.create_table(
        "harvest",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("mapping", sa.Text),
        sa.Column("watermark", sa.Text),
        sa.Column("position", sa.Text),
        *(sa.Column(name, sa.BigInteger) for name in ("started_us", "ended_us", "good_us")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("events", "repeated", "failures")),
        sa.Column("fault_code", sa.Text),
        sa.Column("fault", sa.Text),
    )
    op.create_table(
        "quarantine",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("verb", "reason", "raw")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("seen_us", "tried_us", "attempts")),
        sa.Column("since", sa.Text),
    )
