"""What an operator runs on a laptop reads neither the database's libraries nor the web's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_HEAVY = ("flask", "sqlalchemy", "alembic", "cryptography", "reportlab")
_LIST = _ROOT / "tests" / "data" / "redcap"
_MIGHT = "pharmacy/protocols/might.toml"
_RULES = "pharmacy/unblinded/list_rules/might.toml"
# Runs a command line as `python -m pharmacy` would, then says which libraries it has read.
_RUN = """
import sys
from pharmacy.cli import cli
cli(sys.argv[1:], standalone_mode=False)
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def _read_by(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stderr.split()) & set(_HEAVY)


@pytest.mark.parametrize(
    "command",
    [
        ["plan", "--protocol", _MIGHT, "--weight", "59.6", "--json"],
        ["list", "check", str(_LIST / "might_open.csv"), "--rules", _RULES],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_command_without_a_database_reads_no_library_of_one(command: list[str]) -> None:
    assert _read_by(*command) == set()


def test_the_question_can_be_answered_with_yes() -> None:
    """The same question finds what `label sample`, `protocol check` and the whole help do read."""
    assert "reportlab" in _read_by("protocol", "check", _MIGHT)
    assert "sqlalchemy" in _read_by("label", "sample", "--help")
    assert _read_by("--help") >= {"sqlalchemy", "cryptography"}


def test_help_names_every_noun_with_its_short_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pharmacy", "--help"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = [line.split(maxsplit=1) for line in done.stdout.partition("Commands:")[2].splitlines()]
    told = {line[0]: line[1] for line in lines if len(line) == 2}
    assert set(told) >= {"db", "label", "list", "plan", "protocol", "serve", "user"}


def test_an_unknown_noun_is_a_usage_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pharmacy", "stock"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "No such command 'stock'" in done.stderr
