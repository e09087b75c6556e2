"""Emergency unblinding: shares for investigators, the inbox, the mark that stays, the notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.persistence.types import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_APP_ROLE = "twinbag_app"
_TABLES = (
    "lit_break_enrolment",
    "lit_break_share",
    "lit_inbox",
    "learned_arm",
    "notice",
    "notice_post",
)
_STAYS = "SELECT RAISE(ABORT, 'a mark stays')"


def upgrade() -> None:
    """Make the tables; marks only ever come, and notices are not rewritten."""
    _make_shares()
    _make_inbox()
    _make_mark()
    _make_notices()
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER learned_arm_no_{verb} BEFORE {verb.upper()} ON learned_arm "
                f"BEGIN {_STAYS}; END"
            )
        return
    op.execute(
        "CREATE FUNCTION mark_stays() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'a mark stays'; END $$"
    )
    for verb in ("update", "delete", "truncate"):
        each = "STATEMENT" if verb == "truncate" else "ROW"
        op.execute(
            f"CREATE TRIGGER learned_arm_no_{verb} BEFORE {verb.upper()} ON learned_arm "
            f"FOR EACH {each} EXECUTE FUNCTION mark_stays()"
        )
    others = ", ".join(table for table in _TABLES if table != "learned_arm")
    op.execute(
        f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {others} TO {_APP_ROLE}; "
        f"GRANT SELECT, INSERT ON learned_arm TO {_APP_ROLE}; "
        "END IF; END $$"
    )


def downgrade() -> None:
    """Take them away. A database in which any of them was used is refused: nothing may be lost."""
    counts = [f"SELECT count(*) FROM {table}" for table in _TABLES]
    if any(op.get_bind().execute(sa.text(count)).scalar() for count in counts):
        raise DatabaseUnusable(
            "The database holds shares for investigators, broken codes or notices, which the older "
            "schema cannot keep. Restore the backup of before the upgrade instead."
        )
    for table in reversed(_TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION mark_stays()")


def _make_shares() -> None:
    op.create_table(
        "lit_break_enrolment",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("granted_by", sa.String(32), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        sa.Column("tried", sa.Boolean(), nullable=False),
        _length("lit_break_enrolment", "signature", 64),
        _to("lit_break_enrolment", "study_id", "study"),
        _to("lit_break_enrolment", "person_id", "person"),
        _to("lit_break_enrolment", "granted_by", "person"),
        sa.PrimaryKeyConstraint("study_id", "person_id", name=op.f("pk_lit_break_enrolment")),
    )
    op.create_table(
        "lit_break_share",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("stratum", sa.String(60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("wrapped_half", sa.LargeBinary(80), nullable=False),
        sa.Column("kept_half", sa.LargeBinary(114), nullable=False),
        sa.Column("granted_by", sa.String(32), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        _length("lit_break_share", "wrapped_half", 80),
        _length("lit_break_share", "kept_half", 114),
        _length("lit_break_share", "signature", 64),
        _to("lit_break_share", "study_id", "study"),
        _to("lit_break_share", "person_id", "person"),
        _to("lit_break_share", "granted_by", "person"),
        sa.PrimaryKeyConstraint(
            "study_id", "stratum", "number", "person_id", name=op.f("pk_lit_break_share")
        ),
    )


def _make_inbox() -> None:
    op.create_table(
        "lit_inbox",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("record", sa.LargeBinary(2096), nullable=False),
        _length("lit_inbox", "record", 2096),
        _to("lit_inbox", "study_id", "study"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lit_inbox")),
    )


def _make_mark() -> None:
    op.create_table(
        "learned_arm",
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        _to("learned_arm", "study_id", "study"),
        _to("learned_arm", "person_id", "person"),
        sa.PrimaryKeyConstraint("study_id", "person_id", name=op.f("pk_learned_arm")),
    )


def _make_notices() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study_id", sa.String(32), nullable=False),
        sa.Column("sentence", sa.String(400), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        _to("notice", "study_id", "study"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_table(
        "notice_post",
        sa.Column("notice_id", sa.String(32), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        _to("notice_post", "notice_id", "notice"),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notice_post")),
    )


def _length(table: str, column: str, length: int) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"length({column}) = {length}", name=op.f(f"ck_{table}_{column}_length")
    )


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}")
    )
