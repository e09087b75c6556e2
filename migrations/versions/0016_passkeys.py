"""Passkeys, and that a sign-in was not to be asked for one again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.persistence.types import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_SEALED = 113


def upgrade() -> None:
    """One table, and a column for sign-ins; nobody has a passkey before."""
    op.create_table(
        "passkey",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(1023), nullable=False),
        sa.Column("public_key", sa.LargeBinary(1024), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("counter", sa.LargeBinary(_SEALED), nullable=False),
        sa.CheckConstraint(f"length(counter) = {_SEALED}", name=op.f("ck_passkey_counter_length")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_passkey_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
    )
    op.create_index(op.f("ix_passkey_person_id"), "passkey", ["person_id"])
    with op.batch_alter_table("sign_in_session") as batch:
        batch.add_column(sa.Column("passkey_put_off", sa.Boolean(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON passkey TO {_APP_ROLE}; END IF; END $$"
        )


def downgrade() -> None:
    """Take them away; refused once somebody has one, who might then have no second factor."""
    if op.get_bind().execute(sa.text("SELECT count(*) FROM passkey")).scalar():
        raise DatabaseUnusable(
            "The database holds passkeys, which the older schema cannot keep. "
            "Restore the backup of before the upgrade instead."
        )
    with op.batch_alter_table("sign_in_session") as batch:
        batch.drop_column("passkey_put_off")
    op.drop_table("passkey")
