"""The pepper lives outside the database and its backups; a wrong one stops the start."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from config import Config, ConfigError
from pharmacy.app import refuse_wrong_secrets
from pharmacy.persistence.engine import make_engine
from tests.architecture.trails import trail_faults
from tests.support.lit_builders import BREAK_KEY, PEPPER
from tests.support.world import make_config
from tests.system.backup_drill import House

ROOT = Path(__file__).resolve().parents[2]
OTHER = hashlib.sha256(b"another pepper").digest()


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    return make_config(database_url, tmp_path)


def _with(config: Config, **changes: object) -> Config:
    return make_config(config.database_url, config.instance_dir, **changes)


def _entries(config: Config) -> list[str]:
    """The installation's entries, and nothing wrong with its trail."""
    engine = make_engine(config.database_url)
    try:
        with sa.orm.Session(engine.execution_options(reading=True)) as session:
            assert trail_faults(session) == []
            return list(session.scalars(sa.text("SELECT event FROM audit_entry ORDER BY seq")))
    finally:
        engine.dispose()


def test_the_first_start_decides_and_a_wrong_pepper_stops_every_later_one(config: Config) -> None:
    """keys.md: a wrong one stops the start by its fingerprint; the sentence shows neither."""
    assert refuse_wrong_secrets(config)
    assert refuse_wrong_secrets(config)
    assert _entries(config) == ["secret_known"] * 2
    with pytest.raises(ConfigError) as wrong:
        refuse_wrong_secrets(_with(config, pepper=OTHER))
    assert str(wrong.value).startswith("TWINBAG_PEPPER is not the secret that this database ")
    assert "no passphrase would open the lit room" in str(wrong.value)
    assert "secrets.env" in str(wrong.value)
    assert OTHER.hex()[:8] not in str(wrong.value)
    with pytest.raises(ConfigError) as wrong:
        refuse_wrong_secrets(_with(config, break_key=OTHER, lit_room=False))
    assert str(wrong.value).startswith("TWINBAG_BREAK_KEY is not the secret that this database ")
    assert "no investigator could break a code" in str(wrong.value)
    assert refuse_wrong_secrets(_with(config, pepper=OTHER, lit_room=False, code_break=False))
    assert refuse_wrong_secrets(config)
    assert _entries(config) == ["secret_known"] * 2


def test_of_two_first_starts_one_decides(config: Config) -> None:
    told: dict[bytes, object] = {}
    both = threading.Barrier(2)

    def start(pepper: bytes) -> None:
        both.wait()
        try:
            told[pepper] = refuse_wrong_secrets(_with(config, pepper=pepper))
        except ConfigError as wrong:
            told[pepper] = wrong

    threads = [threading.Thread(target=start, args=(pepper,)) for pepper in (PEPPER, OTHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(each).__name__ for each in told.values()) == ["ConfigError", "bool"]
    assert _entries(config) == ["secret_known"] * 2


def test_without_a_database_or_a_schema_nothing_is_compared(tmp_path: Path) -> None:
    """A worker that starts while the database is away is not stopped by that."""
    empty = make_config(f"sqlite:///{tmp_path}/empty.db", tmp_path)
    assert not refuse_wrong_secrets(empty)
    (tmp_path / "empty.db").touch()
    assert not refuse_wrong_secrets(empty)
    away = make_config("postgresql+psycopg://nobody@/none?host=/nowhere", tmp_path)
    assert not refuse_wrong_secrets(away)


def test_pepper_and_break_key_are_in_no_row(config: Config) -> None:
    refuse_wrong_secrets(config)
    engine = make_engine(config.database_url)
    try:
        with engine.connect() as connection:
            query = "SELECT setting, fingerprint FROM known_secret"
            known = dict(row for row in connection.exec_driver_sql(query).fetchall())
    finally:
        engine.dispose()
    assert sorted(known) == ["TWINBAG_BREAK_KEY", "TWINBAG_PEPPER"]
    for setting, secret in (("TWINBAG_PEPPER", PEPPER), ("TWINBAG_BREAK_KEY", BREAK_KEY)):
        kept = bytes(known[setting])
        assert len(kept) == 16
        assert kept not in (secret[:16], hashlib.sha256(secret).digest()[:16])


def test_a_backup_goes_with_its_pepper(
    tmp_path: Path, sqlite_url: str, new_sqlite_url: Callable[[], str]
) -> None:
    """Restored, the database still knows it; a backup under another is not begun."""
    refuse_wrong_secrets(make_config(sqlite_url, tmp_path))
    house = House(tmp_path, sqlite_url)
    file = house.backup()
    restored = new_sqlite_url()
    assert House(tmp_path, restored).run("restore", file).exit_code == 0
    assert refuse_wrong_secrets(make_config(restored, tmp_path))
    with pytest.raises(ConfigError):
        refuse_wrong_secrets(make_config(restored, tmp_path, pepper=OTHER))
    strange = House(tmp_path, sqlite_url, OTHER).run("backup", tmp_path / "strange")
    assert strange.exit_code == 2
    assert strange.stderr.startswith("TWINBAG_PEPPER is not the one that this database was made")
    assert not (tmp_path / "strange").exists()


def test_a_start_with_another_secrets_file_is_one_sentence(tmp_path: Path) -> None:
    """`serve` and a bare WSGI server both stop; with the old file back, the start goes on."""
    secrets = tmp_path / "secrets.env"
    assert _started(tmp_path).returncode == 0
    kept = secrets.read_text()
    pepper = kept.partition("TWINBAG_PEPPER=")[2].splitlines()[0]
    secrets.write_text(kept.replace(pepper, OTHER.hex()))
    refused = _started(tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    (sentence,) = refused.stderr.splitlines()
    assert sentence.startswith("TWINBAG_PEPPER is not the secret that this database ")
    bare = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT,
        env={**_environ(), "TWINBAG_INSTANCE": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (bare.returncode, bare.stderr) == (3, f"{sentence}\n")
    secrets.write_text(kept)
    assert _started(tmp_path).returncode == 0


def test_a_pepper_given_by_the_environment_is_not_made_up_in_the_file(
    tmp_path: Path, sqlite_url: str
) -> None:
    """Else the next start without that environment would take the made-up one."""
    assert House(tmp_path / "new", sqlite_url).run("db", "current").exit_code == 0
    names = [
        line.partition("=")[0]
        for line in (tmp_path / "new" / "secrets.env").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert names == ["TWINBAG_SECRET_KEY", "TWINBAG_BREAK_KEY"]


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "TWINBAG" not in name}


_START = """
import os, sys
from pharmacy.cli import cli
os.execve = lambda *said: sys.exit(0)
cli(["serve", "--instance", sys.argv[1], "--port", sys.argv[2]])
"""


def _started(instance: Path) -> subprocess.CompletedProcess[str]:
    """`serve` until it would become the server."""
    return subprocess.run(
        [sys.executable, "-c", _START, str(instance), str(_free_port())],
        cwd=ROOT,
        env=_environ(),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
