"""What each file's clocks were made with, and when they were due, so that another calendar counts them again.

Revision ID: tracking_0004
"""

import sqlalchemy as sa
from alembic import op

revision = "tracking_0004"
down_revision = "tracking_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case_file", sa.Column("basis", sa.Text, nullable=False, server_default=""))
    op.add_column("case_file", sa.Column("dues", sa.JSON))
    op.create_index(
        "case_file_basis",
        "case_file",
        ["basis", "changed_us"],
        sqlite_where=sa.text("is_open IS 1"),
        postgresql_where=sa.text("is_open IS true"),
    )
