"""Keys from version to version: former keys, vouches, the chain of record keys, the list's seal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_SEALED_KEY = 114
_TABLES = (
    "lit_former_keys",
    "lit_passphrase_change",
    "lit_vouch",
    "lit_key_chain",
    "lit_list_seal",
)


def upgrade() -> None:
    """Five tables, and the version that a list's loader signed. Open rooms are locked: what they
    hold does not say its version.
    """
    op.execute("DELETE FROM lit_session")
    with op.batch_alter_table("lit_list") as batch:
        batch.add_column(
            sa.Column("loaded_version", sa.Integer(), nullable=False, server_default="1")
        )
    with op.batch_alter_table("lit_list") as batch:
        batch.alter_column("loaded_version", existing_type=sa.Integer(), server_default=None)
    _of_people()
    _of_studies()
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(_TABLES)} TO {_APP_ROLE}; "
            "END IF; END $$"
        )


def downgrade() -> None:
    """Take them away; refused once there are former keys or a second version of a study's."""
    counts = [f"SELECT count(*) FROM {table}" for table in _TABLES if table != "lit_vouch"]
    counts.append("SELECT count(*) FROM lit_study_keys WHERE version > 1")
    if any(op.get_bind().exec_driver_sql(count).scalar() for count in counts):
        raise DatabaseUnusable(
            "The database holds keys that were renewed, which the older schema cannot keep. "
            "Restore the backup of before the upgrade instead."
        )
    op.execute("DELETE FROM lit_session")
    for table in _TABLES:
        op.drop_table(table)
    with op.batch_alter_table("lit_list") as batch:
        batch.drop_column("loaded_version")


def _of_people() -> None:
    op.create_table(
        "lit_former_keys",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("exchange_public", sa.LargeBinary(32), nullable=False),
        sa.Column("signing_public", sa.LargeBinary(32), nullable=False),
        _refers("lit_former_keys", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lit_former_keys")),
    )
    op.create_table(
        "lit_passphrase_change",
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("salt", sa.LargeBinary(16), nullable=False),
        sa.Column("former_key", sa.LargeBinary(_SEALED_KEY), nullable=False),
        _one_length("lit_passphrase_change", "former_key", _SEALED_KEY),
        _refers("lit_passphrase_change", "person_id", "person"),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_lit_passphrase_change")),
    )


def _of_studies() -> None:
    op.create_table(
        "lit_vouch",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("key_name", sa.String(10), nullable=False),
        sa.Column("vouched_by", sa.String(32), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        sa.CheckConstraint(
            "key_name IN ('list', 'record')", name=op.f("ck_lit_vouch_key_name_known")
        ),
        _one_length("lit_vouch", "signature", 64),
        _refers("lit_vouch", "study_id", "study"),
        _refers("lit_vouch", "person_id", "person"),
        _refers("lit_vouch", "vouched_by", "person"),
        sa.PrimaryKeyConstraint(
            "study_id",
            "version",
            "person_id",
            "fingerprint",
            "key_name",
            name=op.f("pk_lit_vouch"),
        ),
    )
    op.create_table(
        "lit_key_chain",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("record_key", sa.LargeBinary(_SEALED_KEY), nullable=False),
        _one_length("lit_key_chain", "record_key", _SEALED_KEY),
        _refers("lit_key_chain", "study_id", "study"),
        sa.PrimaryKeyConstraint("study_id", "version", name=op.f("pk_lit_key_chain")),
    )
    op.create_table(
        "lit_list_seal",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("sealed_by", sa.String(32), nullable=False),
        sa.Column("slots_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        _one_length("lit_list_seal", "slots_digest", 32),
        _one_length("lit_list_seal", "signature", 64),
        _refers("lit_list_seal", "study_id", "study"),
        _refers("lit_list_seal", "sealed_by", "person"),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_lit_list_seal")),
    )


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}")
    )


def _one_length(table: str, column: str, length: int) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"length({column}) = {length}", name=op.f(f"ck_{table}_{column}_length")
    )
