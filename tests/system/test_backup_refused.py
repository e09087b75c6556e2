"""What stops a restore, and that nothing of it is left behind (E14)."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from pharmacy.persistence import migrating, restoring
from pharmacy.persistence.engine import make_engine
from tests.architecture.schemas import contents
from tests.support.lit_builders import PEPPER
from tests.support.temp_postgres import Database
from tests.system.backup_drill import (
    House,
    NewHouse,
    Worked,
    lines_of,
    moved,
    written_again,
)

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ("sqlite", "postgres")


def _refused(house: House, file: Path) -> str:
    """A restore that cannot be: its one sentence, and nothing of it left behind."""
    before = _standing(house)
    done = house.run("restore", file)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    (sentence,) = done.stderr.splitlines()
    assert _standing(house) == before
    return sentence


def _standing(house: House) -> object:
    """What of a database others could see: its file or its schema."""
    if house.url.startswith("sqlite"):
        names = {path.name for path in house.folder.iterdir()}
        return {name for name in names if name != "secrets.env"}
    engine = make_engine(house.url)
    try:
        return contents(engine)
    finally:
        engine.dispose()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_damaged_backup_writes_nothing(
    worked: Worked, new_house: NewHouse, tmp_path: Path, engine: str
) -> None:
    house, whole = new_house(engine), worked[2].read_bytes()
    damaged = tmp_path / "damaged"
    for place in (3, len(whole) // 2, len(whole) - 70, len(whole) - 5):
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert "damaged" in (said := _refused(house, damaged)) or "not a backup" in said
    damaged.write_bytes(whole[: len(whole) // 2])
    assert "ends too early" in _refused(house, damaged)


def test_a_forged_backup_is_refused(worked: Worked, new_house: NewHouse, tmp_path: Path) -> None:
    """Whoever can write the file and has no pepper cannot make it one of ours."""
    house, forged = new_house("sqlite"), tmp_path / "forged"
    lines = lines_of(worked[2])
    forged.write_bytes(written_again(lines, pepper=bytes(range(32))))
    assert house.run("backup", "--check", forged).exit_code == 0
    assert "was changed after it was taken" in _refused(house, forged)
    other = House(house.folder, house.url, pepper=hashlib.sha256(b"another pepper").digest())
    assert "is not the one that the backup was taken with" in _refused(other, worked[2])
    assert "There is no TWINBAG_PEPPER here" in _refused(
        House(new_house("sqlite").folder, house.url, pepper=b""), worked[2]
    )
    forged.write_bytes(written_again(lines))
    assert house.run("restore", forged).exit_code == 0


def _changed(lines: list[object], table: str, change: Callable[[list[object]], None]) -> bytes:
    """The lines with the first row of a table changed, and every digest right again."""
    changed = [list(line) if isinstance(line, list) else line for line in lines]
    head = next(n for n, line in enumerate(changed) if _begins(line, table))
    change(changed[head + 1])
    return written_again(changed)


def _begins(line: object, table: str) -> bool:
    return isinstance(line, dict) and line.get("table") == table


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_that_break_a_rule_of_the_schema_are_not_restored(
    worked: Worked, new_house: NewHouse, tmp_path: Path, engine: str
) -> None:
    """A reference to nothing, a check, a trail rewritten: the pepper's owner is refused too."""
    house, lines, file = new_house(engine), lines_of(worked[2]), tmp_path / "planted"
    columns = {
        line["table"]: [name for name, _ in line["columns"]]
        for line in lines
        if isinstance(line, dict) and "table" in line
    }

    def put(table: str, column: str, value: object) -> bytes:
        at = columns[table].index(column)
        return _changed(lines, table, lambda row: row.__setitem__(at, value))

    for planted in (
        put("membership", "person_id", "f" * 32),
        put("study", "mode", "secret"),
        put("lit_slot", "envelope", "AAAA"),
    ):
        file.write_bytes(planted)
        assert "do not fit their own schema" in _refused(house, file)
    file.write_bytes(put("audit_entry", "body", "e30="))
    assert "An audit trail of the backup does not hold" in _refused(house, file)
    newer = [{**lines[0], "schema": "9999"}, *lines[1:]]
    file.write_bytes(written_again(newer))
    assert "newer version of the program" in _refused(house, file)
    file.write_bytes(written_again(_without(lines, "card")))
    assert "do not fit their own schema" in _refused(house, file)


def _without(lines: list[object], table: str) -> list[object]:
    """The backup with a whole table left away."""
    start = next(n for n, line in enumerate(lines) if _begins(line, table))
    end = next(n for n in range(start, len(lines)) if _ends(lines[n], table))
    return [*lines[:start], *lines[end + 1 :]]


def _ends(line: object, table: str) -> bool:
    return isinstance(line, dict) and line.get("end") == table


def test_only_into_an_empty_database(
    worked: Worked,
    new_house: NewHouse,
    new_sqlite_url: Callable[[], str],
    new_postgres: Callable[[], Database],
) -> None:
    """Nothing, or a fresh schema; never what holds an entry, or belongs to somebody else."""
    study, _at, file = worked
    folder = new_house("sqlite").folder
    migrated_postgres = new_postgres()
    for url in (new_sqlite_url(), migrated_postgres.owner_url):
        house = House(folder, url)
        migrated = house.run("restore", file)
        assert migrated.exit_code == 0, migrated.output
        again = house.run("restore", file)
        assert again.exit_code == 2
        assert again.stderr.startswith("The database is not empty; ")
    there = moved(study, migrated_postgres.app_url)
    assert there.trial.register("N-002")  # by the role that owns nothing
    there.trial.engine.dispose()
    for house in (new_house("sqlite"), new_house("postgres")):
        engine = make_engine(house.url)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE recipes (name TEXT)"))
        engine.dispose()
        assert _refused(house, file).startswith("The database is not empty; ")
    assert study.trial.events()


def test_a_database_in_use_or_half_moved_away_is_not_overwritten(
    worked: Worked, new_house: NewHouse
) -> None:
    house = new_house("sqlite")
    migrating.upgrade(house.url)
    serving = make_engine(house.url)
    with serving.execution_options(reading=True).connect() as connection:
        connection.execute(sa.text("SELECT count(*) FROM person"))
        done = house.run("restore", worked[2])
        assert done.exit_code == 2
        assert done.stderr == "The database is in use; stop the program, then restore.\n"
    serving.dispose()
    (house.folder / "twinbag.db").unlink()
    (house.folder / "twinbag.db-wal").write_bytes(b"left behind")
    assert "belongs to a database that is no longer beside it" in _refused(house, worked[2])
    (house.folder / "twinbag.db-wal").unlink()
    assert house.run("restore", worked[2]).exit_code == 0


def test_another_database_may_be_named(worked: Worked, new_house: NewHouse) -> None:
    house = new_house("sqlite")
    elsewhere = house.folder / "elsewhere.db"
    assert house.run("restore", worked[2], "--into", f"sqlite:///{elsewhere}").exit_code == 0
    assert elsewhere.stat().st_mode & 0o777 == 0o600
    assert not (house.folder / "twinbag.db").exists()
    both = house.run("restore", worked[2], "--demo", "--into", "sqlite:///x")
    assert both.exit_code == 2
    wrong = house.run("restore", worked[2], "--into", "mysql://x")
    assert wrong.exit_code == 2
    assert "must begin with sqlite:///" in wrong.stderr
    silent = house.run("restore", worked[2], "--into", "postgresql+psycopg://u:hunter2@/x?host=/no")
    assert silent.exit_code == 2
    assert "hunter2" not in silent.output


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("when", ["_insert", "_load", "_finish"])
def test_a_restore_killed_anywhere_leaves_nothing(
    worked: Worked, new_house: NewHouse, engine: str, when: str
) -> None:
    """SIGKILL after a step: no database, or one as empty as before; then it can be done again."""
    house = new_house(engine)
    before = _standing(house)
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, when, str(worked[2]), str(house.folder)],
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if "TWINBAG" not in name},
            "TWINBAG_DATABASE_URL": house.url,
            "TWINBAG_PEPPER": PEPPER.hex(),
        },
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if engine == "sqlite":
        assert not (house.folder / "twinbag.db").exists()
    else:
        assert _standing(house) == before
    assert house.run("restore", worked[2]).exit_code == 0


_KILLED = """
import os, signal, sys
from pharmacy.cli import cli
from pharmacy.persistence import restoring
when, file, folder = sys.argv[1:]
honest = getattr(restoring, when)
def and_then_the_power_fails(*said):
    honest(*said)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(restoring, when, and_then_the_power_fails)
cli(["restore", file, "--instance", folder])
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_an_error_on_the_way_leaves_nothing(
    worked: Worked,
    new_house: NewHouse,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
) -> None:
    house = new_house(engine)

    def full(*_said: object) -> None:
        raise sa.exc.OperationalError("INSERT", None, Exception("disk full"))

    monkeypatch.setattr(restoring, "trail_faults", full)
    assert "cannot be opened or changed" in _refused(house, worked[2])
