"""Wall 7: the trails only grow, on SQLite and on PostgreSQL, whoever tries (E3, E4)."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import Conflict
from pharmacy.persistence.base import Base
from pharmacy.persistence.engine import make_engine
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.unblinded import tables
from tests.architecture.trails import NOON, enter
from tests.support.temp_postgres import Database

EngineAt = Callable[[str], sa.Engine]
_STUDY = "5" * 32
_ENTRIES = 3

# The columns of a new row after its trail and number.
_TRAILS = {
    "audit_entry": (
        "trail",
        "installation",
        "at, event, subject, body, leaf",
        "'2026-03-02 12:00:00', 'planted', 'person:x', {bytes}, {leaf}",
    ),
    "lit_audit_entry": ("study_id", _STUDY, "body, leaf", "{bytes}, {leaf}"),
}
_BODY_LENGTH = dict.fromkeys(_TRAILS, 12) | {
    "lit_audit_entry": tables.LitAuditEntry.__table__.c.body.info["length"]
}


def _literal(data: bytes, dialect: str) -> str:
    return f"X'{data.hex()}'" if dialect == "sqlite" else f"'\\x{data.hex()}'::bytea"


def _row(table: str, seq: int, dialect: str) -> tuple[str, str]:
    """Columns and values of a planted entry with this number."""
    key, trail, columns, values = _TRAILS[table]
    filled = values.format(
        bytes=_literal(b"\x07" * _BODY_LENGTH[table], dialect), leaf=_literal(b"\x07" * 32, dialect)
    )
    return f"{key}, seq, {columns}", f"'{trail}', {seq}, {filled}"


def attacks(table: str, dialect: str) -> dict[str, str]:
    """Statements that would rewrite a trail of three entries, or leave a hole in it."""
    key, _trail, columns, _values = _TRAILS[table]

    def insert(seq: int, verb: str = "INSERT") -> str:
        names, values = _row(table, seq, dialect)
        return f"{verb} INTO {table} ({names}) VALUES ({values})"

    _names, sixth = _row(table, 6, dialect)
    upsert = f"ON CONFLICT ({key}, seq) DO UPDATE SET body = excluded.body"
    found = {
        "update": f"UPDATE {table} SET leaf = {_literal(bytes(32), dialect)}",
        "update of nothing but the number": f"UPDATE {table} SET seq = 9 WHERE seq = 3",
        "update to the same": f"UPDATE {table} SET seq = seq",
        "delete": f"DELETE FROM {table}",
        "delete of the newest": f"DELETE FROM {table} WHERE seq = 3",
        "the same number again": insert(3),
        "number zero": insert(0),
        "a negative number": insert(-1),
        "a gap": insert(5),
        "a gap inside one statement": f"{insert(4)}, ({sixth})",
        "a gap by copying": (
            f"INSERT INTO {table} ({key}, seq, {columns}) "
            f"SELECT {key}, seq + 4, {columns} FROM {table}"
        ),
        "an upsert": f"{insert(2)} {upsert}",
        "a dropped column": f"ALTER TABLE {table} DROP COLUMN body",
    }
    if dialect == "sqlite":
        del found["a dropped column"]
        return found | {
            "insert or replace": insert(2, "INSERT OR REPLACE"),
            "replace": insert(3, "REPLACE"),
            "update or replace": f"UPDATE OR REPLACE {table} SET seq = 1 WHERE seq = 3",
            "insert or ignore of a gap": insert(5, "INSERT OR IGNORE"),
        }
    head = "audit_head" if table == "audit_entry" else "lit_audit_head"
    return found | {
        "truncate": f"TRUNCATE {table}",
        "truncate by its head": f"TRUNCATE {head} CASCADE",
        "a writing read": f"WITH x AS (DELETE FROM {table} RETURNING seq) SELECT * FROM x",
    }


# What only the owner of the tables could do, and the app's role is not.
_OWNER_ONLY = {
    "a dropped trigger": "DROP TRIGGER {table}_no_update ON {table}",
    "a disabled trigger": "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "triggers off for a session": "SET session_replication_role = replica",
    "a dropped table": "DROP TABLE {table} CASCADE",
    "a renamed table": "ALTER TABLE {table} RENAME TO gone",
    "a rule beside it": "CREATE RULE r AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "a trigger of one's own": (
        "CREATE TRIGGER a_first BEFORE INSERT ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ),
    "another function for the trigger": (
        "CREATE OR REPLACE FUNCTION trail_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NEW; END $$"
    ),
}


def _filled(engine: sa.Engine) -> sa.Engine:
    """The database with three entries in each of the two kinds of trail."""
    with UnitOfWork(engine, NOON) as uow:
        for number in range(_ENTRIES):
            enter(uow, f"event_{number}")
        uow.commit()
    with engine.begin() as connection:
        study = Base.metadata.tables["study"]
        connection.execute(
            sa.insert(study).values(id=_STUDY, code="M", title="M", mode="practice", made_at=NOON)
        )
        head = Base.metadata.tables["lit_audit_head"]
        empty = bytes(tables.FRONTIER_LENGTH)
        connection.execute(sa.insert(head).values(study_id=_STUDY, size=0, frontier=empty))
        for seq in range(1, _ENTRIES + 1):
            names, values = _row("lit_audit_entry", seq, engine.dialect.name)
            connection.exec_driver_sql(f"INSERT INTO lit_audit_entry ({names}) VALUES ({values})")
    return engine


def _bytes(engine: sa.Engine, table: str) -> str:
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
    return hashlib.sha256(repr([tuple(map(_plain, row)) for row in rows]).encode()).hexdigest()


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def got_through(engine: sa.Engine, table: str) -> set[str]:
    """The attacks that changed the trail, or were not refused, each rolled back again."""
    before, through = _bytes(engine, table), set()
    for name, statement in attacks(table, engine.dialect.name).items():
        with engine.connect() as connection:
            try:
                connection.exec_driver_sql(statement)
                through.add(name)
            except (sa.exc.DBAPIError, Conflict):
                connection.rollback()
            connection.rollback()
    assert _bytes(engine, table) == before
    return through


@pytest.fixture(scope="module")
def on_postgres(request: pytest.FixtureRequest) -> Database:
    """One filled PostgreSQL database for all attacks; each is rolled back."""
    server = request.getfixturevalue("postgres_server")
    database: Database = server.create_database(request.getfixturevalue("postgres_template"))
    engine = make_engine(database.app_url)
    _filled(engine).dispose()
    return database


@pytest.fixture(params=["app", "owner"])
def postgres_engine(request: pytest.FixtureRequest, on_postgres: Database) -> Iterator[sa.Engine]:
    """As the app's role, and as the owner of the tables, whom the triggers alone stop."""
    url = on_postgres.app_url if request.param == "app" else on_postgres.owner_url
    engine = make_engine(url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("table", _TRAILS)
def test_no_attack_gets_through_on_sqlite(engine_at: EngineAt, sqlite_url: str, table: str) -> None:
    assert got_through(_filled(engine_at(sqlite_url)), table) == set()


@pytest.mark.parametrize("table", _TRAILS)
def test_no_attack_gets_through_on_postgres(
    postgres_engine: sa.Engine, on_postgres: Database, table: str
) -> None:
    is_owner = postgres_engine.url.username == "twinbag_owner"
    allowed = {"a dropped column"} if is_owner else set()
    assert got_through(postgres_engine, table) == allowed


@pytest.mark.parametrize("attack", _OWNER_ONLY)
@pytest.mark.parametrize("table", _TRAILS)
def test_the_app_owns_nothing(
    engine_at: EngineAt, on_postgres: Database, table: str, attack: str
) -> None:
    engine = engine_at(on_postgres.app_url)
    with (
        engine.connect() as connection,
        pytest.raises(sa.exc.DBAPIError, match=r"must be owner|permission denied"),
    ):
        connection.exec_driver_sql(_OWNER_ONLY[attack].format(table=table))


@pytest.mark.parametrize("verb", ["UPDATE", "DELETE", "TRUNCATE"])
@pytest.mark.parametrize("table", _TRAILS)
def test_the_app_may_only_insert_and_read(
    engine_at: EngineAt, on_postgres: Database, table: str, verb: str
) -> None:
    with engine_at(on_postgres.app_url).connect() as connection:
        may = connection.exec_driver_sql(
            f"SELECT has_table_privilege(current_user, '{table}', '{verb}')"
        ).scalar_one()
    assert may is False


@pytest.mark.parametrize("table", _TRAILS)
def test_the_next_number_is_taken(
    engine_at: EngineAt, sqlite_url: str, on_postgres: Database, table: str
) -> None:
    for engine in (_filled(engine_at(sqlite_url)), engine_at(on_postgres.app_url)):
        dialect = engine.dialect.name
        names, fourth = _row(table, 4, dialect)
        _names, fifth = _row(table, 5, dialect)
        with engine.connect() as connection:
            connection.exec_driver_sql(
                f"INSERT INTO {table} ({names}) VALUES ({fourth}), ({fifth})"
            )
            connection.rollback()


@pytest.mark.parametrize(
    ("trigger", "through"),
    [
        ("no_update", {"update", "update of nothing but the number", "update to the same"}),
        ("no_delete", {"delete", "delete of the newest"}),
        ("next_number", {"a gap", "number zero", "a negative number", "a gap by copying"}),
    ],
)
@pytest.mark.parametrize("table", _TRAILS)
def test_without_its_trigger_an_attack_is_seen_to_get_through(
    engine_at: EngineAt, sqlite_url: str, table: str, trigger: str, through: set[str]
) -> None:
    engine = _filled(engine_at(sqlite_url))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER {table}_{trigger}")

    assert through <= got_through(engine, table)


@pytest.mark.parametrize("trigger", ["no_update", "no_delete", "next_number", "no_truncate"])
def test_the_same_on_postgres(engine_at: EngineAt, postgres: Database, trigger: str) -> None:
    _filled(engine_at(postgres.app_url))
    engine = engine_at(postgres.owner_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER audit_entry_{trigger} ON audit_entry")
    through = got_through(engine, "audit_entry")

    wanted = {
        "no_update": "update",
        "no_delete": "a writing read",
        "next_number": "a gap inside one statement",
        "no_truncate": "truncate",
    }
    assert wanted[trigger] in through


def test_without_recursive_triggers_a_replace_gets_through(
    engine_at: EngineAt, sqlite_url: str
) -> None:
    """Why the engine turns them on: the delete that REPLACE does would pass its trigger."""
    engine = _filled(engine_at(sqlite_url))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_entry_next_number")
    assert "insert or replace" not in got_through(engine, "audit_entry")

    sa.event.listen(engine, "connect", _without_recursive_triggers)
    engine.dispose()
    assert "insert or replace" in got_through(engine, "audit_entry")


def _without_recursive_triggers(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA recursive_triggers=OFF")
