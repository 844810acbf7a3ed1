"""Leases: which process may do what only one may do at a time.

Revision ID: lease_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "lease_0001"
down_revision = None
branch_labels = ("lease",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column(
            "expires_us", sa.BigInteger, nullable=False
        ),  # microseconds since 1970, the database's clock
    )
