"""`backup`: what is in the file and what never is, in which order, and when it is refused."""

from __future__ import annotations

import base64
import errno
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from pharmacy.persistence import backup_file, backups, schema
from pharmacy.persistence.base import Base
from pharmacy.unblinded import tables
from tests.support.lit_builders import PEPPER, LitStudy, open_study
from tests.support.temp_postgres import Database
from tests.system.backup_drill import (
    House,
    lines_of,
    moved,
    parts_of,
    somebody_registers,
    study_at_the_bench,
    written_again,
)
from tests.unblinded.bench_acts import IVIG_FIRST, SALINE_FIRST, a_bag

_READ = (schema, tables)


@pytest.fixture
def small(tmp_path: Path, sqlite_url: str) -> Path:
    """A backup of an installation in which nothing has happened yet."""
    return House(tmp_path, sqlite_url).backup()


@pytest.fixture
def busy(sqlite_url: str) -> LitStudy:
    """A study with a covered bag, its people signed in and two rooms open."""
    return study_at_the_bench(sqlite_url)[0]


def test_a_backup_is_private_and_never_replaces_a_file(tmp_path: Path, sqlite_url: str) -> None:
    """E14: mode 0600, one calm line, nothing else left in the folder."""
    house = House(tmp_path / "house", sqlite_url)
    house.folder.mkdir()
    first = house.backup()
    before = first.read_bytes()
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    again = house.run("backup", first)
    assert (again.exit_code, again.stdout) == (2, "")
    assert again.stderr == f"{first} exists; a backup never replaces a file. Name another.\n"
    assert first.read_bytes() == before
    assert {path.name for path in house.folder.iterdir()} == {first.name, "secrets.env"}


def test_what_cannot_be_is_one_sentence(tmp_path: Path, sqlite_url: str) -> None:
    house = House(tmp_path, sqlite_url)
    nowhere = house.run("backup", tmp_path / "gone" / "x.twinbag")
    assert nowhere.exit_code == 2
    assert nowhere.stderr.startswith(f"There is no folder {tmp_path}/gone;")
    absent = House(tmp_path, f"sqlite:///{tmp_path}/none.db").run("backup", tmp_path / "y")
    assert absent.exit_code == 2
    assert absent.stderr.startswith("There is no database at ")
    assert not (tmp_path / "y").exists()


def test_a_full_disk_leaves_nothing(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = backup_file.write

    def full(*said: object) -> None:
        honest(*said)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(backup_file, "write", full)
    (tmp_path / "full").mkdir()
    done = House(tmp_path, sqlite_url).run("backup", tmp_path / "full" / "x")
    assert done.exit_code == 2
    assert done.stderr == f"{tmp_path}/full/x cannot be written (No space left on device).\n"
    assert list((tmp_path / "full").iterdir()) == []


def test_another_revision_is_not_backed_up(tmp_path: Path, sqlite_url: str) -> None:
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as there, there:
        there.execute("UPDATE alembic_version SET version_num = '0002'")
    done = House(tmp_path, sqlite_url).run("backup", tmp_path / "x")
    assert done.exit_code == 2
    assert done.stderr.startswith("The database is at revision 0002 and this program wants ")
    assert {path.suffix for path in tmp_path.iterdir()} <= {".db", ".env", ".db-wal", ".db-shm"}


def test_check_needs_no_database(tmp_path: Path, small: Path) -> None:
    house = House(tmp_path / "elsewhere", "sqlite:////nowhere/at.all", pepper=b"")
    whole = house.run("backup", "--check", small)
    assert whole.exit_code == 0
    assert whole.stdout.startswith(f"{small} is whole: ")
    assert not house.folder.exists()
    small.write_bytes(small.read_bytes().replace(b"installation", b"Installation", 1))
    damaged = house.run("backup", "--check", small)
    assert (damaged.exit_code, damaged.stdout) == (2, "")
    assert damaged.stderr.startswith("The backup is damaged: ")
    other = tmp_path / "other"
    other.write_bytes(b"\x00\xff" * 300)
    assert House(tmp_path, "").run("backup", "--check", other).stderr == (
        "This file is not a backup of Twinbag.\n"
    )


def test_a_trail_that_does_not_hold_is_told(tmp_path: Path, busy: LitStudy) -> None:
    """E4: a forger with the pepper can make a file whole, and not a trail."""
    house = House(tmp_path, str(busy.trial.engine.url))
    lines = lines_of(house.backup())
    entry = next(n for n, line in enumerate(lines) if _is_head(line, "audit_entry")) + 1
    lines[entry][6] = base64.b64encode(b'{"rewritten":true}').decode()
    forged = tmp_path / "forged"
    forged.write_bytes(written_again(lines))
    told = house.run("backup", "--check", forged)
    assert told.exit_code == 1
    assert "the hash of entry 1 is not that of its words" in told.stderr
    untouched = tmp_path / "untouched"
    untouched.write_bytes(written_again(lines_of(tmp_path / "house.twinbag")))
    assert untouched.read_bytes() == (tmp_path / "house.twinbag").read_bytes()


def must_not_hold(file: Path) -> list[str]:
    """What stands in a backup that never may: tables left out, and the pepper however written."""
    raw = file.read_bytes()
    found = [f"the table {name}" for name in backups.LEFT_OUT if f'"{name}"'.encode() in raw]
    texts = [PEPPER, PEPPER.hex().encode(), PEPPER.hex().upper().encode()]
    texts += [base64.b64encode(b"x" * n + PEPPER)[4:40] for n in range(3)]
    return found + ["the pepper" for text in texts if text in raw]


def test_no_room_no_sign_in_and_no_secret_is_in_it(
    tmp_path: Path, busy: LitStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H5: and the same question finds each of them once it is planted."""
    house = House(tmp_path, str(busy.trial.engine.url))
    with busy.trial.engine.connect() as connection:
        for name in ("lit_session", "sign_in_session"):
            assert connection.execute(
                sa.select(sa.func.count()).select_from(sa.table(name))
            ).scalar()
    assert must_not_hold(house.backup()) == []

    monkeypatch.delitem(backups.LEFT_OUT, "lit_session")
    planted = house.run("backup", tmp_path / "planted")
    assert planted.exit_code == 0
    monkeypatch.undo()
    assert must_not_hold(tmp_path / "planted") == ["the table lit_session"]
    refused = house.run("backup", "--check", tmp_path / "planted")
    assert refused.exit_code == 2
    assert "lit_session, which it must not" in refused.stderr


def test_a_planted_pepper_is_found(tmp_path: Path, busy: LitStudy) -> None:
    house = House(tmp_path, str(busy.trial.engine.url))
    with busy.trial.engine.begin() as connection:
        connection.execute(sa.text("UPDATE person SET full_name = :p"), {"p": PEPPER.hex()})
    assert must_not_hold(house.backup()) == ["the pepper"]


def test_nothing_that_stays_leads_to_what_is_left_out() -> None:
    """A table that is left out has a reason, and no row that is kept would miss it."""
    assert backups.LEFT_OUT.keys() <= Base.metadata.tables.keys()
    assert leads_nowhere(Base.metadata) == []


def test_a_planted_lead_is_found() -> None:
    models = sa.MetaData()
    for table in Base.metadata.sorted_tables:
        table.to_metadata(models)
    models.tables["operation"].append_column(
        sa.Column("session_id", sa.ForeignKey("sign_in_session.id"))
    )
    assert leads_nowhere(models) == ["operation.session_id"]


def leads_nowhere(metadata: sa.MetaData) -> list[str]:
    """Foreign keys of tables in a backup to tables that are not."""
    return [
        str(key.parent)
        for table in metadata.sorted_tables
        if table.name not in backups.LEFT_OUT
        for key in table.foreign_keys
        if key.column.table.name in backups.LEFT_OUT
    ]


def test_every_column_has_a_kind_and_every_table_of_the_database_a_model(
    tmp_path: Path, sqlite_url: str
) -> None:
    for table in Base.metadata.sorted_tables:
        assert {backups.kind_of(column) for column in table.columns}
    with pytest.raises(TypeError):
        backups.kind_of(sa.Column("x", sa.JSON()))
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as there, there:
        there.execute("CREATE TABLE lit_forgotten (id VARCHAR(32))")
    done = House(tmp_path, sqlite_url).run("backup", tmp_path / "x")
    assert done.exit_code == 2
    assert "does not have this program's tables" in done.stderr


def out_of_order(parts: dict[str, list[dict[str, object]]]) -> list[str]:
    """Tables whose rows do not stand in the order of the bytes of their key."""
    found = []
    for name, rows in parts.items():
        key = [column.name for column in Base.metadata.tables[name].primary_key.columns]
        keys = [tuple(_bytes_of(row[column]) for column in key) for row in rows]
        if keys != sorted(keys):
            found.append(name)
    return found


def test_rows_stand_in_the_order_of_their_key(
    tmp_path: Path, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL the heap tells which row was rewritten last; a backup does not."""
    study = open_study(postgres.app_url)
    with study.trial.engine.begin() as connection:
        first = connection.execute(sa.text("SELECT min(id) FROM lit_slot")).scalar_one()
        connection.execute(
            sa.text("UPDATE lit_slot SET key_version = key_version WHERE id = :id"), {"id": first}
        )
        lie = [row[0] for row in connection.execute(sa.text("SELECT id FROM lit_slot"))]
    assert lie[-1] == first
    house = House(tmp_path, postgres.app_url)
    assert out_of_order(parts_of(house.backup())) == []

    def as_they_lie(connection: sa.Connection, table: sa.Table) -> Iterator[tuple[object, ...]]:
        yield from (tuple(row) for row in connection.execute(sa.select(table)))

    monkeypatch.setattr(backups, "_rows", as_they_lie)
    assert "lit_slot" in out_of_order(parts_of(house.backup("planted")))
    study.trial.engine.dispose()


def unlike(one: Path, other: Path) -> list[str]:
    """Where a thief could tell two backups apart: lengths, and whatever is not sealed."""
    found = [] if one.stat().st_size == other.stat().st_size else ["the length of the file"]
    here, there = parts_of(one), parts_of(other)
    found += [] if list(here) == list(there) else ["the tables"]
    for name in here:
        sealed = {c.name for c in Base.metadata.tables[name].columns if c.info.get("sealed")}
        rows = zip(_bare(here[name], sealed), _bare(there[name], sealed), strict=False)
        same_count = len(here[name]) == len(there[name])
        found += [] if same_count and all(a == b for a, b in rows) else [name]
    return found


def test_two_worlds_that_differ_in_the_arms_give_the_same_backup(
    tmp_path: Path, new_sqlite_url: Callable[[], str]
) -> None:
    """C1, H4: the same length, the same plaintext, ciphertexts of the same lengths."""
    files = []
    for world, arms in enumerate((IVIG_FIRST, SALINE_FIRST)):
        url = new_sqlite_url()
        study = open_study(url, arms=arms)
        a_bag(study).covered()
        files.append(House(tmp_path, url).backup(f"world{world}"))
    assert files[0].read_bytes() != files[1].read_bytes()
    assert unlike(*files) == []
    with study.trial.engine.begin() as connection:
        connection.execute(sa.text("UPDATE bag SET volume_ml = '1'"))
    assert "bag" in unlike(files[0], House(tmp_path, url).backup("planted"))


def test_a_backup_is_of_one_moment(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E14: what is committed while it is read is not in it, in no table and in no trail."""
    study = open_study(database_url, granted=("pharmacist",), loaded=False)
    house = House(tmp_path, database_url)
    honest, written, torn = backups.tables_of, [], []

    def interrupted(connection: sa.Connection, metadata: sa.MetaData) -> Iterator[object]:
        for number, part in enumerate(honest(connection, metadata)):
            yield part
            if number == 0:
                written.append(study.trial.register(f"L-{len(written)}"))
            if torn:
                connection.rollback()

    monkeypatch.setattr("pharmacy.cli.backup.tables_of", interrupted)
    parts = parts_of(house.backup())
    assert len(written) == 1
    assert parts["participant"] == []
    assert not any("L-0" in str(row["subject"]) for row in parts["audit_entry"])

    torn.append("one transaction for each table")
    house.run("backup", tmp_path / "planted")
    assert len(parts_of(tmp_path / "planted")["participant"]) == 2
    study.trial.engine.dispose()


def test_a_backup_while_others_work_is_whole(tmp_path: Path, database_url: str) -> None:
    """Two acts a participant: what is in the file is whole, whichever moment it was."""
    busy = study_at_the_bench(database_url)[0]
    house = House(tmp_path, database_url)
    with somebody_registers(busy) as done:
        files = [house.backup(f"b{number}") for number in range(3)]
    assert done
    counts = []
    for file in files:
        parts = parts_of(file)
        entries = [row["event"] for row in parts["audit_entry"]]
        assert len(parts["participant"]) == entries.count("participant_registered")
        assert len(parts["weight"]) == entries.count("weight_entered")
        counts.append(len(parts["participant"]))
    assert counts == sorted(counts)
    there = moved(busy, database_url)
    assert there.trial.events()
    for study in (there, busy):
        study.trial.engine.dispose()


def _is_head(line: object, table: str) -> bool:
    return isinstance(line, dict) and line.get("table") == table


def _bytes_of(value: object) -> object:
    return value.encode() if isinstance(value, str) else value


def _bare(rows: list[dict[str, object]], sealed: set[str]) -> list[dict[str, object]]:
    return [
        {name: len(str(value)) if name in sealed else value for name, value in row.items()}
        for row in rows
    ]
