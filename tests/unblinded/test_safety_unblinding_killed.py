"""A safety unblinding killed at any step: a letter with an arm implies its entries (K8, D6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmacy.persistence import participants
from pharmacy.services.act import Act
from pharmacy.unblinded import envelope, safety_unblinding
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.safety_unblinding import Told
from pharmacy.unblinded.warrants import Warrant
from tests.support.builders import PASSWORD
from tests.support.killing_openings import Killing, kill_everywhere
from tests.support.lit_builders import open_study

LETTER = "receives sodium chloride 0.9% (placebo)"


@pytest.fixture
def killing(sqlite_url: str, tmp_path: Path) -> Killing:
    """A filled request of an open room, in one file of which each kill gets a copy."""
    study = open_study(sqlite_url, enrolled=("M-002",))
    with study.trial.look("pharmacist") as act:
        ((participant_id, _code),) = safety_unblinding.who(act)
    fields = {
        "kind": "report",
        "participant": participant_id,
        "name": "Dr. Lee",
        "organisation": "County Hospital",
        "role": "physician",
        "contact": "205-555-0177",
        "said": "Serious event",
        "second_user_name": "checker.test",
        "second_password": PASSWORD,
        "password": PASSWORD,
    }
    path = f"/lit/{study.study_id}/safety/new"
    return Killing(study, tmp_path, path, fields, safety_unblinding, LETTER, "", before=2)


def test_what_is_told_is_written_down_whenever_it_is_killed(killing: Killing) -> None:
    """Sent again, the same form is one request; each letter has its openings and its showing."""
    killed = kill_everywhere(killing)
    assert killed.faults == []
    assert killed.kills >= 20, "too few steps were met"
    assert 0 < killed.opened < killed.kills, "no step was met between opening and answer"


def test_a_planted_opening_before_its_entries_are_committed_is_found(
    killing: Killing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the envelope is opened first, and the act does not ask for what is written."""
    tell = safety_unblinding._tell

    def opening_first(act: Act, room: OpenRoom, form: str, kind: str, codes: list[str]) -> Told:
        warrant = Warrant(act.in_study.id, 0, act.person.id, "", kind)
        for code in codes:
            one = participants.by_code(act.uow.session, act.in_study.id, code)
            assert one is not None
            safety_unblinding.open_envelope(act, room, warrant, one.id)
        return tell(act, room, form, kind, codes)

    monkeypatch.setattr(safety_unblinding, "_tell", opening_first)
    monkeypatch.setattr(envelope, "_check", lambda *_: None)
    faults = kill_everywhere(killing, to_first_fault=True).faults
    assert any("opened and not written down" in fault for fault in faults), faults
