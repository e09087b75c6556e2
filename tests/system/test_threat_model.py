"""The threat model names what is there: every test of it exists and says what the row says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "threat-model.md"
CLAIMS = {f"K{number}" for number in range(1, 15)} | {"B4", "D1"}
_TEST = re.compile(r"`(tests/[a-z_/]+\.py)`")
_ROW = re.compile(r"^\| (K\d+|B4|D1) \|(.*)\|$", re.M)


def named_tests(text: str) -> set[str]:
    """The test files that a page names."""
    return set(_TEST.findall(text))


def missing(text: str) -> set[str]:
    """Those of them that are not there."""
    return {name for name in named_tests(text) if not (ROOT / name).is_file()}


def unproved(text: str) -> set[str]:
    """Claims without a test or a control that the page does not call missing either."""
    shown = {
        claim
        for claim, rest in _ROW.findall(text)
        if _TEST.search(rest) and rest.strip(" |").rsplit("|", 1)[-1].strip()
    }
    said = set(re.findall(r"\bK\d+\b", text.partition("## Not there yet")[2]))
    return CLAIMS - shown - said


def test_every_claim_names_a_test_that_is_there() -> None:
    """K1 to K14, B4 and D1: each has its row, its test and its control."""
    text = PAGE.read_text()
    assert len(named_tests(text)) > 10
    assert missing(text) == set()
    assert unproved(text) == set()


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("tests/crypto/test_aead.py", "tests/crypto/test_dead.py", missing),
        ("| K6 |", "| K66 |", unproved),
    ],
)
def test_a_planted_gap_is_found(old: str, new: str, found: Callable[[str], set[str]]) -> None:
    """A test that is gone, and a claim that nobody shows any more."""
    text = PAGE.read_text().replace(old, new)
    assert found(text)


def test_readme_and_guide_lead_there() -> None:
    assert "docs/threat-model.md" in (ROOT / "README.md").read_text()
    assert "../threat-model.md" in (ROOT / "docs" / "guide" / "index.md").read_text()
