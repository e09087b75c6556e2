"""Sealed code-break cards, the counts of their seals, and each investigator's drill."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.persistence.types import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_TABLES = ("break_card", "seal_check", "lit_drill")
_SETS = "card_set IN ('pharmacy', 'physician')"
_STATES = "state IN ('printed', 'sealed', 'opened', 'broken', 'missing', 'void')"
_NOT_VOID = sa.text("state <> 'void'")


def upgrade() -> None:
    """Three tables; nobody has a card or a drill before."""
    _make_cards()
    _make_checks()
    _make_drills()
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(_TABLES)} TO {_APP_ROLE}; "
            "END IF; END $$"
        )


def downgrade() -> None:
    """Take them away; refused once a card or a drill is there: nothing may be lost."""
    counts = [f"SELECT count(*) FROM {table}" for table in _TABLES]
    if any(op.get_bind().execute(sa.text(count)).scalar() for count in counts):
        raise DatabaseUnusable(
            "The database holds code-break cards or drills, which the older schema cannot keep. "
            "Restore the backup of before the upgrade instead."
        )
    for table in reversed(_TABLES):
        op.drop_table(table)


def _make_cards() -> None:
    op.create_table(
        "break_card",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("participant_id", sa.String(32), nullable=False),
        sa.Column("number", sa.String(9), nullable=False),
        sa.Column("card_set", sa.String(10), nullable=False),
        sa.Column("seal_number", sa.String(40), nullable=False),
        sa.Column("place", sa.String(80), nullable=False),
        sa.Column("custodian", sa.String(80), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(_SETS, name=op.f("ck_break_card_card_set_known")),
        sa.CheckConstraint(_STATES, name=op.f("ck_break_card_state_known")),
        _to("break_card", "study_id", "study"),
        _to("break_card", "participant_id", "participant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_card")),
        sa.UniqueConstraint("study_id", "number", name=op.f("uq_break_card_study_id_number")),
        sa.UniqueConstraint(
            "study_id", "seal_number", name=op.f("uq_break_card_study_id_seal_number")
        ),
    )
    op.create_index(
        "ix_break_card_counts",
        "break_card",
        ["participant_id", "card_set"],
        unique=True,
        sqlite_where=_NOT_VOID,
        postgresql_where=_NOT_VOID,
    )


def _make_checks() -> None:
    op.create_table(
        "seal_check",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("card_set", sa.String(10), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("cards", sa.Integer(), nullable=False),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.CheckConstraint(_SETS, name=op.f("ck_seal_check_card_set_known")),
        _to("seal_check", "study_id", "study"),
        _to("seal_check", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_check")),
    )


def _make_drills() -> None:
    op.create_table(
        "lit_drill",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(114), nullable=False),
        sa.Column("wrapped_half", sa.LargeBinary(80), nullable=False),
        sa.Column("kept_half", sa.LargeBinary(114), nullable=False),
        sa.Column("granted_by", sa.String(32), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        _length("lit_drill", "content", 114),
        _length("lit_drill", "wrapped_half", 80),
        _length("lit_drill", "kept_half", 114),
        _length("lit_drill", "signature", 64),
        _to("lit_drill", "study_id", "study"),
        _to("lit_drill", "person_id", "person"),
        _to("lit_drill", "granted_by", "person"),
        sa.PrimaryKeyConstraint("study_id", "person_id", name=op.f("pk_lit_drill")),
    )


def _length(table: str, column: str, length: int) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"length({column}) = {length}", name=op.f(f"ck_{table}_{column}_length")
    )


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}")
    )
