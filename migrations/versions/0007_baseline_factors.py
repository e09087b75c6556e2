"""Baseline factors of participants, by which a list with strata is served."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.persistence.types import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"


def upgrade() -> None:
    """Add the table; protocols of before ask for no factors."""
    op.create_table(
        "factor_value",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("participant_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("factor", sa.String(31), nullable=False),
        sa.Column("level", sa.String(31), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("entered_by", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(12), nullable=False),
        sa.Column("after_place", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "reason IN ('', 'mistyped', 'source')", name=op.f("ck_factor_value_reason_known")
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_factor_value_number_positive")),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name=op.f("fk_factor_value_participant_id_participant"),
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_factor_value_entered_by_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factor_value")),
        sa.UniqueConstraint(
            "participant_id",
            "number",
            "factor",
            name=op.f("uq_factor_value_participant_id_number_factor"),
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON factor_value TO {_APP_ROLE}; END IF; END $$"
        )


def downgrade() -> None:
    """Take it away. A database in which factors were entered is refused."""
    if op.get_bind().execute(sa.text("SELECT count(*) FROM factor_value")).scalar():
        raise DatabaseUnusable(
            "The database holds baseline factors, which the older schema cannot keep. Restore the "
            "backup of before the upgrade instead."
        )
    op.drop_table("factor_value")
