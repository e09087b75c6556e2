"""Void plans and decisions about weights are not lost in a downgrade."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmacy.persistence import migrating, participants
from pharmacy.services import weight_decisions
from tests.support.builders import PASSWORD, Trial, make_trial

_VERSIONS = Path(__file__).resolve().parents[2] / "migrations" / "versions"


def before(name: str) -> str:
    """The revision before the one with this name."""
    (found,) = _VERSIONS.glob(f"????_{name}.py")
    return f"{int(found.name[:4]) - 1:04d}"


def _void(trial: Trial) -> None:
    trial.planned()
    with trial.look("coordinator") as act:
        (row,) = participants.of_study(act.uow.session, trial.study_id)
    trial.clock.move(minutes=1)
    trial.weigh(row.id, "95.6")


def _decided(trial: Trial) -> None:
    participant_id = trial.enrolled()
    trial.clock.move(days=1)
    trial.weigh(participant_id, "95.6")
    with trial.look("investigator") as act:
        newest = participants.weights(act.uow.session, participant_id)[0].id
    signed = (participant_id, newest, "", "fluid", PASSWORD)
    trial.do("investigator", weight_decisions.decide, *signed)


@pytest.mark.parametrize(
    ("made", "name"), [(_void, "void_plans"), (_decided, "decisions_about_a_weight")]
)
def test_a_downgrade_loses_neither(sqlite_url: str, made, name: str) -> None:
    """E5: refused, and nothing is changed."""
    trial = make_trial(sqlite_url)
    made(trial)
    trial.units.close()
    with pytest.raises(migrating.DatabaseUnusable, match="older schema cannot keep"):
        migrating.downgrade(sqlite_url, before(name))
    assert migrating.current(sqlite_url) == migrating.head()
