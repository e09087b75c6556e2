"""`user add`: the operator makes an account, and the link on the terminal opens it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ADA = ("--user-name", "a.admin", "--name", "Ada Admin", "--initials", "AA")


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "instance"


def run(instance: Path, *words: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TWINBAG")}
    return subprocess.run(
        [sys.executable, "-m", "pharmacy", *words, "--instance", str(instance)],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_administrator_and_others_are_added(instance: Path) -> None:
    """G19, F7: a link and no password; the first account must be an administrator's."""
    assert run(instance, "db", "upgrade").returncode == 0
    refused = run(instance, "user", "add", *ADA)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "must be an administrator's" in refused.stderr
    added = run(instance, "user", "add", *ADA, "--administrator")
    assert added.returncode == 0, added.stderr
    link = re.search(r"http://127\.0\.0\.1:8000/password/([0-9a-f]{48})\n", added.stdout)
    assert link is not None
    stored = b"".join(path.read_bytes() for path in instance.glob("*.db*"))
    assert b"a.admin" in stored
    assert link[1].encode() not in stored
    again = run(instance, "user", "add", *ADA, "--administrator")
    assert again.returncode == 1
    assert "is or was somebody's" in again.stderr
    assert "Traceback" not in again.stderr


def test_without_a_database_it_says_what_to_do(instance: Path) -> None:
    """Operators: a sentence and exit 2, and no empty database left behind."""
    refused = run(instance, "user", "add", *ADA, "--administrator")
    assert refused.returncode == 2
    assert "db upgrade" in refused.stderr
    assert not list(instance.glob("*.db"))
