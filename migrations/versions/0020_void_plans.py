"""A plan can be void, and its order planned again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.persistence.types import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_OPEN = "voided_at IS NULL"
_REASONS = "void_why IN ('', 'corrected', 'changed', 'over_limit', 'under_limit', 'skipped')"


def upgrade() -> None:
    """Every plan of before holds until its participant is weighed again."""
    with op.batch_alter_table("course") as course:
        course.add_column(sa.Column("voided_at", UtcDateTime(), nullable=True))
        course.add_column(sa.Column("void_why", sa.String(12), nullable=False, server_default=""))
    with op.batch_alter_table("course") as course:
        course.alter_column("void_why", existing_type=sa.String(12), server_default=None)
        course.create_check_constraint(op.f("ck_course_void_why_known"), _REASONS)
        course.create_check_constraint(
            op.f("ck_course_void_has_a_reason"), "(voided_at IS NULL) = (void_why = '')"
        )
        course.drop_constraint(op.f("uq_course_order_id"), type_="unique")
    op.create_index(
        "uq_course_open",
        "course",
        ["order_id"],
        unique=True,
        sqlite_where=sa.text(_OPEN),
        postgresql_where=sa.text(_OPEN),
    )


def downgrade() -> None:
    """Take it away. A database in which a plan is void is refused."""
    if (
        op.get_bind()
        .exec_driver_sql("SELECT count(*) FROM course WHERE voided_at IS NOT NULL")
        .scalar()
    ):
        raise DatabaseUnusable(
            "The database holds void plans, which the older schema cannot keep. Restore the "
            "backup of before the upgrade instead."
        )
    op.drop_index("uq_course_open", table_name="course")
    with op.batch_alter_table("course") as course:
        course.create_unique_constraint(op.f("uq_course_order_id"), ["order_id"])
        course.drop_constraint(op.f("ck_course_void_has_a_reason"), type_="check")
        course.drop_constraint(op.f("ck_course_void_why_known"), type_="check")
        course.drop_column("void_why")
        course.drop_column("voided_at")
