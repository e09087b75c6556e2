"""Wall 7: nothing is committed that is not written down, and it all adds up (E1, E3, E4, E5)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.persistence import unit_of_work
from pharmacy.persistence.audit import AuditEntry, AuditHead
from pharmacy.persistence.base import Base
from pharmacy.persistence.engine import make_engine
from pharmacy.persistence.people import Person
from pharmacy.persistence.sign_ins import Operation, Throttle
from pharmacy.persistence.unit_of_work import UnauditedChange, UnitOfWork
from tests.architecture.source import ROOT
from tests.architecture.trails import NOON, PERSON, a_person, enter, root_of, trail_faults

_EXEMPT = {
    "sign_in_session": "who is here now; signing in and out is entered",
    "throttle": "how long the next try waits; each miss is entered",
    "operation": "which form was sent already",
    "authenticator_use": "which code was the last; a sign-in by it is entered",
    "lit_session": "which room is open now; its clock is sealed",
    "lit_bag_record": "a draft, whose history is inside the sealed record that it changes",
    "notice_post": "what a mail server said to a notice; the notice is entered with its act",
}
# Nobody may delete from it, so that there is no such change to notice.
_ONLY_COMES = {
    "assessment_signature",
    "learned_arm",
    "withdrawal",
    "replacement",
    "deviation",
    "deviation_confirmation",
    "weight_decision",
}
_TRAILS = {"audit_head", "audit_entry", "lit_audit_head", "lit_audit_entry"}


def _with_a_person(made: sa.Engine) -> sa.Engine:
    with UnitOfWork(made, NOON) as uow:
        uow.session.add(a_person())
        enter(uow, "person_added")
        uow.commit()
    return made


@pytest.fixture
def engine(engine_at: Callable[[str], sa.Engine], database_url: str) -> sa.Engine:
    """A migrated database with one person in it, whose entry is number 1."""
    return _with_a_person(engine_at(database_url))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sa.Engine]:
    """The same, one for all tests that must leave it as it is."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("kept") / "twinbag.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        url = f"sqlite:///{path}"
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.create_database(request.getfixturevalue("postgres_template")).app_url
    made = _with_a_person(make_engine(url))
    yield made
    made.dispose()


def _by_object(session: Session) -> None:
    session.add(a_person(id="b" * 32, user_name="b"))


def _by_attribute(session: Session) -> None:
    session.get_one(Person, PERSON["id"]).full_name = "Somebody Else"


def _by_deletion(session: Session) -> None:
    session.delete(session.get_one(Person, PERSON["id"]))


def _by_flush(session: Session) -> None:
    _by_attribute(session)
    session.flush()


def _by_bulk(session: Session) -> None:
    session.bulk_save_objects([a_person(id="b" * 32, user_name="b")])


def _by_savepoint(session: Session) -> None:
    with session.begin_nested():
        _by_object(session)


def _by_merge(session: Session) -> None:
    session.merge(a_person(full_name="Somebody Else"))


_NAME = sa.update(Person).values(full_name="Somebody Else")
_ADD = sa.insert(Person.__table__).values(**{**PERSON, "id": "b" * 32, "user_name": "b"})
_RAW = "UPDATE person SET full_name = 'Somebody Else'"
_RAW_CTE = f"WITH x AS (SELECT 1) {_RAW}"
_RAW_UPSERT = (
    "INSERT INTO person SELECT * FROM person WHERE true "
    "ON CONFLICT (id) DO UPDATE SET full_name = 'Somebody Else'"
)

CHANGES: dict[str, Callable[[Session], object]] = {
    "an added object": _by_object,
    "a changed attribute": _by_attribute,
    "a deleted object": _by_deletion,
    "a flush before": _by_flush,
    "a bulk save": _by_bulk,
    "a savepoint": _by_savepoint,
    "a merge": _by_merge,
    "an update statement": lambda session: session.execute(_NAME),
    "an insert statement": lambda session: session.execute(_ADD),
    "a delete statement": lambda session: session.execute(sa.delete(Person)),
    "many rows at once": lambda session: session.execute(
        sa.insert(Person), [{**PERSON, "id": c * 32, "user_name": c} for c in "bc"]
    ),
    "a statement on the connection": lambda session: session.connection().execute(_NAME),
    "text": lambda session: session.execute(sa.text(_RAW)),
    "text in small letters": lambda session: session.execute(sa.text(_RAW.lower())),
    "text with quotes": lambda session: session.execute(
        sa.text('UPDATE "person" SET full_name = :n'), {"n": "x"}
    ),
    "text after WITH": lambda session: session.execute(sa.text(_RAW_CTE)),
    "an upsert": lambda session: session.execute(sa.text(_RAW_UPSERT)),
    "the driver's own SQL": lambda session: session.connection().exec_driver_sql(_RAW),
}

COMMITS: dict[str, Callable[[UnitOfWork], object]] = {
    "the unit of work": lambda uow: uow.commit(),
    "the session behind its back": lambda uow: uow.session.commit(),
    "the connection behind its back": lambda uow: (
        uow.session.flush(),
        uow.session.connection().commit(),
    ),
    "the driver behind its back": lambda uow: (
        uow.session.flush(),
        uow.session.connection().exec_driver_sql("COMMIT"),
    ),
}


def _reading(engine: sa.Engine) -> Session:
    return Session(engine.execution_options(reading=True))


def _faults(engine: sa.Engine) -> list[str]:
    with _reading(engine) as session:
        return trail_faults(session)


def _people(engine: sa.Engine) -> list[tuple[str, str]]:
    with _reading(engine) as session:
        rows = session.execute(sa.select(Person.id, Person.full_name).order_by(Person.id))
        return [(row.id[0], row.full_name) for row in rows]


def _events(engine: sa.Engine) -> list[str]:
    with _reading(engine) as session:
        return list(session.scalars(sa.select(AuditEntry.event).order_by(AuditEntry.seq)))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_without_an_entry_is_not_committed(kept: sa.Engine, change: str) -> None:
    with UnitOfWork(kept, NOON) as uow:
        CHANGES[change](uow.session)
        with pytest.raises(UnauditedChange, match="person"):
            uow.commit()

    assert _people(kept) == [("a", "R. Okafor")]
    assert _events(kept) == ["person_added"]


@pytest.mark.parametrize("commit", COMMITS)
def test_there_is_no_other_way_to_commit(kept: sa.Engine, commit: str) -> None:
    with UnitOfWork(kept, NOON) as uow:
        _by_attribute(uow.session)
        with pytest.raises(UnauditedChange, match="person"):
            COMMITS[commit](uow)

    assert _people(kept) == [("a", "R. Okafor")]


def test_an_entry_that_was_not_written_does_not_cover_a_commit(kept: sa.Engine) -> None:
    with UnitOfWork(kept, NOON) as uow:
        _by_attribute(uow.session)
        enter(uow, "person_renamed")
        with pytest.raises(UnauditedChange):
            uow.session.commit()

    assert _people(kept) == [("a", "R. Okafor")]


def test_one_entry_covers_one_commit(engine: sa.Engine) -> None:
    with UnitOfWork(engine, NOON) as uow:
        _by_attribute(uow.session)
        enter(uow, "person_renamed")
        uow.commit()
        _by_object(uow.session)
        with pytest.raises(UnauditedChange):
            uow.commit()

    assert _people(engine) == [("a", "Somebody Else")]
    assert _events(engine) == ["person_added", "person_renamed"]


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_change_with_an_entry_is_committed(
    engine_at: Callable[[str], sa.Engine], sqlite_url: str, change: str
) -> None:
    engine = _with_a_person(engine_at(sqlite_url))
    with UnitOfWork(engine, NOON) as uow:
        CHANGES[change](uow.session)
        enter(uow, "person_changed")
        uow.commit()

    assert _people(engine) != [("a", "R. Okafor")]
    assert _events(engine) == ["person_added", "person_changed"]


def test_reading_with_a_lock_is_no_change(kept: sa.Engine) -> None:
    with UnitOfWork(kept, NOON) as uow:
        uow.session.scalars(sa.select(Person).with_for_update()).all()
        uow.session.scalars(sa.select(Person).with_for_update(key_share=True)).all()
        uow.commit()


def test_leaving_without_a_commit_leaves_nothing(kept: sa.Engine) -> None:
    with UnitOfWork(kept, NOON) as uow:
        _by_object(uow.session)
        enter(uow, "person_added")

    assert _people(kept) == [("a", "R. Okafor")]
    assert _events(kept) == ["person_added"]


def test_the_exempt_tables_are_named() -> None:
    assert set(_EXEMPT) == unit_of_work.EXEMPT_TABLES
    assert unit_of_work._TRAIL_TABLES == _TRAILS
    assert set(_EXEMPT) | _TRAILS <= set(Base.metadata.tables)


def test_an_exempt_table_needs_no_entry(engine: sa.Engine) -> None:
    with UnitOfWork(engine, NOON) as uow:
        uow.session.add(Throttle(key="k", failures=1, last_at=NOON, wait_until=NOON))
        uow.session.add(
            Operation(id="o" * 16, person_id="a", fingerprint=b"f", location="/", at=NOON)
        )
        uow.commit()

    assert _events(engine) == ["person_added"]


def test_every_other_table_is_noticed(kept: sa.Engine) -> None:
    for name in sorted(set(Base.metadata.tables) - set(_EXEMPT) - _TRAILS - _ONLY_COMES):
        with UnitOfWork(kept, NOON) as uow:
            uow.session.execute(sa.delete(Base.metadata.tables[name]))
            with pytest.raises(UnauditedChange, match=name):
                uow.commit()


def _act(engine: sa.Engine, *events: str) -> None:
    with UnitOfWork(engine, NOON) as uow:
        for event in events:
            enter(uow, event)
        uow.commit()


def test_the_trail_adds_up_from_its_stored_bytes(engine: sa.Engine) -> None:
    for number in range(1, 18):
        _act(engine, *[f"event_{number}"] * (number % 3 + 1))
        assert _faults(engine) == []
    with _reading(engine) as session:
        head = session.get_one(AuditHead, "installation")
    assert head.size == len(_events(engine)) > 17


def test_the_reader_knows_the_published_root() -> None:
    leaf = b"\x00" * 32
    assert root_of([]).hex().startswith("e3b0c44298fc1c14")
    assert root_of([leaf]) == leaf
    assert root_of([leaf] * 3) != root_of([leaf] * 2)


TAMPERINGS = {
    "another event": ("audit_entry", "event = 'nothing'", "event is not what its bytes say"),
    "another person": ("audit_entry", "person_id = 'x'", "person_id is not what its bytes say"),
    "another number": ("audit_entry", "seq = seq + 7", "its numbers have a gap"),
    "another size": ("audit_head", "size = 2", "its head counts 2 entries of 3"),
    "other bytes": (
        "audit_entry",
        "body = CAST('{}' AS BLOB)",
        "its leaf is not the hash of its bytes",
    ),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_planted_change_of_the_past_is_found(
    engine_at: Callable[[str], sa.Engine], sqlite_url: str, tampering: str
) -> None:
    table, change, told = TAMPERINGS[tampering]
    engine = engine_at(sqlite_url)
    _act(engine, "one", "two", "three")
    where = " WHERE seq = 3" if table == "audit_entry" else ""
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_entry_no_update")
        connection.exec_driver_sql(f"UPDATE {table} SET {change}{where}")
    assert any(told in fault for fault in _faults(engine))


_KILLED = """
import os, sys
import sqlalchemy as sa
from pharmacy.persistence.engine import make_engine
from pharmacy.persistence.unit_of_work import UnitOfWork
from tests.architecture.trails import NOON, a_person, enter
engine = make_engine(sys.argv[1])
with UnitOfWork(engine, NOON) as uow:
    uow.session.add(a_person(id="c" * 32, user_name="c"))
    enter(uow, "person_killed")
    if sys.argv[2] == "before":
        sa.event.listen(engine, "commit", lambda connection: os._exit(9))
    uow.commit()
    os._exit(9)
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_between_entry_and_commit_leaves_neither(engine: sa.Engine, moment: str) -> None:
    url = engine.url.render_as_string(hide_password=False)
    program = [sys.executable, "-c", _KILLED, url, moment]
    ended = subprocess.run(
        program, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )

    assert ended.returncode == 9
    both = moment == "after"
    assert len(_people(engine)) == (2 if both else 1)
    assert _events(engine) == ["person_added", *(["person_killed"] if both else [])]
    _act(engine, "next")
    assert _faults(engine) == []
