"""The recovery key's canary, sheets and checks; the server's secrets sealed to it and changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_TABLES = (
    "lit_recovery_key",
    "lit_server_secret",
    "lit_recovery_grant",
    "lit_recovery_sheet",
    "lit_recovery_check",
)
# Under which secret a row is sealed, and the setting that was the only one so far.
_UNDER = (
    ("lit_holder_keys", "under_pepper", "TWINBAG_PEPPER"),
    ("lit_break_share", "under_break_key", "TWINBAG_BREAK_KEY"),
)


def upgrade() -> None:
    """Keys of before were signed by their founder and are sealed under the secrets of now."""
    _make_tables()
    with op.batch_alter_table("lit_study_keys") as batch:
        batch.add_column(sa.Column("signed_by", sa.String(32), nullable=True))
    op.execute("UPDATE lit_study_keys SET signed_by = founder_id")
    with op.batch_alter_table("lit_study_keys") as batch:
        batch.alter_column("signed_by", existing_type=sa.String(32), nullable=False)
        batch.create_foreign_key(
            op.f("fk_lit_study_keys_signed_by_person"), "person", ["signed_by"], ["id"]
        )
    for table, column, setting in _UNDER:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column(column, sa.LargeBinary(16), nullable=True))
        op.execute(
            f"UPDATE {table} SET {column} = "
            f"(SELECT fingerprint FROM known_secret WHERE setting = '{setting}')"
        )
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(_TABLES)} TO {_APP_ROLE}; "
            "END IF; END $$"
        )


def downgrade() -> None:
    """Take them away; refused once a recovery key was made, for its sheets would open nothing."""
    counts = [f"SELECT count(*) FROM {table}" for table in _TABLES]
    if any(op.get_bind().execute(sa.text(count)).scalar() for count in counts):
        raise DatabaseUnusable(
            "The database holds recovery keys of this version, which the older schema cannot "
            "keep. Restore the backup of before the upgrade instead."
        )
    for table, column, _setting in _UNDER:
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
    with op.batch_alter_table("lit_study_keys") as batch:
        batch.drop_constraint(op.f("fk_lit_study_keys_signed_by_person"), type_="foreignkey")
        batch.drop_column("signed_by")
    for table in reversed(_TABLES):
        op.drop_table(table)


def _make_tables() -> None:
    op.create_table(
        "lit_recovery_key",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("public", sa.LargeBinary(32), nullable=False),
        sa.Column("signing_public", sa.LargeBinary(32), nullable=False),
        sa.Column("founder_id", sa.String(32), nullable=False),
        sa.Column("founder_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("made_by", sa.String(32), nullable=False),
        sa.Column("maker_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("keys_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("canary", sa.LargeBinary(80), nullable=False),
        sa.Column("canary_commitment", sa.LargeBinary(32), nullable=False),
        sa.Column("anchor", sa.LargeBinary(64), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        _length("lit_recovery_key", "keys_digest", 32),
        _length("lit_recovery_key", "canary", 80),
        _length("lit_recovery_key", "canary_commitment", 32),
        _length("lit_recovery_key", "anchor", 64),
        _length("lit_recovery_key", "signature", 64),
        _to("lit_recovery_key", "study_id", "study"),
        _to("lit_recovery_key", "founder_id", "person"),
        _to("lit_recovery_key", "made_by", "person"),
        sa.PrimaryKeyConstraint("study_id", "number", name=op.f("pk_lit_recovery_key")),
    )
    op.create_table(
        "lit_server_secret",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(80), nullable=False),
        _known(
            "lit_server_secret", "name", "pepper", "break_key", "pepper_before", "break_key_before"
        ),
        _length("lit_server_secret", "wrapped", 80),
        _to("lit_server_secret", "study_id", "study"),
        sa.PrimaryKeyConstraint("study_id", "name", name=op.f("pk_lit_server_secret")),
    )
    op.create_table(
        "lit_recovery_grant",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        _length("lit_recovery_grant", "signature", 64),
        _to("lit_recovery_grant", "study_id", "study"),
        _to("lit_recovery_grant", "person_id", "person"),
        sa.PrimaryKeyConstraint("study_id", "person_id", name=op.f("pk_lit_recovery_grant")),
    )
    op.create_table(
        "lit_recovery_sheet",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("sheet", sa.String(2), nullable=False),
        sa.Column("custodian", sa.String(120), nullable=False),
        sa.Column("place", sa.String(120), nullable=False),
        sa.Column("seal", sa.String(40), nullable=False),
        sa.Column("signature_id", sa.String(32), nullable=False),
        _known("lit_recovery_sheet", "sheet", "A1", "B1", "A2", "B2"),
        _to("lit_recovery_sheet", "study_id", "study"),
        _to("lit_recovery_sheet", "signature_id", "signature"),
        sa.PrimaryKeyConstraint("study_id", "number", "sheet", name=op.f("pk_lit_recovery_sheet")),
    )
    op.create_table(
        "lit_recovery_check",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("sheet", sa.String(2), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("signature_id", sa.String(32), nullable=False),
        _known("lit_recovery_check", "kind", "seal", "drill"),
        _known("lit_recovery_check", "sheet", "A1", "B1", "A2", "B2"),
        _to("lit_recovery_check", "study_id", "study"),
        _to("lit_recovery_check", "signature_id", "signature"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lit_recovery_check")),
    )


def _known(table: str, column: str, *values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}_known"))


def _length(table: str, column: str, length: int) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"length({column}) = {length}", name=op.f(f"ck_{table}_{column}_length")
    )


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}")
    )
