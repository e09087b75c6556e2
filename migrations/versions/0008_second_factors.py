"""Second factors: authenticators, their last codes, recovery codes, links for a new one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.persistence.types import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_SEALED = 113
_TABLES = ("authenticator", "authenticator_use", "recovery_code", "authenticator_link")


def upgrade() -> None:
    """Four tables; nobody has a second factor before."""
    _of_person(
        "authenticator",
        sa.Column("secret", sa.LargeBinary(_SEALED), nullable=False),
        sa.Column("set_up_at", UtcDateTime(), nullable=False),
        sa.Column("codes_kept", sa.Boolean(), nullable=False),
        _one_length("authenticator", "secret"),
    )
    _of_person(
        "authenticator_use",
        sa.Column("last_step", sa.LargeBinary(_SEALED), nullable=False),
        _one_length("authenticator_use", "last_step"),
    )
    _of_person(
        "authenticator_link",
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.UniqueConstraint("token_hash", name=op.f("uq_authenticator_link_token_hash")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        _person("recovery_code"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_recovery_code_code_hash")),
    )
    op.create_index(op.f("ix_recovery_code_person_id"), "recovery_code", ["person_id"])
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(_TABLES)} TO {_APP_ROLE}; "
            "END IF; END $$"
        )


def downgrade() -> None:
    """Take them away; refused once somebody has a second factor, for the password alone would
    then let them in.
    """
    counts = (f"SELECT count(*) FROM {table}" for table in _TABLES)
    if any(op.get_bind().exec_driver_sql(count).scalar() for count in counts):
        raise DatabaseUnusable(
            "The database holds second factors, which the older schema cannot keep. "
            "Restore the backup of before the upgrade instead."
        )
    for table in _TABLES:
        op.drop_table(table)


def _of_person(table: str, *parts: sa.schema.SchemaItem) -> None:
    """A table of one row for a person."""
    op.create_table(
        table,
        sa.Column("person_id", sa.String(32), nullable=False),
        *parts,
        _person(table),
        sa.PrimaryKeyConstraint("person_id", name=op.f(f"pk_{table}")),
    )


def _person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["person_id"], ["person.id"], name=op.f(f"fk_{table}_person_id_person")
    )


def _one_length(table: str, column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"length({column}) = {_SEALED}", name=op.f(f"ck_{table}_{column}_length")
    )
