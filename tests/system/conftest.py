"""A study that was backed up while people worked, and clean houses to restore it into."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.temp_postgres import Database, TempPostgres
from tests.system.backup_drill import (
    House,
    NewHouse,
    Worked,
    somebody_registers,
    study_at_the_bench,
)


@pytest.fixture
def new_house(tmp_path: Path, postgres_server: TempPostgres) -> Iterator[NewHouse]:
    """A clean folder before an empty database; nothing of any older house but the pepper."""
    made: list[Database] = []

    def make(engine: str) -> House:
        folder = tmp_path / f"clean{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        if engine == "sqlite":
            return House(folder, f"sqlite:///{folder}/twinbag.db")
        made.append(postgres_server.create_database())
        return House(folder, made[-1].owner_url)

    yield make
    for database in made:
        postgres_server.drop_database(database)


@pytest.fixture(scope="module")
def worked(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Worked:
    """A study with a covered bag, and its backup, taken while somebody went on registering."""
    folder = tmp_path_factory.mktemp("worked")
    path = folder / "twinbag.db"
    shutil.copyfile(sqlite_template, path)
    study, at = study_at_the_bench(f"sqlite:///{path}")
    with somebody_registers(study) as done:
        while not done:
            pass
        file = House(folder, f"sqlite:///{path}").backup()
    return study, at, file
