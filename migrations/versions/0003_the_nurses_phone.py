"""What the nurse's phone adds: camera scans, arrival at the door, pauses, why a card ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.persistence.types import ExactDecimal, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_METHODS = ("scanner", "typed")
_ANSWERS = ("continue", "go", "resume", "stop")
_PURPOSES = ("infuse", "receive")
_CARD_ENDS = ("", "replaced", "lost", "damaged", "wrong_hands", "left_study")
# What only this revision can keep.
_NEW_FACTS = (
    "SELECT count(*) FROM infusion_pause",
    "SELECT count(*) FROM scan WHERE purpose = 'receive' OR answer = 'received'",
    "SELECT count(*) FROM scan WHERE method = 'camera'",
    "SELECT count(*) FROM card WHERE ended_why NOT IN ('', 'replaced')",
)
_PAUSES = ("line", "participant", "vitals", "reaction", "ordered")


def upgrade() -> None:
    """Widen the closed lists and add the table of pauses; old rows keep their meaning."""
    with op.batch_alter_table("scan") as scan:
        _relist(scan, "scan", "method", (*_METHODS, "camera"))
        _relist(scan, "scan", "answer", (*_ANSWERS, "received"))
    _add_list("scan", "purpose", sa.String(10), _PURPOSES, old="infuse")
    _add_list("card", "ended_why", sa.String(12), _CARD_ENDS, old="")
    op.execute("UPDATE card SET ended_why = 'replaced' WHERE ended_at IS NOT NULL")
    _make_pauses()


def downgrade() -> None:
    """Take them away. A database in which any of them was used is refused: nothing recorded
    may be lost.
    """
    if any(op.get_bind().exec_driver_sql(count).scalar() for count in _NEW_FACTS):
        raise DatabaseUnusable(
            "The database holds camera scans, arrivals, pauses or revoked cards, which the older "
            "schema cannot keep. Restore the backup of before the upgrade instead."
        )
    op.drop_table("infusion_pause")
    for table, column in (("card", "ended_why"), ("scan", "purpose")):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(_known(table, column), type_="check")
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
    with op.batch_alter_table("scan") as scan:
        _relist(scan, "scan", "method", _METHODS)
        _relist(scan, "scan", "answer", _ANSWERS)


def _relist(batch: BatchOperations, table: str, column: str, values: tuple[str, ...]) -> None:
    """Give a column that holds a word of a closed list another list."""
    batch.drop_constraint(_known(table, column), type_="check")
    batch.create_check_constraint(_known(table, column), _one_of(column, values))


def _add_list(
    table: str, column: str, kind: sa.String, values: tuple[str, ...], old: str
) -> None:
    """Add a column that holds a word of a closed list; rows of before get `old`."""
    with op.batch_alter_table(table) as batch:
        batch.add_column(sa.Column(column, kind, nullable=False, server_default=old))
    with op.batch_alter_table(table) as batch:
        batch.alter_column(column, existing_type=kind, server_default=None)
        batch.create_check_constraint(_known(table, column), _one_of(column, values))


def _known(table: str, column: str) -> str:
    return op.f(f"ck_{table}_{column}_known")


def _make_pauses() -> None:
    op.create_table(
        "infusion_pause",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("bag_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("paused_at", UtcDateTime(), nullable=False),
        sa.Column("paused_by", sa.String(32), nullable=False),
        sa.Column("infused_ml", ExactDecimal(), nullable=False),
        sa.Column("reason", sa.String(12), nullable=False),
        sa.Column("restarted_at", UtcDateTime(), nullable=True),
        sa.Column("restarted_by", sa.String(32), nullable=True),
        sa.CheckConstraint(_one_of("reason", _PAUSES), name=op.f("ck_infusion_pause_reason_known")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_infusion_pause_number_positive")),
        sa.ForeignKeyConstraint(
            ["bag_id"],
            ["administration.bag_id"],
            name=op.f("fk_infusion_pause_bag_id_administration"),
        ),
        sa.ForeignKeyConstraint(
            ["paused_by"], ["person.id"], name=op.f("fk_infusion_pause_paused_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["restarted_by"], ["person.id"], name=op.f("fk_infusion_pause_restarted_by_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_infusion_pause")),
        sa.UniqueConstraint("bag_id", "number", name=op.f("uq_infusion_pause_bag_id_number")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON infusion_pause TO {_APP_ROLE}; "
            "END IF; END $$"
        )


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
