"""Cases that their system is to be asked for again; runs of the harvest that came to their limits.

Revision ID: tracking_0002
"""

import sqlalchemy as sa
from alembic import op

revision = "tracking_0002"
down_revision = "tracking_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case_file", sa.Column("unseen", sa.Boolean, nullable=False, server_default=sa.true()))
    op.create_index("case_file_unseen", "case_file", ["system", "unseen"])
    op.add_column("harvest", sa.Column("unfinished", sa.Boolean, nullable=False, server_default=sa.false()))
