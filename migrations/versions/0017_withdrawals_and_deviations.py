"""Who left the treatment, who replaces whom, and signed deviations: rows that only ever come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.persistence.types import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_TABLES = ("withdrawal", "replacement", "deviation", "deviation_confirmation")
_STAYS = "a signed record stays"


def upgrade() -> None:
    """Add the tables; nobody has left a study of before."""
    _make_departures()
    _make_deviations()
    if op.get_bind().dialect.name == "sqlite":
        for table in _TABLES:
            for verb in ("update", "delete"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{_STAYS}'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION signed_record_stays() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_STAYS}'; END $$"
    )
    for table in _TABLES:
        for verb in ("update", "delete", "truncate"):
            each = "STATEMENT" if verb == "truncate" else "ROW"
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION signed_record_stays()"
            )
    op.execute(
        f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
        f"GRANT SELECT, INSERT ON {', '.join(_TABLES)} TO {_APP_ROLE}; END IF; END $$"
    )


def downgrade() -> None:
    """Take them away. A database in which somebody left or a deviation was signed is refused."""
    for table in _TABLES:
        if op.get_bind().execute(sa.text(f"SELECT count(*) FROM {table}")).scalar():
            raise DatabaseUnusable(
                "The database holds withdrawals or deviations, which the older schema cannot "
                "keep. Restore the backup of before the upgrade instead."
            )
    for table in reversed(_TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION signed_record_stays()")


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)


def _make_departures() -> None:
    op.create_table(
        "withdrawal",
        sa.Column("participant_id", sa.String(32), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("signature_id", sa.String(32), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "reason IN ('consent', 'adverse_event', 'investigator', 'lost', 'not_eligible', "
            "'died', 'error')",
            name=op.f("ck_withdrawal_reason_known"),
        ),
        _to("withdrawal", "participant_id", "participant"),
        _to("withdrawal", "signature_id", "signature"),
        sa.PrimaryKeyConstraint("participant_id", name=op.f("pk_withdrawal")),
    )
    op.create_table(
        "replacement",
        sa.Column("participant_id", sa.String(32), nullable=False),
        sa.Column("replaces_id", sa.String(32), nullable=False),
        sa.Column("signature_id", sa.String(32), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        _to("replacement", "participant_id", "participant"),
        _to("replacement", "replaces_id", "participant"),
        _to("replacement", "signature_id", "signature"),
        sa.PrimaryKeyConstraint("participant_id", name=op.f("pk_replacement")),
    )


def _make_deviations() -> None:
    op.create_table(
        "deviation",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("participant_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("corrective", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("signature_id", sa.String(32), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('wrong_person', 'wrong_stratum', 'not_eligible', 'served_twice', 'other')",
            name=op.f("ck_deviation_kind_known"),
        ),
        sa.CheckConstraint(
            "outcome IN ('keeps', 'not_treated')", name=op.f("ck_deviation_outcome_known")
        ),
        _to("deviation", "study_id", "study"),
        _to("deviation", "participant_id", "participant"),
        _to("deviation", "signature_id", "signature"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deviation")),
    )
    op.create_table(
        "deviation_confirmation",
        sa.Column("deviation_id", sa.String(32), nullable=False),
        sa.Column("signature_id", sa.String(32), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        _to("deviation_confirmation", "deviation_id", "deviation"),
        _to("deviation_confirmation", "signature_id", "signature"),
        sa.PrimaryKeyConstraint("deviation_id", name=op.f("pk_deviation_confirmation")),
    )
