"""Wall 8's readers: what a database is made of, and where that differs from the models."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

_QUOTES = re.compile(r"[\"`\[\]\s]+")


def differences(engine: sa.Engine, metadata: sa.MetaData) -> list[str]:
    """Where the database is not what the models say: tables, columns, types, keys, checks."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        found = [_said(difference) for difference in compare_metadata(context, metadata)]
        return found + _checks(connection, metadata)


def _said(difference: Any) -> str:
    if isinstance(difference, list):
        return "; ".join(_said(part) for part in difference)
    kind, *what = difference
    return f"{kind}: {' '.join(str(part) for part in what)}"


def _checks(connection: sa.Connection, metadata: sa.MetaData) -> list[str]:
    """Check constraints by name and words: autogenerate does not compare them."""
    inspector = sa.inspect(connection)
    present = set(inspector.get_table_names())
    found = []
    for table in metadata.sorted_tables:
        if table.name not in present:
            continue
        stored = {
            str(check["name"]): _words(check["sqltext"])
            for check in inspector.get_check_constraints(table.name)
        }
        wanted = {
            str(check.name): _words(str(check.sqltext))
            for check in table.constraints
            if isinstance(check, sa.CheckConstraint)
        }
        found += [f"{table.name}: no check {name}" for name in sorted(wanted.keys() - stored)]
        found += [
            f"{table.name}: one check more, {name}" for name in sorted(stored.keys() - wanted)
        ]
        found += [
            f"{table.name}: the check {name} says something else"
            for name in sorted(wanted.keys() & stored)
            if wanted[name] != stored[name]
        ]
    return found


def _words(check: str) -> list[str]:
    """The names, numbers and quoted words of a check: what a database keeps of its text.

    PostgreSQL writes casts, brackets and ANY (ARRAY[...]) of its own around them.
    """
    words = re.findall(r"'[^']*'|\w+", check.lower())
    own = {"in", "any", "array", "text", "character", "varying", "and", "or", "not"}
    return [word for word in words if word not in own]


def contents(engine: sa.Engine) -> dict[str, str]:
    """Everything a schema holds, by name, with the text that makes it; the version row left out."""
    if engine.dialect.name == "sqlite":
        query = "SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    else:
        query = _POSTGRES_CONTENTS
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(query).fetchall()
    return {str(name): _in_order(str(text)) for name, text in rows if _of_ours(str(name))}


def _in_order(text: str) -> str:
    """The text with a table's constraints sorted: SQLite writes a changed one last."""
    head, *constraints = _QUOTES.sub(" ", text).split(" CONSTRAINT ")
    return " ".join([head.rstrip(", )"), *sorted(each.rstrip(", )") for each in constraints)])


def _of_ours(name: str) -> bool:
    return "alembic_version" not in name


_POSTGRES_CONTENTS = """
SELECT 'column ' || table_name || '.' || column_name,
       concat_ws(' ', data_type, character_maximum_length, numeric_precision, numeric_scale,
                 is_nullable, column_default, is_identity)
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint ' || conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'trigger ' || tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function ' || proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'sequence ' || sequence_name, data_type FROM information_schema.sequences
 WHERE sequence_schema = 'public'
"""
