"""The database's disk is full, measured on a small file system that is really full. D6.

What is checked stands in disk_full_checks.py. It runs in a process of its own, in a mount
namespace of its own, so that nothing stays mounted whatever happens.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import small_disk
from tests.support.nurse_acts import ACTS

_CHECKS = Path(__file__).with_name("disk_full_checks.py")
_SIZE_KB = 8 * 1024
_LIMIT_S = 600


def test_every_button_on_a_full_disk(tmp_path: Path) -> None:
    """D6: a sentence, a sound database, nothing half done, and done once with room again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    pytest_there = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(_CHECKS)]
    done = subprocess.run(
        small_disk.command_on(disk, _SIZE_KB, pytest_there),
        cwd=_CHECKS.parents[2],
        env={**os.environ, "TWINBAG_SMALL_DISK": str(disk)},
        check=False,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ACTS) + 2} passed" in done.stdout, "not every check was run"
    assert list(disk.iterdir()) == [], "the small file system was not its own"


def test_where_nobody_may_mount_it_fails_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that cannot run is no check that passed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssertionError, match="Run the tests as root"):
        small_disk.command_on(tmp_path, _SIZE_KB, ["true"])
