"""The throwaway server of the tests: isolated, as strict as production, gone at the end."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.support import temp_postgres
from tests.support.temp_postgres import Database, PostgresMissing, TempPostgres


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("postgresql+psycopg", "postgresql"))


def test_the_app_role_owns_nothing_and_may_only_what_is_granted(
    postgres_server: TempPostgres, empty_postgres: Database
) -> None:
    with _connect(empty_postgres.owner_url) as owner:
        owner.execute("CREATE TABLE told (word text)")
        owner.execute("GRANT SELECT, INSERT ON told TO twinbag_app")
    with _connect(empty_postgres.app_url) as app:
        app.execute("INSERT INTO told VALUES ('once')")
        for forbidden in (
            "DELETE FROM told",
            "UPDATE told SET word = 'twice'",
            "DROP TABLE told",
            "CREATE TABLE mine (word text)",
            "TRUNCATE told",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
                app.execute(forbidden)
    copy = postgres_server.create_database(template=empty_postgres)
    with _connect(copy.app_url) as app:
        assert app.execute("SELECT word FROM told").fetchall() == [("once",)]
    postgres_server.drop_database(copy)


def test_it_listens_on_no_port_and_leaves_nothing() -> None:
    with TempPostgres() as server:
        database = server.create_database()
        folder = Path(database.app_url.partition("host=")[2])
        assert folder.stat().st_mode & 0o077 == 0
        with _connect(database.app_url) as app:
            assert app.execute("SHOW listen_addresses").fetchone() == ("",)
    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        _connect(database.app_url)


def test_a_machine_without_it_is_an_error_never_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", "/nowhere")
    with pytest.raises(PostgresMissing, match="apt install postgresql"):
        temp_postgres.find_programs()
