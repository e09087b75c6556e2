"""The schema's own verbs: upgrade, downgrade, where it stands, whether it is sound."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from pharmacy.domain.errors import Unavailable
from pharmacy.persistence.engine import PATIENT_WAIT_MS, make_engine

_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


class DatabaseUnusable(Exception):
    """The database cannot be opened, or is not of this program; the text is one sentence."""


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database to `revision`; raises `DatabaseUnusable` with a sentence."""
    _run(command.upgrade, database_url, revision)


def downgrade(database_url: str, revision: str) -> None:
    """Take the database back to `revision` ("base" for an empty one)."""
    _run(command.downgrade, database_url, revision)


def current(database_url: str) -> str:
    """The revision the database has, or "none"."""
    with _opened(database_url) as connection:
        return MigrationContext.configure(connection).get_current_revision() or "none"


def head() -> str:
    """The revision this program wants."""
    return ScriptDirectory(str(_MIGRATIONS)).get_current_head() or "none"


def revision_within(connection: sa.Connection) -> str:
    """The revision that a transaction of the caller's sees, or "none"."""
    return MigrationContext.configure(connection).get_current_revision() or "none"


def knows(revision: str) -> bool:
    """Whether this program has the migration that made `revision`."""
    scripts = ScriptDirectory(str(_MIGRATIONS))
    return revision in {each.revision for each in scripts.walk_revisions()}


def move(connection: sa.Connection, revision: str) -> None:
    """Bring the database to `revision`, up or down to "base", inside the caller's transaction.

    For PostgreSQL, where a schema is made and unmade by the transaction like any row.
    """
    config = _config()
    config.attributes["connection"] = connection
    (command.downgrade if revision == "base" else command.upgrade)(config, revision)


def problems(database_url: str) -> list[str]:
    """What the database itself finds wrong: broken pages, rows that refer to nothing."""
    with _opened(database_url) as connection:
        if connection.dialect.name != "sqlite":
            return []
        found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        found += [f"{row[0]} has a row that refers to nothing in {row[2]}" for row in dangling]
    return [finding for finding in found if finding != "ok"]


def _run(verb: object, database_url: str, revision: str) -> None:
    config = _config()
    engine = make_engine(database_url, wait_ms=PATIENT_WAIT_MS)
    config.attributes["engine"] = engine
    try:
        verb(config, revision)  # type: ignore[operator]
    except CommandError as error:
        raise DatabaseUnusable(
            "The database belongs to another version of the program; start that one, or restore "
            "the backup that goes with this one."
        ) from error
    except (sa.exc.DBAPIError, Unavailable) as error:
        raise DatabaseUnusable(
            "The database cannot be opened or changed; check its address, its rights and the disk."
        ) from error
    finally:
        engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


class _opened:
    """A connection for one question, with its engine closed behind it."""

    def __init__(self, database_url: str) -> None:
        self._engine = make_engine(database_url, wait_ms=PATIENT_WAIT_MS)

    def __enter__(self) -> sa.Connection:
        try:
            self._connection = self._engine.execution_options(reading=True).connect()
        except (sa.exc.DBAPIError, Unavailable) as error:
            raise DatabaseUnusable(
                "The database cannot be opened; check its address and its rights."
            ) from error
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()
