"""Sign-ins that lack their second factor: good for showing it, or for breaking a code."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_KNOWN = "ck_sign_in_session_limited_to_known"


def upgrade() -> None:
    """Add the limit; sign-ins of before have none."""
    with op.batch_alter_table("sign_in_session") as batch:
        batch.add_column(sa.Column("limited_to", sa.String(12), nullable=True))
        batch.create_check_constraint(op.f(_KNOWN), "limited_to IN ('second_step', 'code_break')")


def downgrade() -> None:
    """Take it away, and end the sign-ins that had one: without it they would open everything."""
    op.execute(
        "UPDATE sign_in_session SET ended_at = seen_at "
        "WHERE limited_to IS NOT NULL AND ended_at IS NULL"
    )
    with op.batch_alter_table("sign_in_session") as batch:
        batch.drop_constraint(op.f(_KNOWN), type_="check")
    with op.batch_alter_table("sign_in_session") as batch:
        batch.drop_column("limited_to")
