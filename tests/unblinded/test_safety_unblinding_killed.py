"""A safety unblinding killed at any step: a letter with an arm implies its entries (K8, D6).

That the harness finds an opening that nobody wrote down is shown with the cards'.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmacy.unblinded import safety_unblinding
from tests.support.builders import PASSWORD
from tests.support.killing_openings import Killing, kill_everywhere
from tests.support.lit_builders import open_study

SALINE = "sodium chloride 0.9% (placebo)"


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
    return Killing(study, tmp_path, path, fields, safety_unblinding, SALINE, "")


def test_what_is_told_is_written_down_whenever_it_is_killed(killing: Killing) -> None:
    """Sent again, the same form is one request; each letter has its openings and its showing."""
    killed = kill_everywhere(killing)
    assert killed.faults == []
    assert killed.kills >= 20, "too few steps were met"
    assert 0 < killed.opened < killed.kills, "no step was met between opening and answer"
