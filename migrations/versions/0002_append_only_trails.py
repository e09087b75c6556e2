"""Trails that only grow: triggers on both databases, and no right to change on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_EMPTY_FRONTIER = bytes(8)
_HEADS = sa.table(
    "audit_head", sa.column("trail"), sa.column("size"), sa.column("frontier", sa.LargeBinary())
)
# trail table, the columns that name one trail
_TRAILS = (("audit_entry", "trail"), ("lit_audit_entry", "study_id"))
_APP_ROLE = "twinbag_app"


def upgrade() -> None:
    """Refuse every update and delete of an entry, and every number but the next; begin the
    installation's own trail.
    """
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, trail in _TRAILS:
        for statement in _sqlite(table, trail) if sqlite else _postgres(table, trail):
            op.execute(statement)
    if not sqlite:
        op.execute(_grants())
    op.bulk_insert(_HEADS, [{"trail": "installation", "size": 0, "frontier": _EMPTY_FRONTIER}])


def downgrade() -> None:
    """Take the triggers away."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, _ in _TRAILS:
        for name in (f"{table}_no_update", f"{table}_no_delete", f"{table}_next_number"):
            op.execute(f"DROP TRIGGER {name}" if sqlite else f"DROP TRIGGER {name} ON {table}")
        if not sqlite:
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
            op.execute(f"DROP FUNCTION {table}_next_number()")
    if not sqlite:
        op.execute("DROP FUNCTION trail_only_grows()")
    op.execute(sa.delete(_HEADS).where(_HEADS.c.trail == "installation"))


def _sqlite(table: str, trail: str) -> list[str]:
    grows = "SELECT RAISE(ABORT, 'an audit trail only grows')"
    last = f"(SELECT coalesce(max(seq), 0) FROM {table} WHERE {trail} = NEW.{trail})"
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {grows}; END",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {grows}; END",
        f"CREATE TRIGGER {table}_next_number BEFORE INSERT ON {table} "
        f"WHEN NEW.seq <> {last} + 1 "
        "BEGIN SELECT RAISE(ABORT, 'an audit entry takes the next number'); END",
    ]


def _postgres(table: str, trail: str) -> list[str]:
    return [
        "CREATE OR REPLACE FUNCTION trail_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'an audit trail only grows'; END $$",
        f"CREATE FUNCTION {table}_next_number() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.seq <> (SELECT coalesce(max(seq), 0) FROM {table} "
        f"WHERE {trail} = NEW.{trail}) + 1 THEN "
        "RAISE EXCEPTION 'an audit entry takes the next number'; END IF; RETURN NEW; END $$",
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION trail_only_grows()",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION trail_only_grows()",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION trail_only_grows()",
        f"CREATE TRIGGER {table}_next_number BEFORE INSERT ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_next_number()",
    ]


def _grants() -> str:
    """The app's role, where there is one, owns nothing and may only insert and read entries."""
    revokes = " ".join(
        f"EXECUTE 'REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {_APP_ROLE}';"
        for table, _ in _TRAILS
    )
    return (
        f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_APP_ROLE}') THEN "
        f"EXECUTE 'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "
        f"{_APP_ROLE}'; {revokes} END IF; END $$"
    )
