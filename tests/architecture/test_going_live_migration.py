"""Two studies of one code, and what goes with a live one, are not lost in a downgrade."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from pharmacy.persistence import migrating
from pharmacy.persistence.engine import make_engine
from tests.architecture import old_rows

_LIVE = (
    "INSERT INTO study (id, code, title, mode, made_at) "
    "SELECT '{0}', code, title, 'live', made_at FROM study"
)
PLANTS = {
    "two of one code": _LIVE.format("e" * 32),
    "a telephone": "UPDATE site SET sponsor_phone = '205-555-0111'",
    "going live": "INSERT INTO went_live SELECT id, made_at FROM study",
}


@pytest.fixture
def at_newest(empty_database_url: str) -> str:
    migrating.upgrade(empty_database_url, "0002")
    engine = make_engine(empty_database_url)
    old_rows.write(engine)
    engine.dispose()
    migrating.upgrade(empty_database_url)
    return empty_database_url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return str(request.getfixturevalue("empty_postgres").owner_url)


@pytest.mark.parametrize("plant", PLANTS)
def test_a_downgrade_loses_nothing_of_a_live_study(
    engine_at: Callable[[str], sa.Engine], at_newest: str, plant: str
) -> None:
    """Nothing recorded is lost; a database without any of it goes down (test_migrations)."""
    with engine_at(at_newest).begin() as connection:
        connection.execute(sa.text(PLANTS[plant]))
    with pytest.raises(migrating.DatabaseUnusable, match="older schema cannot keep"):
        migrating.downgrade(at_newest, "0014")
    assert migrating.current(at_newest) == migrating.head()


def test_each_code_is_had_once_in_each_mode(
    engine_at: Callable[[str], sa.Engine], at_newest: str
) -> None:
    """The database itself refuses a third study of a code."""
    engine = engine_at(at_newest)
    with engine.begin() as connection:
        connection.execute(sa.text(_LIVE.format("e" * 32)))
    again = engine.connect()
    with pytest.raises(Exception, match="same moment"):
        again.execute(sa.text(_LIVE.format("f" * 32) + " WHERE mode = 'live'"))
    again.close()
