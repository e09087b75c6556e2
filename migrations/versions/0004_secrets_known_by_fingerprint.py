"""Secrets known by fingerprint, so that a wrong one stops the start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"


def upgrade() -> None:
    """One row for each secret of the configuration; the first start writes it."""
    op.create_table(
        "known_secret",
        sa.Column("setting", sa.String(40), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(16), nullable=False),
        sa.PrimaryKeyConstraint("setting", name=op.f("pk_known_secret")),
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON known_secret TO {_APP_ROLE}; "
            "END IF; END $$"
        )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("known_secret")
