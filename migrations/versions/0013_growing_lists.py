"""Parts that a loaded list grows by, and the randomization numbers that a list has used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_LENGTHS = {
    "commitment": 32,
    "opening": 114,
    "slots_digest": 32,
    "signature": 64,
    "seed_wrap": 80,
    "facts_signature": 64,
}


def upgrade() -> None:
    """Every slot of before came with the list that was loaded first; its numbers were not kept."""
    with op.batch_alter_table("lit_slot") as batch:
        batch.add_column(sa.Column("part", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("lit_slot") as batch:
        batch.alter_column("part", existing_type=sa.Integer(), server_default=None)
    _make_parts()
    op.create_table(
        "lit_list_number",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.CheckConstraint("length(digest) = 32", name=op.f("ck_lit_list_number_digest_length")),
        sa.ForeignKeyConstraint(
            ["study_id"], ["lit_list.study_id"], name=op.f("fk_lit_list_number_study_id_lit_list")
        ),
        sa.PrimaryKeyConstraint("study_id", "digest", name=op.f("pk_lit_list_number")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
            "GRANT SELECT, INSERT, UPDATE, DELETE ON lit_list_part, lit_list_number "
            f"TO {_APP_ROLE}; END IF; END $$"
        )


def downgrade() -> None:
    """Take them away. A database whose list has grown is refused: its rows may not be lost."""
    if op.get_bind().execute(sa.text("SELECT count(*) FROM lit_list_part")).scalar():
        raise DatabaseUnusable(
            "The database holds a list that has grown, which the older schema cannot keep. "
            "Restore the backup of before the upgrade instead."
        )
    op.drop_table("lit_list_number")
    op.drop_table("lit_list_part")
    with op.batch_alter_table("lit_slot") as batch:
        batch.drop_column("part")


def _make_parts() -> None:
    columns = [
        sa.Column(name, sa.LargeBinary(length), nullable=name == "seed_wrap")
        for name, length in _LENGTHS.items()
    ]
    checks = [
        sa.CheckConstraint(
            f"length({name}) = {length}", name=op.f(f"ck_lit_list_part_{name}_length")
        )
        for name, length in _LENGTHS.items()
    ]
    op.create_table(
        "lit_list_part",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("loaded_version", sa.Integer(), nullable=False),
        sa.Column("loaded_by", sa.String(32), nullable=False),
        sa.Column("source", sa.String(12), nullable=False),
        sa.Column("dummy", sa.Boolean(), nullable=False),
        *columns,
        *checks,
        sa.CheckConstraint("part >= 2", name=op.f("ck_lit_list_part_part_follows")),
        sa.CheckConstraint(
            "source IN ('redcap', 'concealed', 'made')", name=op.f("ck_lit_list_part_source_known")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["lit_list.study_id"], name=op.f("fk_lit_list_part_study_id_lit_list")
        ),
        sa.ForeignKeyConstraint(
            ["loaded_by"], ["person.id"], name=op.f("fk_lit_list_part_loaded_by_person")
        ),
        sa.PrimaryKeyConstraint("study_id", "part", name=op.f("pk_lit_list_part")),
    )
