"""Putting a backup into an empty database, of either kind: all of it, or nothing.

On PostgreSQL everything from the schema to the last row is one transaction. SQLite is filled
in a draft beside its place, which then takes the place. The rows go in at the backup's own
revision and are migrated from there, as they would have been had they stayed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from pharmacy.domain.errors import Conflict, Unavailable
from pharmacy.persistence import migrating
from pharmacy.persistence.backup_check import Examined, trail_faults
from pharmacy.persistence.backup_file import BackupRefused, Reader, TablePart
from pharmacy.persistence.backups import LEFT_OUT, VERSION_TABLE
from pharmacy.persistence.engine import PATIENT_WAIT_MS, make_engine
from pharmacy.persistence.types import ExactDecimal, UtcDateTime

Connection = sa.Connection
# What ends a restore, in its transaction, once the rows are there and migrated.
Finish = Callable[[Connection], None]

_TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "integer": sa.BigInteger(),
    "boolean": sa.Boolean(),
    "decimal": ExactDecimal(),
    "moment": UtcDateTime(),
    "date": sa.Date(),
    "bytes": sa.LargeBinary(),
}
_ROWS_AT_ONCE = 100
_NOT_EMPTY = (
    "The database is not empty; a backup is restored into a new one. Move the old one away, or "
    "name another with --into."
)
_IN_USE = "The database is in use; stop the program, then restore."
_LEFTOVER = (
    "{wal} belongs to a database that is no longer beside it; move it away too, then restore."
)
_NO_FIT = "The backup's rows do not fit their own schema; nothing was restored. Take another one."
_CANNOT = "The database cannot be opened or changed; check its address, its rights and the disk."


def restore(file: BinaryIO, examined: Examined, database_url: str, finish: Finish) -> None:
    """Fill an empty database from a backup that was examined; BackupRefused when it cannot be.

    `finish` writes what the restore itself leaves behind. The trails are verified once more from
    the rows as they stand, before anything can be seen by others.
    """
    if not migrating.knows(examined.header.schema):
        raise BackupRefused(
            "The backup was taken by a newer version of the program; restore it with that one."
        )
    filled = _fill_sqlite if database_url.startswith("sqlite") else _fill_postgres
    try:
        filled(file, examined, database_url, finish)
    except (Conflict, sa.exc.IntegrityError, sa.exc.DataError) as error:
        raise BackupRefused(_NO_FIT) from error
    except (sa.exc.DBAPIError, Unavailable, migrating.DatabaseUnusable) as error:
        raise BackupRefused(_CANNOT) from error


def _fill_postgres(file: BinaryIO, examined: Examined, database_url: str, finish: Finish) -> None:
    with _transaction(database_url) as connection:
        refuse_unless_empty(connection)
        if migrating.revision_within(connection) != "none":
            migrating.move(connection, "base")
        migrating.move(connection, examined.header.schema)
        with _references_at_the_end(connection):
            _load(connection, file, examined)
        migrating.move(connection, "head")
        _finish(connection, finish)


def _fill_sqlite(file: BinaryIO, examined: Examined, database_url: str, finish: Finish) -> None:
    place = Path(sa.make_url(database_url).database or "")
    _refuse_taken(place)
    with _draft_beside(place) as draft:
        url = f"sqlite:///{draft}"
        migrating.upgrade(url, examined.header.schema)
        with _transaction(url) as connection:
            connection.execute(sa.text("PRAGMA defer_foreign_keys=ON"))
            _load(connection, file, examined)
        migrating.upgrade(url)
        with _transaction(url) as connection:
            _finish(connection, finish)
        if migrating.problems(url):
            raise BackupRefused(_NO_FIT)
        _take_place(draft, place)


def refuse_unless_empty(connection: sa.Connection) -> None:
    """BackupRefused unless there are no tables, or those of a migration and nothing recorded.

    Nothing is committed that is not written down, so that trails without an entry say it all.
    """
    there = set(sa.inspect(connection).get_table_names()) - {VERSION_TABLE}
    if not there:
        return
    if "audit_entry" not in there:
        raise BackupRefused(_NOT_EMPTY)
    if connection.dialect.name == "postgresql":
        # Every act locks a head, so that none is between this question and the end.
        connection.execute(sa.text("LOCK TABLE audit_head"))
    entries = sa.select(sa.func.count()).select_from(sa.table("audit_entry"))
    if connection.execute(entries).scalar_one():
        raise BackupRefused(_NOT_EMPTY)


@contextmanager
def _transaction(database_url: str) -> Iterator[sa.Connection]:
    engine = make_engine(database_url, wait_ms=PATIENT_WAIT_MS)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _load(connection: sa.Connection, file: BinaryIO, examined: Examined) -> None:
    """Every row into its table, in place of what the migrations put there."""
    inspector = sa.inspect(connection)
    wanted = set(inspector.get_table_names()) - {VERSION_TABLE} - LEFT_OUT.keys()
    for name in reversed([name for name, _ in inspector.get_sorted_table_and_fkc_names() if name]):
        if name in wanted:
            connection.execute(sa.delete(sa.table(name)))
    file.seek(0)
    reader = Reader(file)
    for part in reader.tables():
        columns = {column["name"] for column in _columns(inspector, wanted, part)}
        if columns != {name for name, _kind in part.columns}:
            raise BackupRefused(_NO_FIT)
        wanted.remove(part.name)
        _insert(connection, part)
    if wanted or reader.whole != examined.whole:
        raise BackupRefused(_NO_FIT)


def _columns(inspector: Any, wanted: set[str], part: TablePart) -> Any:
    if part.name not in wanted:
        raise BackupRefused(_NO_FIT)
    return inspector.get_columns(part.name)


def _insert(connection: sa.Connection, part: TablePart) -> None:
    names = [name for name, _kind in part.columns]
    table = sa.table(part.name, *(sa.column(name, _TYPES[kind]) for name, kind in part.columns))
    inserted = 0
    while rows := list(islice(part.rows, _ROWS_AT_ONCE)):
        connection.execute(sa.insert(table), [dict(zip(names, row, strict=True)) for row in rows])
        inserted += len(rows)
    there = sa.select(sa.func.count()).select_from(table)
    if connection.execute(there).scalar_one() != inserted:
        raise BackupRefused(_NO_FIT)


@contextmanager
def _references_at_the_end(connection: sa.Connection) -> Iterator[None]:
    """Let PostgreSQL check foreign keys once all rows are in; then each row by row, as before."""
    query = sa.text(
        "SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint "
        "WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    )
    keys = [(str(table), str(name)) for table, name in connection.execute(query)]
    _alter(connection, keys, "DEFERRABLE INITIALLY DEFERRED")
    yield
    connection.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
    _alter(connection, keys, "NOT DEFERRABLE")


def _alter(connection: sa.Connection, keys: list[tuple[str, str]], how: str) -> None:
    for table, name in keys:
        connection.execute(sa.text(f"ALTER TABLE {table} ALTER CONSTRAINT {name} {how}"))


def _finish(connection: sa.Connection, finish: Finish) -> None:
    finish(connection)
    faults = trail_faults(connection)
    if faults:
        raise BackupRefused(f"An audit trail of the backup does not hold: {faults[0]}.")


def _refuse_taken(place: Path) -> None:
    """BackupRefused when a file in this place holds something or is open somewhere.

    The last one to close SQLite's file takes its -wal away: one that stays has an owner.
    """
    if not place.parent.is_dir():
        raise BackupRefused(f"There is no folder {place.parent}; make it, or name another.")
    wal = Path(f"{place}-wal")
    if not place.exists():
        if wal.exists():  # SQLite would write it into the new database
            raise BackupRefused(_LEFTOVER.format(wal=wal))
        return
    with _transaction(f"sqlite:///{place}") as connection:
        refuse_unless_empty(connection)
    if wal.exists():
        raise BackupRefused(_IN_USE)


@contextmanager
def _draft_beside(place: Path) -> Iterator[Path]:
    """A file for its owner alone that is gone at the end, unless it has taken the place."""
    draft = place.with_name(f".{place.name}.unfinished-{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        yield draft
    except OSError as error:
        raise BackupRefused(f"{place} cannot be written ({error.strerror}).") from error
    finally:
        for part in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm")):
            part.unlink(missing_ok=True)


def _take_place(draft: Path, place: Path) -> None:
    """Put the finished draft where the program looks for it; all of it is in the one file."""
    descriptor = os.open(draft, os.O_RDWR)
    os.fsync(descriptor)
    os.close(descriptor)
    _refuse_taken(place)
    os.replace(draft, place)
    folder = os.open(place.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
