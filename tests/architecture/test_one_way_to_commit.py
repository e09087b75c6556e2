"""Wall 7: nothing in the product goes round the unit of work, and verbs never commit (E5)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.source import Source, name_of, places, planted, product

# What goes round the unit of work: a session or a connection of one's own, the driver itself.
_ROUND_ABOUT = frozenset(
    {
        "Session",
        "create_engine",
        "cursor",
        "dbapi_connection",
        "driver_connection",
        "exec_driver_sql",
        "get_bind",
        "make_engine",
        "raw_connection",
        "scoped_session",
        "sessionmaker",
    }
)
_MAY_GO_ROUND = {
    ("pharmacy/app.py", "make_engine"): "hands the one engine to the units of work",
    ("pharmacy/cli/user.py", "make_engine"): "hands it to its one unit of work",
    ("pharmacy/demo/__init__.py", "get_bind"): "asks which file the practice database is",
    ("pharmacy/demo/__init__.py", "make_engine"): "hands a draft's engine to the units of work",
    ("pharmacy/persistence/backups.py", "make_engine"): "reads one snapshot",
    ("pharmacy/persistence/restoring.py", "make_engine"): "fills an empty database as its owner",
    ("pharmacy/persistence/engine.py", "create_engine"): "makes it",
    ("pharmacy/persistence/engine.py", "exec_driver_sql"): "begins a transaction on SQLite",
    ("pharmacy/persistence/migrating.py", "exec_driver_sql"): "asks SQLite for its own findings",
    ("pharmacy/persistence/migrating.py", "make_engine"): "as the owner of the tables",
    ("pharmacy/persistence/unit_of_work.py", "Session"): "is the unit of work",
    ("pharmacy/persistence/unit_of_work.py", "get_bind"): "reads what is committed",
    (
        "migrations/versions/0017_withdrawals_and_deviations.py",
        "get_bind",
    ): "asks what a downgrade of signed records would lose",
    ("migrations/versions/0002_append_only_trails.py", "get_bind"): "asks which database it is",
    ("migrations/versions/0003_the_nurses_phone.py", "get_bind"): "asks which database it is, "
    "and what a downgrade would lose",
    ("migrations/versions/0003_the_nurses_phone.py", "exec_driver_sql"): "counts what a downgrade "
    "would lose",
    ("migrations/versions/0006_breaking_a_code.py", "get_bind"): "asks which database it is, "
    "and what a downgrade would lose",
    ("pharmacy/cli/notices.py", "make_engine"): "hands it to its units of work",
    ("pharmacy/cli/secrets.py", "make_engine"): "hands it to its units of work",
    (
        "migrations/versions/0005_where_a_list_came_from.py",
        "get_bind",
    ): "asks which database it is, and what a downgrade would lose",
    (
        "migrations/versions/0007_baseline_factors.py",
        "get_bind",
    ): "asks which database it is, and what a downgrade would lose",
    (
        "migrations/versions/0011_assessments_signed_complete.py",
        "get_bind",
    ): "asks which database it is, and what a downgrade would lose",
    (
        "migrations/versions/0013_growing_lists.py",
        "get_bind",
    ): "asks which database it is, and what a downgrade would lose",
    ("migrations/versions/0016_passkeys.py", "get_bind"): "asks which database it is, "
    "and what a downgrade would lose",
    ("migrations/versions/0008_second_factors.py", "get_bind"): "asks what a downgrade would lose",
    ("migrations/versions/0008_second_factors.py", "exec_driver_sql"): "counts what a downgrade "
    "would lose",
    (
        "migrations/versions/0018_links_between_key_versions.py",
        "get_bind",
    ): "asks what a downgrade would lose",
    (
        "migrations/versions/0018_links_between_key_versions.py",
        "exec_driver_sql",
    ): "counts what a downgrade would lose",
    ("migrations/versions/0009_key_versions.py", "get_bind"): "asks what a downgrade would lose",
    ("migrations/versions/0009_key_versions.py", "exec_driver_sql"): "counts what a downgrade "
    "would lose",
    (
        "migrations/versions/0012_recovery_and_server_secrets.py",
        "get_bind",
    ): "asks what a downgrade would lose",
    (
        "migrations/versions/0014_code_break_cards_and_drill.py",
        "get_bind",
    ): "asks what a downgrade would lose",
    ("migrations/versions/0015_going_live.py", "get_bind"): "asks which database it is, and what "
    "a downgrade would lose",
    ("migrations/versions/0015_going_live.py", "exec_driver_sql"): "counts what a downgrade "
    "would lose",
    (
        "migrations/versions/0021_decisions_about_a_weight.py",
        "get_bind",
    ): "asks which database it is, and what a downgrade would lose",
    ("migrations/versions/0020_void_plans.py", "get_bind"): "asks what a downgrade would lose",
    ("migrations/versions/0020_void_plans.py", "exec_driver_sql"): "counts what a downgrade "
    "would lose",
    ("migrations/versions/0019_the_end_of_a_study.py", "get_bind"): "asks which database it is, "
    "and what a downgrade would lose",
}


def ways_round(sources: tuple[Source, ...]) -> list[str]:
    """Calls that reach the database without the unit of work and without a reason given here."""
    return [
        f"{source.path}:{node.lineno}: {where} calls {name_of(node.func)}()"
        for source in sources
        for where, node in places(source.tree)
        if isinstance(node, ast.Call)
        and name_of(node.func) in _ROUND_ABOUT
        and (source.path, name_of(node.func)) not in _MAY_GO_ROUND
    ]


def test_nothing_goes_round_the_unit_of_work() -> None:
    assert ways_round(product()) == []


@pytest.mark.parametrize(
    "text",
    [
        "Session(engine).commit()",
        "def f(act):\n    act.uow.session.get_bind().begin()",
        "with engine.raw_connection() as c: c.cursor().execute('DELETE FROM person')",
        "session.connection().exec_driver_sql('COMMIT')",
        "import sqlalchemy.orm as o\no.sessionmaker(engine)",
    ],
)
def test_a_planted_way_round_is_found(tmp_path: Path, text: str) -> None:
    assert ways_round(product(planted(tmp_path, {"pharmacy/services/a.py": text}))) != []


def verbs_that_commit(sources: tuple[Source, ...]) -> list[str]:
    """Commits below the views: a verb takes the unit of work and never commits."""
    rooms = ("pharmacy/services/", "pharmacy/domain/", "pharmacy/persistence/")
    return [
        f"{source.path}:{node.lineno}: {where} commits"
        for source in sources
        if source.path.startswith(rooms) and source.path != "pharmacy/persistence/unit_of_work.py"
        for where, node in places(source.tree)
        if isinstance(node, ast.Call) and name_of(node.func) == "commit"
    ]


def test_verbs_never_commit() -> None:
    assert verbs_that_commit(product()) == []


def test_a_planted_commit_in_a_verb_is_found(tmp_path: Path) -> None:
    text = "def leave(act):\n    act.uow.commit()\n"
    found = verbs_that_commit(product(planted(tmp_path, {"pharmacy/services/a.py": text})))
    assert found == ["pharmacy/services/a.py:2: leave commits"]
