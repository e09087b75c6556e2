"""Databases for tests: migrated once per process, then copied, so that each test has its own.

`sqlite_url` and `postgres_url` are addresses of a fresh database at the newest revision, the
latter as the role that owns nothing, as in production. `empty_postgres` has no tables.
`database_url` runs a test on both. `new_sqlite_url()` and `new_postgres()` make as many as asked.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.temp_postgres import Database, TempPostgres


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy; all of it is in the one file."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    _migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def new_sqlite_url(sqlite_template: Path, tmp_path: Path) -> Callable[[], str]:
    """Make another migrated SQLite database and return its address."""
    made = iter(range(1_000_000))

    def make() -> str:
        path = tmp_path / f"twinbag{next(made)}.db"
        shutil.copyfile(sqlite_template, path)
        return f"sqlite:///{path}"

    return make


@pytest.fixture
def sqlite_url(new_sqlite_url: Callable[[], str]) -> str:
    """A migrated SQLite database of the test's own."""
    return new_sqlite_url()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[TempPostgres]:
    """One PostgreSQL server per test process."""
    with TempPostgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: TempPostgres) -> Database:
    """A migrated PostgreSQL database to copy."""
    template = postgres_server.create_database()
    _migrate(template.owner_url)
    return template


@pytest.fixture
def empty_postgres(postgres_server: TempPostgres) -> Iterator[Database]:
    """A PostgreSQL database without tables."""
    database = postgres_server.create_database()
    yield database
    postgres_server.drop_database(database)


@pytest.fixture
def new_postgres(
    postgres_server: TempPostgres, postgres_template: Database
) -> Iterator[Callable[[], Database]]:
    """Make another migrated PostgreSQL database; all are dropped after the test."""
    made: list[Database] = []

    def make() -> Database:
        made.append(postgres_server.create_database(postgres_template))
        return made[-1]

    yield make
    for database in made:
        postgres_server.drop_database(database)


@pytest.fixture
def postgres(new_postgres: Callable[[], Database]) -> Database:
    """A migrated PostgreSQL database of the test's own."""
    return new_postgres()


@pytest.fixture
def postgres_url(postgres: Database) -> str:
    """The address of `postgres` as the app's role."""
    return postgres.app_url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of the test's own, on each engine in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


def _migrate(url: str) -> None:
    # Read here: the tests of rooms that know no database start without one.
    from pharmacy.persistence.migrating import upgrade

    upgrade(url)
