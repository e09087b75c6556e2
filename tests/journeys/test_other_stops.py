"""The Stops that the main journey does not meet on its way, scanned at a phone: a replaced label,
another study's bag, a bag too late to start, and practice and live mixed up (K8, A11).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pharmacy.domain.bag_code import Piece, make_code
from pharmacy.domain.roles import Role
from pharmacy.services import people
from tests.domain.protocols import SECOND_FILE
from tests.journeys.blinded_work import leaves_the_stop
from tests.journeys.serving import ServedChance, serving
from tests.journeys.visitor import PHONE, Visitor, Windows
from tests.support.builders import PASSWORD, Trial, add_study, blinded_app, make_live, make_trial
from tests.support.world import Clock


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url, Clock(), ServedChance("other stops"))


@pytest.fixture
def nurse(
    trial: Trial, sqlite_url: str, tmp_path: Path, visit: Windows
) -> Iterator[Visitor]:
    """The nurse's phone, at a server without the lit room."""
    with serving(blinded_app(trial, sqlite_url, tmp_path)) as address:
        yield visit(address, PHONE)
        visit.close()


def stopped(trial: Trial, nurse: Visitor, text: str, sentence: str) -> None:
    """The hand scanner at the scan page of the trial's study, and the Stop it gives."""
    nurse.open(f"/study/{trial.study_id}/scan")
    nurse.scan(text)
    leaves_the_stop(nurse, sentence)


def test_each_of_the_other_stops(trial: Trial, nurse: Visitor) -> None:
    bag_id = trial.ready_bag()
    home, replaced = trial.study_id, trial.code(bag_id)
    trial.replace_code(bag_id)
    code, live = trial.code(bag_id), make_code(b"0123456789", False, Piece.OUTER_COVER)
    trial.study_id = add_study(trial, SECOND_FILE.read_text())
    with trial.act("administrator") as act:
        people.give_roles(act, trial.ids["nurse"], trial.study_id, frozenset({Role.NURSE}))
    nurse.sign_in("nurse.test", PASSWORD)
    stopped(trial, nurse, code, "Stop. This bag belongs to another study.")
    trial.study_id = home
    stopped(trial, nurse, replaced, "Stop. This label was replaced.")
    stopped(trial, nurse, live, "Stop. This label is from another kind of study.")
    trial.clock.move(hours=3)
    nurse.sign_in("nurse.test", PASSWORD)
    stopped(trial, nurse, code, "Stop. It is too late to start this bag.")
    make_live(trial)
    stopped(trial, nurse, code, "Stop. This label is from another kind of study.")
