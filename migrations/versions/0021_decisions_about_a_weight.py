"""What an investigator signs about a weight over the limit, or one that changed too much."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.persistence.types import UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_TABLE = "weight_decision"
_STAYS = "a signed record stays"


def upgrade() -> None:
    """Add the table; nobody has decided on a weight of before."""
    _make_table()
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {_TABLE}_no_{verb} BEFORE {verb.upper()} ON {_TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{_STAYS}'); END"
            )
        return
    for verb in ("update", "delete", "truncate"):
        each = "STATEMENT" if verb == "truncate" else "ROW"
        op.execute(
            f"CREATE TRIGGER {_TABLE}_no_{verb} BEFORE {verb.upper()} ON {_TABLE} "
            f"FOR EACH {each} EXECUTE FUNCTION signed_record_stays()"
        )
    op.execute(
        f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
        f"GRANT SELECT, INSERT ON {_TABLE} TO {_APP_ROLE}; END IF; END $$"
    )


def downgrade() -> None:
    """Take it away. A database in which a weight was decided on is refused."""
    if op.get_bind().execute(sa.text(f"SELECT count(*) FROM {_TABLE}")).scalar():
        raise DatabaseUnusable(
            "The database holds signed decisions about weights, which the older schema cannot "
            "keep. Restore the backup of before the upgrade instead."
        )
    op.drop_table(_TABLE)


def _make_table() -> None:
    op.create_table(
        _TABLE,
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("weight_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("choice", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("signature_id", sa.String(32), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('over_limit', 'change')", name=op.f("ck_weight_decision_kind_known")
        ),
        sa.CheckConstraint(
            "choice IN ('skip', 'dose_as_limit', 'actual', 'confirmed')",
            name=op.f("ck_weight_decision_choice_known"),
        ),
        sa.CheckConstraint(
            "reason IN ('', 'weighed_again', 'fluid', 'illness', 'growth')",
            name=op.f("ck_weight_decision_reason_known"),
        ),
        sa.CheckConstraint(
            "(kind = 'change') = (choice = 'confirmed')",
            name=op.f("ck_weight_decision_choice_of_its_kind"),
        ),
        sa.CheckConstraint(
            "(kind = 'change') = (reason <> '')",
            name=op.f("ck_weight_decision_a_change_has_a_reason"),
        ),
        _to("study_id", "study"),
        _to("weight_id", "weight"),
        _to("signature_id", "signature"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weight_decision")),
        sa.UniqueConstraint("weight_id", "kind", name="uq_weight_decision_kind"),
    )


def _to(column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{_TABLE}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)
