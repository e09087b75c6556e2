"""Where a list came from: made here or loaded, its sealed seed, dummy lists and who confirmed them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
# What only this revision can keep.
_NEW_FACTS = (
    "SELECT count(*) FROM lit_list WHERE source <> 'redcap' OR facts_signature IS NOT NULL",
    "SELECT count(*) FROM lit_dummy_confirmation",
)


def upgrade() -> None:
    """Lists of before came from REDCap's open table; those of practice studies are dummies."""
    with op.batch_alter_table("lit_list") as batch:
        batch.add_column(
            sa.Column("source", sa.String(12), nullable=False, server_default="redcap")
        )
        batch.add_column(
            sa.Column("dummy", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch.add_column(sa.Column("seed_wrap", sa.LargeBinary(80), nullable=True))
        batch.add_column(sa.Column("facts_signature", sa.LargeBinary(64), nullable=True))
    with op.batch_alter_table("lit_list") as batch:
        batch.alter_column("source", existing_type=sa.String(12), server_default=None)
        batch.alter_column("dummy", existing_type=sa.Boolean(), server_default=None)
        batch.create_check_constraint(
            op.f("ck_lit_list_source_known"), "source IN ('redcap', 'concealed', 'made')"
        )
        batch.create_check_constraint(
            op.f("ck_lit_list_seed_wrap_length"), "length(seed_wrap) = 80"
        )
        batch.create_check_constraint(
            op.f("ck_lit_list_facts_signature_length"), "length(facts_signature) = 64"
        )
    _mark_dummies()
    _make_confirmations()


def downgrade() -> None:
    """Take them away. A database in which a list was loaded since is refused: its seed, its
    source and its confirmations may not be lost.
    """
    if any(op.get_bind().execute(sa.text(count)).scalar() for count in _NEW_FACTS):
        raise DatabaseUnusable(
            "The database holds lists or confirmations of this version, which the older schema "
            "cannot keep. Restore the backup of before the upgrade instead."
        )
    op.drop_table("lit_dummy_confirmation")
    columns = ("source", "seed_wrap", "facts_signature")
    kinds = ("known", "length", "length")
    with op.batch_alter_table("lit_list") as batch:
        for column, kind in zip(columns, kinds, strict=True):
            batch.drop_constraint(op.f(f"ck_lit_list_{column}_{kind}"), type_="check")
    with op.batch_alter_table("lit_list") as batch:
        for column in (*columns, "dummy"):
            batch.drop_column(column)


def _mark_dummies() -> None:
    lists = sa.table("lit_list", sa.column("study_id"), sa.column("dummy", sa.Boolean()))
    study = sa.table("study", sa.column("id"), sa.column("mode"))
    practice = sa.select(study.c.id).where(study.c.mode == "practice")
    op.execute(sa.update(lists).where(lists.c.study_id.in_(practice)).values(dummy=sa.true()))


def _make_confirmations() -> None:
    op.create_table(
        "lit_dummy_confirmation",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("signature_id", sa.String(32), nullable=False),
        sa.Column("commitment", sa.LargeBinary(32), nullable=False),
        sa.CheckConstraint(
            "length(commitment) = 32", name=op.f("ck_lit_dummy_confirmation_commitment_length")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_lit_dummy_confirmation_study_id_study")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_lit_dummy_confirmation_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["signature_id"],
            ["signature.id"],
            name=op.f("fk_lit_dummy_confirmation_signature_id_signature"),
        ),
        sa.PrimaryKeyConstraint("study_id", "person_id", name=op.f("pk_lit_dummy_confirmation")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
            "GRANT SELECT, INSERT, UPDATE, DELETE ON lit_dummy_confirmation "
            f"TO {_APP_ROLE}; END IF; END $$"
        )
