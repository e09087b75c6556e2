"""The commands of the README on machines that lack something: one sentence and exit status 2."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_SHELL_TOOLS = ("bash", "sh", "env", "make", "test", "true", "touch", "dirname")
_NOBODY = 65534


@pytest.fixture
def bare_path() -> Iterator[Path]:
    """A folder with the shell's own tools and nothing else, to be a program's whole PATH."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for tool in _SHELL_TOOLS:
            found = shutil.which(tool)
            assert found, f"{tool} is missing on this machine"
            (folder / tool).symlink_to(found)
        shutil.copy(_ROOT / "tests" / "install", folder / "install")
        yield folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what `make` reads, without a virtual environment."""
    folder = tmp_path / "checkout"
    (folder / "tests").mkdir(parents=True)
    for name in ("Makefile", "requirements.txt", "tests/requirements.txt", "tests/install"):
        shutil.copy(_ROOT / name, folder / name)
    return folder


def _run(
    arguments: list[str | Path],
    path: Path,
    folder: Path = Path("/"),
    pg_bin: str = "/nowhere",
    **as_user: Any,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=folder,
        env={"PATH": str(path), "HOME": str(folder), "PG_BIN": pg_bin},
        check=False,
        **as_user,
        capture_output=True,
        text=True,
        timeout=60,
    )


def _program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _install(bare_path: Path, **as_user: Any) -> subprocess.CompletedProcess[str]:
    return _run([bare_path / "install"], bare_path, **as_user)


def test_missing_packages_are_named_where_there_is_no_apt(bare_path: Path) -> None:
    done = _install(bare_path)
    assert done.returncode == 2
    assert done.stderr == (
        "The tests need these Debian packages: chromium git postgresql. "
        "Install them with: apt-get install chromium git postgresql\n"
    )


def test_only_what_is_missing_is_named(bare_path: Path) -> None:
    _program(bare_path, "chromium", "exit 0")
    _program(bare_path, "git", "exit 0")
    done = _install(bare_path)
    assert done.returncode == 2
    assert "packages: postgresql." in done.stderr


def test_a_user_without_the_right_is_told_what_to_install(bare_path: Path) -> None:
    _program(bare_path, "apt-get", "echo asked >&2; exit 1")
    as_nobody = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
    done = _install(bare_path, **(as_nobody if os.geteuid() == 0 else {}))
    assert done.returncode == 2
    assert done.stderr == (
        "The tests need these Debian packages: chromium git postgresql. "
        "This user may not install them. "
        "Install them with: apt-get install chromium git postgresql\n"
    )


def test_a_failing_apt_is_not_skipped_over(bare_path: Path) -> None:
    _with_right(bare_path)
    _program(bare_path, "apt-get", "echo 'E: no such package' >&2; exit 100")
    done = _install(bare_path)
    assert done.returncode == 2
    assert "packages: chromium git postgresql. apt-get could not install them" in done.stderr


def test_an_apt_that_installs_nothing_is_noticed(bare_path: Path) -> None:
    _with_right(bare_path)
    _program(bare_path, "apt-get", "exit 0")
    done = _install(bare_path)
    assert done.returncode == 2
    assert "packages: chromium git postgresql. apt-get installed them, but" in done.stderr


def test_who_may_gets_what_is_missing_and_only_once(bare_path: Path, tmp_path: Path) -> None:
    _with_right(bare_path)
    made = " ".join(map(str, (bare_path / "chromium", bare_path / "git", tmp_path / "initdb")))
    _program(
        bare_path,
        "apt-get",
        f'echo "$@" >> {tmp_path}/asked\n'
        f'case "$*" in *install*) for made in {made}; do\n'
        '  echo "#!/bin/sh" > $made; /bin/chmod +x $made; done;; esac',
    )
    for _time in range(2):
        done = _run([bare_path / "install"], bare_path, pg_bin=str(tmp_path))
        assert done.returncode == 0, done.stderr
    updated, installed = (tmp_path / "asked").read_text().splitlines()
    assert updated.endswith(" update")
    assert installed.endswith(" install -y --no-install-recommends chromium git postgresql")


def _with_right(bare_path: Path) -> None:
    """Whoever runs the tests may install: as root, or by a sudo that asks for nothing."""
    if os.geteuid() != 0:
        _program(bare_path, "sudo", 'shift; exec "$@"')


def test_make_test_ends_with_2_and_runs_no_test_without_its_packages(
    bare_path: Path, checkout: Path
) -> None:
    done = _run(["make", "test"], bare_path, checkout)
    assert done.returncode == 2
    assert "chromium git postgresql" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("target", ["demo", "run"])
def test_no_python_is_one_sentence(bare_path: Path, checkout: Path, target: str) -> None:
    _one_sentence(
        _run(["make", target], bare_path, checkout),
        "Python 3.11 or newer is missing; on Debian: apt install python3 python3-venv",
    )


def test_a_python_too_old_is_one_sentence(bare_path: Path, checkout: Path) -> None:
    """The version is asked of Python itself: one that says it is not new enough is passed over."""
    for name in ("python3", "python3.11"):
        _program(bare_path, name, "exit 1")
    _one_sentence(
        _run(["make", "demo"], bare_path, checkout),
        "Python 3.11 or newer is missing; on Debian: apt install python3 python3-venv",
    )


def test_a_python_without_venv_is_one_sentence(bare_path: Path, checkout: Path) -> None:
    _program(
        bare_path,
        "python3",
        f'case "$2" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac',
    )
    _one_sentence(
        _run(["make", "demo"], bare_path, checkout),
        "The venv module of python3 is missing; on Debian: apt install python3-venv",
    )


def _one_sentence(done: subprocess.CompletedProcess[str], sentence: str) -> None:
    told = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert done.returncode == 2
    assert told == [sentence]
    assert done.stdout == ""


def test_the_ci_run_is_make_test_and_fails_as_it_does(bare_path: Path, tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(_ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    for status in (0, 1):
        _program(bare_path, "told", f"exit {status}")
        (tmp_path / "Makefile").write_text("test:\n\t@echo asked; told\n")
        done = _run([tmp_path / ".ci" / "run"], bare_path)
        assert done.stdout == "asked\n"
        assert (done.returncode == 0) == (status == 0)


def test_help_names_every_target_a_person_types() -> None:
    done = subprocess.run(
        ["make"], cwd=_ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    for target in ("demo", "run", "test", "deep", "swap", "pins", "clean"):
        assert f"make {target} " in done.stdout
