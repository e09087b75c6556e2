"""That a visit's assessments are complete, signed; a signature is taken back by another one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.persistence.types import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_TABLE = "assessment_signature"
_STAYS = "a signature stays"


def upgrade() -> None:
    """Add the table; its rows only ever come."""
    op.create_table(
        _TABLE,
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("participant_id", sa.String(32), nullable=False),
        sa.Column("visit", sa.String(10), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("standing", sa.String(12), nullable=False),
        sa.Column("assessed_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("signature_id", sa.String(32), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f(f"ck_{_TABLE}_number_positive")),
        sa.CheckConstraint(
            "standing IN ('complete', 'taken_back')", name=op.f(f"ck_{_TABLE}_standing_known")
        ),
        sa.CheckConstraint(
            "reason IN ('', 'not_complete', 'other_participant', 'other_visit')",
            name=op.f(f"ck_{_TABLE}_reason_known"),
        ),
        _to("study_id", "study"),
        _to("participant_id", "participant"),
        _to("signature_id", "signature"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        sa.UniqueConstraint(
            "participant_id",
            "visit",
            "number",
            name=op.f(f"uq_{_TABLE}_participant_id_visit_number"),
        ),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {_TABLE}_no_{verb} BEFORE {verb.upper()} ON {_TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{_STAYS}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION assessment_stays() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_STAYS}'; END $$"
    )
    for verb in ("update", "delete", "truncate"):
        each = "STATEMENT" if verb == "truncate" else "ROW"
        op.execute(
            f"CREATE TRIGGER {_TABLE}_no_{verb} BEFORE {verb.upper()} ON {_TABLE} "
            f"FOR EACH {each} EXECUTE FUNCTION assessment_stays()"
        )
    op.execute(
        f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
        f"GRANT SELECT, INSERT ON {_TABLE} TO {_APP_ROLE}; END IF; END $$"
    )


def downgrade() -> None:
    """Take it away. A database in which assessments were signed is refused."""
    if op.get_bind().execute(sa.text(f"SELECT count(*) FROM {_TABLE}")).scalar():
        raise DatabaseUnusable(
            "The database holds signatures of assessments, which the older schema cannot keep. "
            "Restore the backup of before the upgrade instead."
        )
    op.drop_table(_TABLE)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION assessment_stays()")


def _to(column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{_TABLE}_{column}_{other}")
    )
