"""Lists that were loaded before 0005 keep their rows and come out as what they were."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from pharmacy.persistence import migrating
from tests.architecture.trails import NOON, PERSON

STUDIES = {"b" * 32: "practice", "c" * 32: "live"}
_LISTS = sa.text(
    "INSERT INTO lit_list (study_id, key_version, commitment, opening, slots_digest, loaded_by, "
    "signature) VALUES (:study, 1, :digest, :opening, :digest, :person, :signature)"
)


def _write(engine: sa.Engine) -> None:
    """A person, a practice and a live study, and a list in each, as 0004 kept them."""
    known = sa.MetaData()
    with engine.begin() as connection:
        known.reflect(connection, only=["person", "study"])
        person = {name: value for name, value in PERSON.items() if name in known.tables["person"].c}
        columns = ", ".join(person)
        values = ", ".join(f":{name}" for name in person)
        moments = {"at": NOON.isoformat()}
        connection.execute(
            sa.text(f"INSERT INTO person ({columns}) VALUES ({values})"),
            {name: moments["at"] if value == NOON else value for name, value in person.items()},
        )
        for study_id, mode in STUDIES.items():
            connection.execute(
                sa.text(
                    "INSERT INTO study (id, code, title, mode, made_at) "
                    "VALUES (:id, :code, 'T', :mode, :at)"
                ),
                {"id": study_id, "code": mode.upper(), "mode": mode, **moments},
            )
            connection.execute(
                _LISTS,
                {
                    "study": study_id,
                    "digest": bytes(32),
                    "opening": bytes(114),
                    "person": PERSON["id"],
                    "signature": bytes(64),
                },
            )


def _lists(engine: sa.Engine, columns: str) -> dict[str, tuple[object, ...]]:
    with engine.connect() as connection:
        rows = connection.execute(sa.text(f"SELECT study_id, {columns} FROM lit_list"))
        return {row[0]: tuple(row[1:]) for row in rows}


@pytest.fixture
def engine(
    engine_at: Callable[[str], sa.Engine], request: pytest.FixtureRequest, empty_url: str
) -> sa.Engine:
    """A database that was written at 0004 and has the newest revision now."""
    migrating.upgrade(empty_url, "0004")
    found = engine_at(empty_url)
    _write(found)
    migrating.upgrade(empty_url)
    return found


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path) -> str:
    """An empty database, as the owner of what will be in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return str(request.getfixturevalue("empty_postgres").owner_url)


def test_lists_of_before_came_from_redcap_and_those_for_practice_are_dummies(
    engine: sa.Engine,
) -> None:
    """Nothing of them is lost, and nothing is said of them that nobody signed (C7)."""
    assert _lists(engine, "source, dummy, seed_wrap, facts_signature") == {
        study_id: ("redcap", mode == "practice", None, None) for study_id, mode in STUDIES.items()
    }
    kept = _lists(engine, "commitment, opening, signature")
    assert {tuple(map(bytes, row)) for row in kept.values()} == {(bytes(32), bytes(114), bytes(64))}


def test_they_go_back_and_come_again(engine: sa.Engine, empty_url: str) -> None:
    migrating.downgrade(empty_url, "0004")
    assert set(_lists(engine, "commitment")) == set(STUDIES)
    migrating.upgrade(empty_url)
    assert set(_lists(engine, "source").values()) == {("redcap",)}


@pytest.mark.parametrize(
    "change",
    ["source = 'made', seed_wrap = :seed", "source = 'concealed'", "facts_signature = :signed"],
)
def test_a_downgrade_never_loses_a_seed_or_a_source(
    engine: sa.Engine, empty_url: str, change: str
) -> None:
    with engine.begin() as connection:
        statement = sa.text(f"UPDATE lit_list SET {change}")
        said = {"seed": bytes(80), "signed": bytes(64)}
        connection.execute(statement, {k: v for k, v in said.items() if f":{k}" in change})
    before = _lists(engine, "source, seed_wrap, facts_signature")
    with pytest.raises(migrating.DatabaseUnusable, match="older schema cannot keep"):
        migrating.downgrade(empty_url, "0004")
    assert _lists(engine, "source, seed_wrap, facts_signature") == before
