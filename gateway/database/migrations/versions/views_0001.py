"""What worklists and trails look for: the latest step of a case, who handles it, its other numbers.

Revision ID: views_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "views_0001"
down_revision = None
branch_labels = ("views",)
depends_on = ("tracking_0001",)


def upgrade() -> None:
    op.add_column("case_file", sa.Column("step", sa.Text))
    op.add_column("case_file", sa.Column("step_us", sa.BigInteger))
    op.create_index("case_file_handler", "case_file", ["handler", "is_open", "due_us", "case_id"])
    op.create_index("case_file_step", "case_file", ["is_open", "step_us", "case_id"])
    op.create_index("case_file_item_region", "case_file", ["item", "region", "is_open", "due_us", "case_id"])
    op.create_index(
        "case_file_counts",
        "case_file",
        ["department", "item", "state", "due_us", "level", "region"],
        sqlite_where=sa.text("is_open IS 1"),
        postgresql_where=sa.text("is_open IS true"),
    )
    op.create_table(
        "case_number",
        sa.Column("number", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
    )
    op.create_index("case_number_case", "case_number", ["case_id"])
