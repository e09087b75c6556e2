"""How many addresses a mail server refused a notice for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody counted before: of what was mailed, none is known to be refused."""
    with op.batch_alter_table("notice_post") as batch:
        batch.add_column(sa.Column("refused", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("notice_post") as batch:
        batch.alter_column("refused", server_default=None)


def downgrade() -> None:
    """Take the count away; it is no record of a study."""
    with op.batch_alter_table("notice_post") as batch:
        batch.drop_column("refused")
