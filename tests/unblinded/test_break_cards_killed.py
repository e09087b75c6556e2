"""Printing a code-break card killed at any step: a paper with an arm implies the entry (K8, D6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmacy.services.act import Act
from pharmacy.unblinded import break_cards, envelope
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.warrants import Warrant
from tests.support.killing_openings import Killing, kill_everywhere
from tests.support.lit_builders import LitStudy, open_study

SALINE = "sodium chloride 0.9% (placebo)"


def printing(study: LitStudy) -> tuple[str, dict[str, str]]:
    """Where the form of a card goes, and what it says."""
    with study.trial.look("pharmacist") as act:
        (one,) = break_cards.table(act)
    path = f"/lit/{study.study_id}/break-cards/{one.id}/pharmacy/print"
    return path, {"seal_number": "TE-1", "custodian": "T. Lang", "place": "Safe", "reason": ""}


@pytest.fixture
def killing(sqlite_url: str, tmp_path: Path) -> Killing:
    """A filled form of an open room, in one file of which each kill gets a copy."""
    study = open_study(sqlite_url, enrolled=("M-002",))
    path, fields = printing(study)
    return Killing(study, tmp_path, path, fields, break_cards, SALINE, "break_card_printed")


def test_what_is_printed_is_written_down_whenever_it_is_killed(killing: Killing) -> None:
    """Sent again, the same form gives the same one card, and each paper has its entry."""
    killed = kill_everywhere(killing)
    assert killed.faults == []
    assert killed.kills >= 20, "too few steps were met"
    assert 0 < killed.opened <= killed.kills, "no step was met after the opening"
    assert killed.rows["break_card"] == {1}


def _writes_down_afterwards(
    act: Act, room: OpenRoom, _event: str, subject: str, reason: str, **_facts: object
) -> Warrant:
    return Warrant(act.in_study.id, 0, act.person.id, subject, reason)


def test_a_planted_opening_without_a_committed_entry_is_found(
    killing: Killing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: nothing is committed before, and the act does not ask for it."""
    monkeypatch.setattr(break_cards, "commit_warrant", _writes_down_afterwards)
    monkeypatch.setattr(envelope, "_check", lambda *_: None)
    faults = kill_everywhere(killing, to_first_fault=True).faults
    assert any("opened and not written down" in fault for fault in faults), faults
