"""The end of a study: its stages under two signatures, reports of unblinding, the archive's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.persistence.types import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_TABLES = ("study_stage", "unblinding_report", "lit_archive_signature")


def upgrade() -> None:
    """Make the tables; every study of before is open."""
    _make_stages()
    _make_reports()
    _make_signatures()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(_TABLES)} TO {_APP_ROLE}; "
            "END IF; END $$"
        )


def downgrade() -> None:
    """Take them away. A database in which any of them was used is refused: nothing may be lost."""
    counts = [f"SELECT count(*) FROM {table}" for table in _TABLES]
    if any(op.get_bind().execute(sa.text(count)).scalar() for count in counts):
        raise DatabaseUnusable(
            "The database holds locked studies or reports of unblinding, which the older schema "
            "cannot keep. Restore the backup of before the upgrade instead."
        )
    for table in reversed(_TABLES):
        op.drop_table(table)


def _make_stages() -> None:
    op.create_table(
        "study_stage",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("stage", sa.String(10), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(120), nullable=False),
        sa.Column("locked_on", sa.Date(), nullable=True),
        sa.Column("asked_by", sa.String(32), nullable=False),
        sa.Column("asked_signature_id", sa.String(32), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_by", sa.String(32), nullable=True),
        sa.Column("confirmed_signature_id", sa.String(32), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "stage IN ('locked', 'unblinded', 'closed')", name=op.f("ck_study_stage_stage_known")
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_study_stage_number_positive")),
        _to("study_stage", "study_id", "study"),
        _to("study_stage", "asked_by", "person"),
        _to("study_stage", "asked_signature_id", "signature"),
        _to("study_stage", "confirmed_by", "person"),
        _to("study_stage", "confirmed_signature_id", "signature"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_stage")),
        sa.UniqueConstraint(
            "study_id", "stage", "number", name=op.f("uq_study_stage_study_id_stage_number")
        ),
    )


def _make_reports() -> None:
    op.create_table(
        "unblinding_report",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("participant_id", sa.String(32), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("assessed_at", UtcDateTime(), nullable=True),
        sa.Column("assessed_by", sa.String(32), nullable=True),
        sa.Column("signature_id", sa.String(32), nullable=True),
        _to("unblinding_report", "study_id", "study"),
        _to("unblinding_report", "person_id", "person"),
        _to("unblinding_report", "participant_id", "participant"),
        _to("unblinding_report", "assessed_by", "person"),
        _to("unblinding_report", "signature_id", "signature"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unblinding_report")),
    )


def _make_signatures() -> None:
    op.create_table(
        "lit_archive_signature",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        sa.CheckConstraint(
            "length(signature) = 64", name=op.f("ck_lit_archive_signature_signature_length")
        ),
        _to("lit_archive_signature", "study_id", "study"),
        _to("lit_archive_signature", "person_id", "person"),
        sa.PrimaryKeyConstraint("study_id", "person_id", name=op.f("pk_lit_archive_signature")),
    )


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}")
    )
