"""`db`: the schema made, asked about and checked from the command line."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pharmacy.cli import cli
from tests.support.temp_postgres import Database


def _db(verb: str, instance: Path, **environ: str) -> Result:
    clean = {"TWINBAG_DATABASE_URL": None, "TWINBAG_OWNER_DATABASE_URL": None, **environ}
    return CliRunner().invoke(cli, ["db", verb, "--instance", str(instance)], env=clean)


def test_upgrade_makes_a_private_database_and_may_be_repeated(tmp_path: Path) -> None:
    for _time in range(2):
        done = _db("upgrade", tmp_path)
        assert done.exit_code == 0, done.output
        assert done.output.startswith("The database is at revision ")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert {"secrets.env", "twinbag.db"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_a_database_left_readable_by_others_is_closed(tmp_path: Path) -> None:
    _db("upgrade", tmp_path)
    (tmp_path / "twinbag.db").chmod(0o644)
    _db("upgrade", tmp_path)
    assert stat.S_IMODE((tmp_path / "twinbag.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("verb", ["current", "check"])
def test_asking_makes_no_database(tmp_path: Path, verb: str) -> None:
    done = _db(verb, tmp_path)
    assert done.exit_code == 2
    assert done.stderr.startswith("There is no database at ")
    assert not (tmp_path / "twinbag.db").exists()


def test_current_tells_where_it_stands(tmp_path: Path) -> None:
    _db("upgrade", tmp_path)
    assert _db("current", tmp_path).exit_code == 0
    with closing(sqlite3.connect(tmp_path / "twinbag.db")) as connection, connection:
        connection.execute("DELETE FROM alembic_version")
    assert _db("current", tmp_path).exit_code == 1


def test_a_newer_programs_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    _db("upgrade", tmp_path)
    with closing(sqlite3.connect(tmp_path / "twinbag.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
    done = _db("upgrade", tmp_path)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1


def test_check_finds_a_reference_to_nothing(tmp_path: Path) -> None:
    _db("upgrade", tmp_path)
    sound = _db("check", tmp_path)
    assert (sound.exit_code, sound.output) == (0, "The database is sound.\n")
    with closing(sqlite3.connect(tmp_path / "twinbag.db")) as connection, connection:
        (table,) = connection.execute(
            "SELECT m.name FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f"
            " WHERE m.type = 'table' AND m.name = 'audit_entry'"
        ).fetchone()
        _plant_row(connection, table)
    broken = _db("check", tmp_path)
    assert broken.exit_code == 1
    assert "audit_entry" in broken.stderr


def _plant_row(connection: sqlite3.Connection, table: str) -> None:
    """A row whose every column is 1, triggers and checks aside: its references lead nowhere."""
    for (trigger,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
    ).fetchall():
        connection.execute(f'DROP TRIGGER "{trigger}"')
    connection.execute("PRAGMA ignore_check_constraints = ON")
    columns = len(connection.execute(f"PRAGMA table_info({table})").fetchall())
    values = ", ".join(["1"] * columns)
    connection.execute(f"INSERT INTO {table} VALUES ({values})")


def test_the_owners_address_changes_the_schema(tmp_path: Path, empty_postgres: Database) -> None:
    addresses = {
        "TWINBAG_DATABASE_URL": empty_postgres.app_url,
        "TWINBAG_OWNER_DATABASE_URL": empty_postgres.owner_url,
    }
    assert _db("upgrade", tmp_path, **addresses).exit_code == 0
    assert _db("current", tmp_path, **addresses).exit_code == 0
    assert _db("check", tmp_path, **addresses).exit_code == 0
    assert not (tmp_path / "twinbag.db").exists()


def test_a_database_that_does_not_answer_is_a_sentence_without_its_address(tmp_path: Path) -> None:
    done = _db(
        "upgrade",
        tmp_path,
        TWINBAG_DATABASE_URL="postgresql+psycopg://twinbag_app:hunter2@/x?host=/nowhere",
    )
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert "hunter2" not in done.stderr
