"""Migrations of systems: where each stands, what was compared, who still asks, and numbers old and new.

Revision ID: migration_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "migration_0001"
down_revision = None
branch_labels = ("migration",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "migration_state",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("part", sa.Text, primary_key=True),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("percent", sa.Float, nullable=False),
        sa.Column("sample", sa.Float, nullable=False),
        sa.Column("frozen", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("since_us", sa.BigInteger, nullable=False),
        sa.Column("changed_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "migration_step",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("part", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("percent", sa.Float, nullable=False),
        sa.Column("sample", sa.Float, nullable=False),
        sa.Column("frozen", sa.Boolean, nullable=False),
        sa.Column("was", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("second", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("forced", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "migration_proposal",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("part", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("wish", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "migration_declared",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("successor", sa.Text, nullable=False),
        sa.Column("mapping", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "migration_count",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("mapping", sa.Text, primary_key=True),
        sa.Column("bucket_us", sa.BigInteger, primary_key=True),
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("first_us", sa.BigInteger, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
    )
    op.create_index("migration_count_bucket", "migration_count", ["system", "scope", "bucket_us"])
    op.create_table(
        "migration_sample",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("mapping", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("old", sa.Text, nullable=False),
        sa.Column("new", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "migration_triage",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "migration_usage",
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("field", sa.Text, primary_key=True),
        sa.Column("client", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("operation", sa.Text, primary_key=True),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("errors", sa.BigInteger, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "migration_number",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("old", sa.Text, primary_key=True),
        sa.Column("new", sa.Text),
        sa.Column("reserved_us", sa.BigInteger, nullable=False),
    )
    op.create_index("migration_number_new", "migration_number", ["system", "new"], unique=True)
