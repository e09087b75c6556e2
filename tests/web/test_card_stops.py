"""From the coordinator's page to the nurse's Stop: a card that no longer counts. A11, K8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.browsing import Browser, path_of, words
from tests.support.builders import Trial, blinded_app, make_trial
from tests.support.cards import participant_id

OpenAs = Callable[[str], Browser]
_STOPS = {
    "replace-card": "Stop. This card was replaced.",
    "revoke-card": "Stop. This card no longer counts.",
}


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def open_as(trial: Trial, sqlite_url: str, tmp_path: Path) -> OpenAs:
    app = blinded_app(trial, sqlite_url, tmp_path)
    return lambda name: Browser(app, f"{name}.test")


def ended(trial: Trial, coordinator: Browser, by: str) -> None:
    """The coordinator ends the card of M-002."""
    page = f"/study/{trial.study_id}/participants/{participant_id(trial)}/{by}"
    assert coordinator.fill(page, reason="lost").status_code == 303


def confirmed(trial: Trial, nurse: Browser, bag_id: str, card: str) -> str:
    """The path of the scan whose participant was confirmed by this card."""
    scan = f"/study/{trial.study_id}/scan"
    answer = nurse.fill(scan, code=trial.code(bag_id), method="scanner", typed_reason="")
    page = path_of(answer)
    nurse.fill(page, f"{page}/person", card=card, spoken_confirmed="y")
    return page


@pytest.mark.parametrize("by", _STOPS)
def test_the_old_card_stops_the_nurse_and_the_new_one_goes(
    trial: Trial, open_as: OpenAs, by: str
) -> None:
    bag_id, old = trial.ready_bag(), trial.card()
    coordinator, nurse = open_as("coordinator"), open_as("nurse")
    ended(trial, coordinator, by)
    said = nurse.get(confirmed(trial, nurse, bag_id, old))
    assert 'data-verdict="stop"' in said
    assert _STOPS[by] in words(said)
    assert "I have not started it" in words(said)
    assert "205-555-0142" in words(said)
    for who in ("coordinator", "pharmacist"):
        assert _STOPS[by] in words(open_as(who).get(f"/study/{trial.study_id}/stops"))
    if by == "revoke-card":
        ended(trial, coordinator, "replace-card")
    said = words(nurse.get(confirmed(trial, nurse, bag_id, trial.card())))
    assert "Go. Right bag, right person." in said


@pytest.mark.parametrize("by", _STOPS)
def test_start_is_refused_once_the_card_has_ended(trial: Trial, open_as: OpenAs, by: str) -> None:
    """K9: the Go stands on the phone while the coordinator ends the card."""
    bag_id, nurse = trial.ready_bag(), open_as("nurse")
    page = confirmed(trial, nurse, bag_id, trial.card())
    hidden = nurse.form(nurse.get(page), f"{page}/start")
    trial.clock.move(minutes=1)
    ended(trial, open_as("coordinator"), by)
    assert _STOPS[by] in words(nurse.follow(nurse.send(f"{page}/start", hidden)))
    nurse.get(f"/study/{trial.study_id}/infusion/{bag_id}", status=404)
