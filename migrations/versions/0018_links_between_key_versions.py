"""Who made a study's next keys: a signature that stays, beside each former record key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TABLE = "lit_key_chain"
_CHECK = "ck_lit_key_chain_link_length"
_PERSON = "fk_lit_key_chain_made_by_person"


def upgrade() -> None:
    """Two columns of a table that has no row yet: no keys were renewed before."""
    with op.batch_alter_table(_TABLE) as batch:
        batch.add_column(sa.Column("made_by", sa.String(32), nullable=False))
        batch.add_column(sa.Column("link", sa.LargeBinary(64), nullable=False))
        batch.create_foreign_key(op.f(_PERSON), "person", ["made_by"], ["id"])
        batch.create_check_constraint(op.f(_CHECK), "length(link) = 64")


def downgrade() -> None:
    """Take them away; refused once keys were renewed."""
    if op.get_bind().exec_driver_sql(f"SELECT count(*) FROM {_TABLE}").scalar():
        raise DatabaseUnusable(
            "The database holds keys that were renewed, which the older schema cannot keep. "
            "Restore the backup of before the upgrade instead."
        )
    with op.batch_alter_table(_TABLE) as batch:
        batch.drop_constraint(op.f(_CHECK), type_="check")
        batch.drop_constraint(op.f(_PERSON), type_="foreignkey")
        batch.drop_column("link")
        batch.drop_column("made_by")
