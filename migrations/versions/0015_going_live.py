"""Going live: one code for practice and live, approvals, the sponsor's telephone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.persistence.types import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_TABLES = (
    "went_live",
    "protocol_approval",
    "default_confirmation",
    "going_live_signature",
    "restore_drill",
    "test_notice",
    "card_keeping",
)
_SIDES = "side IN ('clinic', 'pharmacy')"
# What only this revision can keep.
_NEW_FACTS = (
    *(f"SELECT count(*) FROM {table}" for table in _TABLES),
    "SELECT count(*) FROM site WHERE sponsor_phone <> ''",
    "SELECT count(*) FROM (SELECT code FROM study GROUP BY code HAVING count(*) > 1) AS twice",
)


def upgrade() -> None:
    """Studies of before are practice studies, which stay as they are."""
    with op.batch_alter_table("study") as study:
        study.drop_constraint(op.f("uq_study_code"), type_="unique")
        study.create_unique_constraint(op.f("uq_study_code_mode"), ["code", "mode"])
    with op.batch_alter_table("site") as site:
        site.add_column(
            sa.Column("sponsor_phone", sa.String(30), nullable=False, server_default="")
        )
    with op.batch_alter_table("site") as site:
        site.alter_column("sponsor_phone", existing_type=sa.String(30), server_default=None)
    _make_stage()
    _make_approvals()
    _make_proofs()
    _make_keeping()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(_TABLES)} TO {_APP_ROLE}; "
            "END IF; END $$"
        )


def downgrade() -> None:
    """Take them away. A database in which any of them was used is refused."""
    if any(op.get_bind().exec_driver_sql(count).scalar() for count in _NEW_FACTS):
        raise DatabaseUnusable(
            "The database holds two studies of one code, approvals of a protocol or a "
            "sponsor's telephone, which the older schema cannot keep. Restore the backup of before the upgrade instead."
        )
    for table in reversed(_TABLES):
        op.drop_table(table)
    with op.batch_alter_table("site") as site:
        site.drop_column("sponsor_phone")
    with op.batch_alter_table("study") as study:
        study.drop_constraint(op.f("uq_study_code_mode"), type_="unique")
        study.create_unique_constraint(op.f("uq_study_code"), ["code"])


def _make_stage() -> None:
    op.create_table(
        "went_live",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        _to("went_live", "study_id", "study"),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_went_live")),
    )


def _make_approvals() -> None:
    op.create_table(
        "protocol_approval",
        sa.Column("version_id", sa.String(32), nullable=False),
        sa.Column("side", sa.String(10), nullable=False),
        *_signed("protocol_approval"),
        sa.CheckConstraint(_SIDES, name=op.f("ck_protocol_approval_side_known")),
        _to("protocol_approval", "version_id", "protocol_version"),
        sa.PrimaryKeyConstraint("version_id", "side", name=op.f("pk_protocol_approval")),
    )
    op.create_table(
        "default_confirmation",
        sa.Column("version_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        *_signed("default_confirmation"),
        sa.CheckConstraint("number >= 1", name=op.f("ck_default_confirmation_number_positive")),
        _to("default_confirmation", "version_id", "protocol_version"),
        sa.PrimaryKeyConstraint("version_id", "number", name=op.f("pk_default_confirmation")),
    )
    op.create_table(
        "going_live_signature",
        sa.Column("version_id", sa.String(32), nullable=False),
        sa.Column("side", sa.String(10), nullable=False),
        *_signed("going_live_signature"),
        sa.CheckConstraint(_SIDES, name=op.f("ck_going_live_signature_side_known")),
        _to("going_live_signature", "version_id", "protocol_version"),
        sa.PrimaryKeyConstraint("version_id", "side", name=op.f("pk_going_live_signature")),
    )


def _make_proofs() -> None:
    op.create_table(
        "restore_drill",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("drilled_on", sa.Date(), nullable=False),
        sa.Column("backup_sha256", sa.LargeBinary(32), nullable=False),
        *_signed("restore_drill"),
        _to("restore_drill", "study_id", "study"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restore_drill")),
    )
    op.create_table(
        "test_notice",
    "card_keeping",
        sa.Column("notice_id", sa.String(32), nullable=False),
        _to("test_notice", "notice_id", "notice"),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_test_notice")),
    )


def _make_keeping() -> None:
    op.create_table(
        "card_keeping",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("pharmacy_place", sa.String(80), nullable=False),
        sa.Column("physician_name", sa.String(80), nullable=False),
        sa.Column("physician_phone", sa.String(30), nullable=False),
        *_signed("card_keeping"),
        _to("card_keeping", "study_id", "study"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_keeping")),
    )


def _signed(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("signature_id", sa.String(32), nullable=False),
        _to(table, "signature_id", "signature"),
    )


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}")
    )
