"""One engine per process, with the settings that durability and the append-only trails need.

SQLite: WAL with synchronous=FULL (a NORMAL one loses acknowledged writes at power loss),
foreign keys on, recursive triggers on (else INSERT OR REPLACE walks past the append-only
triggers), and BEGIN IMMEDIATE so that a writer never discovers late that it lost a race.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from pharmacy.domain.errors import Conflict

_BUSY_TIMEOUT_MS = 30_000
_UNIQUE_NAMES = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
_UNIQUE_STATE = "23505"


def make_engine(database_url: str) -> sa.Engine:
    """An engine for `sqlite:///...` or `postgresql+psycopg://...`.

    Parameters never reach a log or an error text. A unique constraint that a faster act has
    met becomes `Conflict`, whichever the database.
    """
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, hide_parameters=True)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin)
    else:
        # The last connection used comes first: which one writes a row settles where PostgreSQL
        # puts it, and taking turns would make that place count the lit room's requests.
        engine = sa.create_engine(
            url,
            hide_parameters=True,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_use_lifo=True,
        )
    sa.event.listen(engine, "handle_error", _tell_conflict)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for setting in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",
        "trusted_schema=OFF",
        "secure_delete=ON",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {setting}").close()


def _begin(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _tell_conflict(context: sa.engine.ExceptionContext) -> Conflict | None:
    error = context.original_exception
    name = getattr(error, "sqlite_errorname", None)
    if name in _UNIQUE_NAMES or getattr(error, "sqlstate", None) == _UNIQUE_STATE:
        return Conflict()
    return None
