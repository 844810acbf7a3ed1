"""How far the history of a replaced system is read, and which open cases its successor has shown.

Revision ID: migration_0002
"""

import sqlalchemy as sa
from alembic import op

revision = "migration_0002"
down_revision = "migration_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "migration_backfill",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("mapping", sa.Text),
        sa.Column("watermark", sa.Text),
        sa.Column("position", sa.Text),
        sa.Column("started_us", sa.BigInteger),
        sa.Column("ended_us", sa.BigInteger),
        sa.Column("good_us", sa.BigInteger),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("repeated", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("fault_code", sa.Text),
        sa.Column("fault", sa.Text),
        sa.Column("unfinished", sa.Boolean, nullable=False),
    )
    op.create_table(
        "migration_moved",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("old", sa.Text, primary_key=True),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
    )
