"""Wall 8: the models are what `upgrade head` makes; every revision goes up and down, on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from pharmacy.persistence import migrating, schema
from pharmacy.persistence.base import Base
from pharmacy.persistence.engine import make_engine
from pharmacy.unblinded import tables
from tests.architecture import old_rows
from tests.architecture.schemas import contents, differences
from tests.architecture.trails import NOON

EngineAt = Callable[[str], sa.Engine]
_READ = (schema, tables)
_SCRIPTS = ScriptDirectory(str(Path(migrating.__file__).parents[2] / "migrations"))
REVISIONS = [script.revision for script in reversed(list(_SCRIPTS.walk_revisions()))]


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, as the owner of what will be in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return str(request.getfixturevalue("empty_postgres").owner_url)


@pytest.fixture
def engine(engine_at: EngineAt, empty_url: str) -> sa.Engine:
    """The same database, to look at."""
    return engine_at(empty_url)


def _copy(change: Callable[[sa.MetaData], object]) -> sa.MetaData:
    """The models with one planted change; the real ones stay as they are."""
    copied = sa.MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.sorted_tables:
        table.to_metadata(copied)
    change(copied)
    return copied


PLANTS: dict[str, tuple[Callable[[sa.MetaData], object], str]] = {
    "a column": (
        lambda models: models.tables["bag"].append_column(sa.Column("lot", sa.String(20))),
        "add_column: None bag",
    ),
    "a table": (
        lambda models: sa.Table("courier", models, sa.Column("id", sa.Integer, primary_key=True)),
        "add_table: courier",
    ),
    "another length": (
        lambda models: setattr(models.tables["bag"].c.state, "type", sa.String(13)),
        "modify_type: None bag state",
    ),
    "a column that may be empty": (
        lambda models: setattr(models.tables["bag"].c.volume_ml, "nullable", True),
        "modify_nullable: None bag volume_ml",
    ),
    "an index": (
        lambda models: sa.Index("ix_bag_state", models.tables["bag"].c.state),
        "add_index: Index('ix_bag_state'",
    ),
    "a unique constraint": (
        lambda models: models.tables["card"].append_constraint(
            sa.UniqueConstraint("participant_id")
        ),
        "add_constraint: UniqueConstraint",
    ),
    "a foreign key": (
        lambda models: models.tables["operation"].append_constraint(
            sa.ForeignKeyConstraint(["person_id"], ["person.id"])
        ),
        "add_fk",
    ),
    "a check": (
        lambda models: models.tables["bag"].append_constraint(
            sa.CheckConstraint("number < 9", name="few")
        ),
        "bag: no check ck_bag_few",
    ),
}


def test_the_models_are_what_the_migrations_make(empty_url: str, engine: sa.Engine) -> None:
    migrating.upgrade(empty_url)
    assert differences(engine, Base.metadata) == []


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_change_of_the_models_is_found(
    engine_at: EngineAt, sqlite_url: str, on_postgres: sa.Engine, plant: str
) -> None:
    change, told = PLANTS[plant]
    models = _copy(change)
    for engine in (engine_at(sqlite_url), on_postgres):
        found = differences(engine, models)
        assert any(told in said for said in found), found


@pytest.fixture(scope="module")
def on_postgres(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """A migrated PostgreSQL database to look at; nobody changes it."""
    server = request.getfixturevalue("postgres_server")
    database = server.create_database(request.getfixturevalue("postgres_template"))
    engine = make_engine(database.owner_url)
    yield engine
    engine.dispose()
    server.drop_database(database)


def test_a_check_that_says_something_else_is_found(engine_at: EngineAt, sqlite_url: str) -> None:
    def other(models: sa.MetaData) -> None:
        table = models.tables["lit_slot"]
        for check in list(table.constraints):
            if isinstance(check, sa.CheckConstraint) and "envelope" in str(check.sqltext):
                table.constraints.discard(check)
        table.append_constraint(sa.CheckConstraint("length(envelope) = 1", name="envelope_length"))

    found = differences(engine_at(sqlite_url), _copy(other))
    assert "lit_slot: the check ck_lit_slot_envelope_length says something else" in found


def test_every_revision_goes_up_and_down(empty_url: str, engine: sa.Engine) -> None:
    before = ["base", *REVISIONS[:-1]]
    for lower, revision in zip(before, REVISIONS, strict=True):
        stood = contents(engine)
        migrating.upgrade(empty_url, revision)
        made = contents(engine)
        assert made != stood, f"revision {revision} changes nothing"
        migrating.downgrade(empty_url, lower)
        assert contents(engine) == stood, f"revision {revision} does not go down"
        migrating.upgrade(empty_url, revision)
        assert contents(engine) == made, f"revision {revision} does not go up again"


def test_from_nothing_to_the_newest_and_back_and_again(empty_url: str, engine: sa.Engine) -> None:
    migrating.upgrade(empty_url)
    newest = contents(engine)
    migrating.downgrade(empty_url, "base")
    assert contents(engine) == {}
    assert migrating.current(empty_url) == "none"
    migrating.upgrade(empty_url)
    assert contents(engine) == newest
    assert migrating.current(empty_url) == migrating.head() == REVISIONS[-1]


def test_a_planted_leftover_is_seen(empty_url: str, engine: sa.Engine) -> None:
    migrating.upgrade(empty_url)
    before = contents(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE leftover (id VARCHAR(32))")
    assert contents(engine) != before


def test_the_trail_of_the_installation_is_begun_by_the_migrations(
    engine_at: EngineAt, database_url: str
) -> None:
    with engine_at(database_url).connect() as connection:
        rows = connection.exec_driver_sql("SELECT trail, size FROM audit_head").fetchall()
    assert [tuple(row) for row in rows] == [("installation", 0)]


def test_the_revisions_are_one_line_with_one_head() -> None:
    assert _SCRIPTS.get_heads() == [REVISIONS[-1]]
    assert len(REVISIONS) == len(list((Path(_SCRIPTS.dir) / "versions").glob("*.py")))


@pytest.fixture
def with_old_rows(empty_url: str, engine: sa.Engine) -> sa.Engine:
    """A database that was written at 0002 and has the newest revision now."""
    migrating.upgrade(empty_url, "0002")
    old_rows.write(engine)
    migrating.upgrade(empty_url)
    return engine


def test_rows_of_0002_come_out_unchanged_and_with_their_meaning(with_old_rows: sa.Engine) -> None:
    """Scans were to infuse; a card that had ended had been replaced."""
    assert old_rows.stored(with_old_rows) == list(old_rows.ROWS)
    assert old_rows.column(with_old_rows, "scan", "id", "purpose") == {
        old_rows.SCANNED: "infuse",
        old_rows.TYPED: "infuse",
    }
    assert old_rows.column(with_old_rows, "card", "body", "ended_why") == {
        old_rows.REPLACED: "replaced",
        old_rows.OPEN: "",
    }


def test_rows_of_0002_come_back_out_of_a_downgrade(
    empty_url: str, with_old_rows: sa.Engine
) -> None:
    migrating.downgrade(empty_url, "0002")
    assert old_rows.stored(with_old_rows) == list(old_rows.ROWS)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("scan", {"method": "camera"}),
        ("scan", {"answer": "received"}),
        ("scan", {"purpose": "receive"}),
        ("card", {"ended_why": "lost"}),
    ],
    ids=lambda part: " ".join(part.values()) if isinstance(part, dict) else part,
)
def test_a_downgrade_that_would_lose_something_is_refused_and_loses_nothing(
    empty_url: str, with_old_rows: sa.Engine, table: str, change: dict[str, str]
) -> None:
    changed = Base.metadata.tables[table]
    with with_old_rows.begin() as connection:
        connection.execute(sa.update(changed).values(**change))
    rows, made = old_rows.stored(with_old_rows), contents(with_old_rows)
    with pytest.raises(migrating.DatabaseUnusable, match="older schema cannot keep"):
        migrating.downgrade(empty_url, "0002")
    assert migrating.current(empty_url) == migrating.head()
    assert contents(with_old_rows) == made
    assert old_rows.stored(with_old_rows) == rows
    ((name, value),) = change.items()
    key = next(iter(changed.primary_key.columns)).name
    assert set(old_rows.column(with_old_rows, table, key, name).values()) == {value}


def test_a_downgrade_never_drops_a_pause(engine_at: EngineAt, sqlite_url: str) -> None:
    """Its bag is left out here: the database is asked for no foreign key while it is written."""
    engine = engine_at(sqlite_url)
    pause = {
        "id": "5" * 32,
        "bag_id": "6" * 32,
        "number": 1,
        "paused_at": NOON,
        "paused_by": "7" * 32,
        "infused_ml": Decimal(120),
        "reason": "line",
    }
    with engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(sa.insert(Base.metadata.tables["infusion_pause"]).values(**pause))
        connection.commit()
    with pytest.raises(migrating.DatabaseUnusable, match="pauses"):
        migrating.downgrade(sqlite_url, "0002")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT reason FROM infusion_pause").fetchall()
    assert [tuple(row) for row in rows] == [("line",)]
