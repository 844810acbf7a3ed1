"""Indexes that hold all that lists and counts look at, so that the files themselves are read only where they are shown.

Revision ID: views_0002
"""

import sqlalchemy as sa
from alembic import op

revision = "views_0002"
down_revision = "views_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("department", "region"):
        op.drop_index(f"case_file_{name}", "case_file")
        columns = [name, "is_open", "due_us", "case_id", "state", "level"]
        op.create_index(f"case_file_{name}", "case_file", columns)
    op.drop_index("case_file_counts", "case_file")
    op.create_index(
        "case_file_counts",
        "case_file",
        ["department", "item", "state", "due_us", "level", "region", "is_open"],
        sqlite_where=sa.text("is_open IS 1"),
        postgresql_where=sa.text("is_open IS true"),
    )
