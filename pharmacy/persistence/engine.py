"""One engine per process, with the settings that durability and the append-only trails need.

SQLite: WAL with synchronous=FULL (a NORMAL one loses acknowledged writes at power loss),
foreign keys on, recursive triggers on (else INSERT OR REPLACE walks past the append-only
triggers), and BEGIN IMMEDIATE so that a writer never discovers late that it lost a race.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pharmacy.domain.errors import Conflict, Lack, Unavailable

# A nurse stands with the bag in her hand, and an act holds the one write lock of SQLite for
# milliseconds: whoever has waited this long waits for something broken and wants to be told.
WAIT_MS = 5_000
# A migration that finds the house at work waits for it: nobody stands at a bedside.
PATIENT_WAIT_MS = 30_000
_UNIQUE_NAMES = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
_UNIQUE_STATE = "23505"
# The second word of SQLite's own error names, https://www.sqlite.org/rescode.html
_SQLITE_LACKS = {
    "BUSY": Lack.BUSY,
    "LOCKED": Lack.BUSY,
    "PROTOCOL": Lack.BUSY,
    "FULL": Lack.FULL,
    "READONLY": Lack.READ_ONLY,
    "CANTOPEN": Lack.NOT_THERE,
    "IOERR": Lack.DISK,
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES_LACKS = {
    "55P03": Lack.BUSY,  # lock_timeout
    "40P01": Lack.BUSY,  # deadlock
    "53100": Lack.FULL,
    "53300": Lack.CROWDED,
    "25006": Lack.READ_ONLY,  # a standby
    "58030": Lack.DISK,
    "57P01": Lack.BROKE_OFF,
    "57P02": Lack.BROKE_OFF,
    "57P03": Lack.NOT_THERE,  # starting up, or shutting down
}


def make_engine(
    database_url: str, *, wait_ms: int = WAIT_MS, must_exist: bool = False
) -> sa.Engine:
    """An engine for `sqlite:///...` or `postgresql+psycopg://...`.

    Parameters never reach a log or an error text. A unique constraint that a faster act has
    met becomes `Conflict`, and a database that cannot take the act now `Unavailable`, whichever
    the database. `wait_ms` is how long a lock is waited for. With `must_exist` a SQLite file
    that has gone is not made anew, and one that was replaced is opened again.
    """
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, hide_parameters=True)
        sa.event.listen(engine, "connect", partial(_prepare_sqlite, wait_ms))
        sa.event.listen(engine, "begin", partial(_begin, wait_ms))
        if must_exist and url.database:
            _keep_to_the_file(engine, Path(url.database))
    else:
        # The last connection used comes first: which one writes a row settles where PostgreSQL
        # puts it, and taking turns would make that place count the lit room's requests.
        engine = sa.create_engine(
            url,
            hide_parameters=True,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_use_lifo=True,
            connect_args={"options": f"-c lock_timeout={wait_ms}"},
        )
    sa.event.listen(engine, "handle_error", _tell)
    return engine


def _prepare_sqlite(wait_ms: int, connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for setting in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",
        "trusted_schema=OFF",
        "secure_delete=ON",
        f"busy_timeout={wait_ms}",
    ):
        connection.execute(f"PRAGMA {setting}").close()


def _begin(wait_ms: int, connection: sa.Connection) -> None:
    """A writer takes the lock at once; one that is in no hurry (`waiting=False`) never queues."""
    options = connection.get_execution_options()
    if options.get("reading", False):
        connection.exec_driver_sql("BEGIN")
        return
    if options.get("waiting", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={wait_ms}")


def _keep_to_the_file(engine: sa.Engine, path: Path) -> None:
    """Never write into a file that was deleted or moved away: what is acknowledged is kept.

    SQLite would go on writing to it, and after a restart it would be gone.
    """

    def standing() -> tuple[int, int] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def opened(_connection: Any, record: Any) -> None:
        record.info["file"] = standing()

    def taken(_connection: Any, record: Any, _proxy: Any) -> None:
        if standing() != record.info["file"]:
            raise sa.exc.DisconnectionError

    def opening(*_said: Any) -> None:
        if standing() is None:
            raise Unavailable(Lack.NOT_THERE)

    sa.event.listen(engine, "do_connect", opening)
    sa.event.listen(engine, "connect", opened)
    sa.event.listen(engine, "checkout", taken)


def _tell(context: sa.engine.ExceptionContext) -> Conflict | Unavailable | None:
    """The refusal that an error of the database stands for; None for a bug."""
    if context.is_pre_ping:
        return None  # the pool opens another connection
    error = context.original_exception
    name = getattr(error, "sqlite_errorname", None)
    state = getattr(error, "sqlstate", None)
    if name in _UNIQUE_NAMES or state == _UNIQUE_STATE:
        return Conflict()
    lack = _sqlite_lack(name) if name else _postgres_lack(context, state)
    return Unavailable(lack) if lack else None


def _sqlite_lack(name: str) -> Lack | None:
    return _SQLITE_LACKS.get(name.split("_")[1])


def _postgres_lack(context: sa.engine.ExceptionContext, state: str | None) -> Lack | None:
    """A connection that never stood has saved nothing; of one that broke off nobody knows."""
    if state in _POSTGRES_LACKS:
        return _POSTGRES_LACKS[state]
    if context.connection is None and isinstance(
        context.sqlalchemy_exception, sa.exc.OperationalError
    ):
        return Lack.NOT_THERE
    lost = context.is_disconnect or (state or "").startswith("08")
    return Lack.BROKE_OFF if lost else None
