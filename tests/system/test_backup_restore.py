"""`restore`: the drill on a clean machine, on both databases, and everything that stops it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pharmacy.crypto.deriving import fingerprint_of_secret
from pharmacy.domain.errors import Refusal
from pharmacy.persistence import backup_file, migrating
from pharmacy.persistence.backup_file import Header, TablePart
from pharmacy.persistence.backups import LEFT_OUT, kind_of
from pharmacy.persistence.base import Base
from pharmacy.persistence.engine import make_engine
from pharmacy.services import people
from pharmacy.unblinded.bag_record import Stage
from tests.architecture import old_rows
from tests.architecture.schemas import contents, differences
from tests.architecture.trails import NOON, trail_faults
from tests.support.builders import PASSWORD
from tests.support.lit_builders import BASE_URL, PEPPER
from tests.support.temp_postgres import Database
from tests.support.world import build_app, make_surroundings
from tests.system.backup_drill import (
    House,
    NewHouse,
    Worked,
    mac_key,
    moved,
    parts_of,
    study_at_the_bench,
)
from tests.unblinded.bench_acts import AtBench

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ("sqlite", "postgres")
# What a restore itself writes: its entry, where the trail then stands, and the links it ends.
_WRITTEN_BY_RESTORE = {"audit_head", "audit_entry", "one_time_link"}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_drill(worked: Worked, new_house: NewHouse, engine: str) -> None:
    """E14, H5: on a clean machine with nothing but the pepper, a holder reads a bag's record."""
    study, at, file = worked
    house = new_house(engine)
    done = house.run("restore", file)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    assert done.stdout.startswith("The database holds the backup: ")
    assert "TWINBAG_PEPPER" not in (house.folder / "secrets.env").read_text()

    there = moved(study, house.url)
    old = AtBench(study, at.bag_id).record()
    record = AtBench(there, at.bag_id).record()
    assert record.stage is Stage.COVERED
    assert record == old
    before = parts_of(file)
    with there.trial.units.reading() as uow:
        assert trail_faults(uow.session) == []
    numbers = [entry.seq for entry in there.trial.events()]
    kept = [row["seq"] for row in before["audit_entry"] if row["trail"] == study.study_id]
    assert numbers == kept[::-1]
    there.trial.register("N-001")
    assert there.trial.events()[0].seq == kept[-1] + 1
    AtBench(there, at.bag_id).release()
    with there.trial.units.reading() as uow:
        assert trail_faults(uow.session) == []
    there.trial.engine.dispose()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_comes_back_is_what_was_there(
    worked: Worked, new_house: NewHouse, engine: str
) -> None:
    """Every row of every table, over the other database and back, value for value."""
    _study, _at, file = worked
    first = parts_of(file)
    for over in (engine, "sqlite"):
        house = new_house(over)
        assert house.run("restore", file).exit_code == 0
        file = house.backup()
        now = parts_of(file)
        assert list(now) == list(first)
        for name in now.keys() - _WRITTEN_BY_RESTORE:
            assert now[name] == first[name], name
    added = [row for row in now["audit_entry"] if row not in first["audit_entry"]]
    assert [row["event"] for row in added] == ["restored_from_backup"] * 2
    assert [row["trail"] for row in added] == ["installation"] * 2


@pytest.mark.parametrize("engine", ENGINES)
def test_the_walls_stand_afterwards(
    worked: Worked,
    new_house: NewHouse,
    postgres: Database,
    sqlite_url: str,
    engine: str,
) -> None:
    """Triggers, checks, keys: the schema is the migrations' own, and a trail only grows (E4)."""
    house = new_house(engine)
    assert house.run("restore", worked[2]).exit_code == 0
    made = make_engine(house.url)
    fresh = make_engine(postgres.owner_url if engine == "postgres" else sqlite_url)
    try:
        assert contents(made) == contents(fresh)
        assert differences(made, Base.metadata) == []
        for attack in (
            "UPDATE audit_entry SET event = 'x'",
            "DELETE FROM lit_audit_entry",
            "INSERT INTO audit_entry SELECT trail, seq + 7, at, person_id, event, subject, body,"
            " leaf FROM audit_entry",
        ):
            with pytest.raises(sa.exc.DBAPIError), made.begin() as connection:
                connection.execute(sa.text(attack))
    finally:
        made.dispose()
        fresh.dispose()


def test_nobody_is_still_signed_in(new_house: NewHouse, sqlite_url: str, tmp_path: Path) -> None:
    """A cookie from before opens nothing, a one-time link neither, and no room stands open."""
    study, _at = study_at_the_bench(sqlite_url)
    browser = study.lit_browser(
        build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance), "pharmacist"
    )
    with study.trial.act("administrator") as act:
        _person, token = people.add_person(act, "late.test", "Late Comer", "LC")
    assert browser.get("/account").status_code == 200
    house = new_house("sqlite")
    assert house.run("restore", House(tmp_path, sqlite_url).backup()).exit_code == 0

    app = build_app(house.url, house.folder, study.trial.clock, study.trial.chance)
    client = app.test_client()
    client._cookies = browser.client._cookies
    assert client.get("/account", base_url=BASE_URL).status_code in (302, 303)
    there = moved(study, house.url)
    with there.trial.units.acting() as uow, pytest.raises(Refusal, match="used or has expired"):
        around = make_surroundings(study.trial.clock, study.trial.chance)
        people.choose_password(uow, around, token, PASSWORD)
    with there.trial.units.reading() as uow:
        for name in LEFT_OUT:
            count = sa.select(sa.func.count()).select_from(sa.table(name))
            assert uow.session.execute(count).scalar_one() == 0
    there.trial.engine.dispose()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_backup_of_an_older_version_is_brought_up_to_date(
    new_house: NewHouse, tmp_path: Path, engine: str
) -> None:
    """E14, format migration: rows of revision 0002 come out as an update would have left them."""
    file = tmp_path / "old"
    with file.open("wb") as out:
        header = Header("0.0.1", "0002", NOON, fingerprint_of_secret(PEPPER, "pepper").hex())
        backup_file.write(out, header, _old_tables(tmp_path), mac_key(PEPPER))
    house = new_house(engine)
    done = house.run("restore", file)
    assert done.exit_code == 0, done.output
    restored = make_engine(house.url)
    try:
        assert old_rows.stored(restored) == list(old_rows.ROWS)
        assert differences(restored, Base.metadata) == []
    finally:
        restored.dispose()
    assert migrating.current(house.url) == migrating.head()


def _old_tables(folder: Path) -> Iterator[TablePart]:
    """The tables of revision 0002 with the rows that an installation of then had."""
    url = f"sqlite:///{folder}/old.db"
    migrating.upgrade(url, "0002")
    engine = make_engine(url)
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        names = [name for name, _ in inspector.get_sorted_table_and_fkc_names() if name]
        columns = {
            name: [column["name"] for column in inspector.get_columns(name)]
            for name in names
            if name not in {*LEFT_OUT, "alembic_version"}
        }
    engine.dispose()
    there = {"audit_head": [{"trail": "installation", "size": 0, "frontier": bytes(8)}]}
    for name, row in old_rows.ROWS:
        there.setdefault(name, []).append(row)
    for name, found in columns.items():
        kinds = tuple((each, kind_of(Base.metadata.tables[name].c[each])) for each in found)
        rows = ([row[each] for each in found] for row in there.get(name, []))
        yield TablePart(name, kinds, (tuple(row) for row in rows))
