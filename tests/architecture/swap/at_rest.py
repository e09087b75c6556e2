"""What a thief reads from the stolen database: plaintext by value, sealed columns by length.

Rows in the order in which they lie in the file, tables that no model knows, counters, and, in
SQLite's file, every byte: nothing of what was typed in the lit room may stand there in the clear.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pharmacy.persistence import schema
from pharmacy.persistence.base import Base
from pharmacy.unblinded import tables
from tests.architecture.swap.worlds import WORDS

TABLES = (schema, tables)
# Drawn afresh at every hand-over at the bench, so that how often it was drawn tells nothing; only
# the tests' keyed chance counts.
_REDRAWN = frozenset({("sign_in_session", "token_hash"), ("sign_in_session", "csrf_secret")})
# Until the run has left these stand where the bench stands (docs/decisions.md): whose turn it is, a
# reprinted label, and how far the sealed trail has come. Afterwards they are compared as well.
_AT_THE_BENCH = frozenset({"sign_in_session", "bag_code"})


def dump(engine: sa.Engine, *, meanwhile: bool = False) -> Iterator[tuple[str, str]]:
    """Everything at rest: (table, its rows); `meanwhile` without what stands where the bench is."""
    with engine.connect() as connection:
        for table in sorted(Base.metadata.tables.values(), key=lambda table: table.name):
            if meanwhile and (table.name.startswith("lit_") or table.name in _AT_THE_BENCH):
                continue
            yield table.name, "\n".join(map(repr, _rows(connection, table)))
        yield "what no model knows", "\n".join(_unknown(connection))
        yield "words in the clear", "\n".join(_words_in_the_file(engine))


def _rows(connection: sa.Connection, table: sa.Table) -> Iterator[list[tuple[str, object]]]:
    place: list[Any] = []
    if connection.dialect.name == "sqlite":
        place = [sa.literal_column("rowid").label("place in the file")]
    query = sa.select(*place, table).order_by(*_stored_order(connection, table))
    for row in connection.execute(query):
        shown = [(column.name, _value(column, row._mapping[column])) for column in table.columns]
        yield [*(("rowid", row[0]) for _ in place), *shown]


def _stored_order(connection: sa.Connection, table: sa.Table) -> list[Any]:
    """The order in which the rows lie in the file.

    PostgreSQL moves a row each time it is rewritten, so that only what is never rewritten lies
    there in the order of writing; the others are compared by key (docs/decisions.md).
    """
    if connection.dialect.name == "sqlite":
        return [sa.text("rowid")]
    if table.name in ("audit_entry", "lit_audit_entry"):
        return [sa.text("ctid")]
    return list(table.primary_key.columns)


def _value(column: sa.Column[Any], value: object) -> object:
    """A sealed value is its length, and whatever stands in it unsealed."""
    redrawn = (column.table.name, column.name) in _REDRAWN
    if (redrawn or column.info.get("sealed")) and isinstance(value, bytes):
        return ("sealed", len(value), *_words_in(value))
    return value


def _unknown(connection: sa.Connection) -> Iterator[str]:
    """Tables outside the models, and counters that the database keeps by itself."""
    if connection.dialect.name == "sqlite":
        listed = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        names = connection.exec_driver_sql(listed).scalars().all()
        yield f"user_version {connection.exec_driver_sql('PRAGMA user_version').scalar()}"
    else:
        names = sorted(sa.inspect(connection).get_table_names())
        counters = "SELECT sequencename, last_value FROM pg_sequences ORDER BY sequencename"
        yield from map(repr, connection.exec_driver_sql(counters))
    for name in names:
        known = Base.metadata.tables.get(name)
        columns = [f'"{column["name"]}"' for column in sa.inspect(connection).get_columns(name)]
        more = [column for column in columns if known is None or column.strip('"') not in known.c]
        if more:
            query = f'SELECT {", ".join(more)} FROM "{name}" ORDER BY 1'
            yield f"{name}: {connection.exec_driver_sql(query).all()}"


def _words_in_the_file(engine: sa.Engine) -> Iterator[str]:
    database = engine.url.database
    if engine.dialect.name != "sqlite" or database is None:
        return
    for path in (Path(database), Path(f"{database}-wal")):
        if path.exists():
            yield f"{path.suffix}: {_words_in(path.read_bytes())}"


def _words_in(value: bytes) -> list[str]:
    return [word for word in WORDS if word.encode() in value]
