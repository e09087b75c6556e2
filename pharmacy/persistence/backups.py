"""Taking a backup: every row of one snapshot, table by table, in the order of the primary key.

That order is the reason for a format of its own. A copy of the database's files, or a dump,
has rows where they lie, and on PostgreSQL a rewritten row lies behind those that were not:
it would tell which of two bags was at the bench last.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from pharmacy.domain.errors import Unavailable
from pharmacy.persistence.backup_file import BackupRefused, TablePart
from pharmacy.persistence.engine import PATIENT_WAIT_MS, make_engine
from pharmacy.persistence.types import ExactDecimal, UtcDateTime

# Tables whose rows no backup holds, and why.
LEFT_OUT = {
    "lit_session": "half of an opened room: with the other half, a cookie, it opens again",
    "sign_in_session": "a cookie from before would be signed in again after a restore",
    "throttle": "counts of wrong passwords, which belong to the hour and not to the study",
}
# Alembic's own: the backup's header says the revision.
VERSION_TABLE = "alembic_version"
_ROWS_AT_ONCE = 100
_KINDS: tuple[tuple[type, str], ...] = (
    (ExactDecimal, "decimal"),
    (UtcDateTime, "moment"),
    (sa.LargeBinary, "bytes"),
    (sa.Boolean, "boolean"),
    (sa.Integer, "integer"),
    (sa.Date, "date"),
    (sa.String, "text"),
)
_NO_ANSWER = "The database cannot be read; check its address, its rights and the disk."


@contextmanager
def snapshot(database_url: str) -> Iterator[sa.Connection]:
    """The database as it stands at one moment, for reading, while others go on writing.

    Raises BackupRefused with a sentence when it cannot be read.
    """
    engine = make_engine(database_url, wait_ms=PATIENT_WAIT_MS, must_exist=True)
    options: dict[str, object] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    if engine.dialect.name == "sqlite":
        options = {"reading": True}
    try:
        with engine.execution_options(**options).connect() as connection:
            yield connection
    except (sa.exc.DBAPIError, Unavailable) as error:
        raise BackupRefused(_NO_ANSWER) from error
    finally:
        engine.dispose()


def tables_of(connection: sa.Connection, metadata: sa.MetaData) -> Iterator[TablePart]:
    """Every table of a backup with its rows, parents before children.

    A table of the database that no model names stops it (BackupRefused): it would be missing
    and nobody would know.
    """
    there = set(sa.inspect(connection).get_table_names()) - {VERSION_TABLE}
    if there != set(metadata.tables):
        raise BackupRefused(
            "The database does not have this program's tables; bring it up to date with: db upgrade"
        )
    for table in metadata.sorted_tables:
        if table.name not in LEFT_OUT:
            columns = tuple((column.name, kind_of(column)) for column in table.columns)
            yield TablePart(table.name, columns, _rows(connection, table))


def kind_of(column: sa.Column[object]) -> str:
    """The kind of a column's values; TypeError for a type that backups do not know yet."""
    for known, kind in _KINDS:
        if isinstance(column.type, known):
            return kind
    raise TypeError(f"{column} has a type that no backup knows")


def _rows(connection: sa.Connection, table: sa.Table) -> Iterator[tuple[object, ...]]:
    """The rows in the order of the key's bytes, which is the same on both databases."""
    byte_order = "C" if connection.dialect.name == "postgresql" else "BINARY"
    key = [
        sa.collate(column, byte_order) if isinstance(column.type, sa.String) else column
        for column in table.primary_key.columns
    ]
    query = sa.select(table).order_by(*key)
    found = connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
    for row in found:
        yield tuple(row)
