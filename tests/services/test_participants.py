"""Registering by code, weighing in kilograms, and what stands on a participant's page. D2, H10."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pharmacy.domain.bag_code import Piece, parse_code
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.persistence import participants as rows
from pharmacy.services import participant_pages, participants
from tests.support.builders import Trial, make_trial
from tests.support.cards import replace_card, revoke_card


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def wrong(trial: Trial, verb: Callable[..., Any], *args: Any) -> dict[str, str]:
    with pytest.raises(BadForm) as refused:
        trial.do("coordinator", verb, *args)
    return refused.value.errors


def test_a_participant_is_a_code_with_consent_and_a_card(trial: Trial) -> None:
    participant_id = trial.register("M-002")
    with trial.look("coordinator") as act:
        found = participants.find(act, participant_id)
        assert (found.code, found.state) == ("M-002", "registered")
    assert parse_code(trial.card("M-002")).piece is Piece.CARD
    assert trial.events()[0].event == "participant_registered"


@pytest.mark.parametrize("code", ["", "m-002", "M 002", "J. DOE", "M-00000000002", "-M2", "M_2"])
def test_what_is_no_code_is_refused(trial: Trial, code: str) -> None:
    assert "code" in wrong(trial, participants.register, code, trial.today())


def test_a_code_is_given_once_and_consent_is_not_in_the_future(trial: Trial) -> None:
    trial.register("M-002")
    errors = wrong(trial, participants.register, "M-002", trial.today() + timedelta(days=1))
    assert errors["code"] == "This code is taken in this study."
    assert errors["consented_on"] == "Consent cannot be in the future."


@pytest.mark.parametrize("text", ["155 lb", "70,5", "-70", "400", "70.55", "7e1", "", "seventy"])
def test_a_weight_that_cannot_be_dosed_on_is_refused(trial: Trial, text: str) -> None:
    """D2: pounds, comma, sign, out of range; nothing is kept."""
    participant_id = trial.register()
    errors = wrong(trial, participants.weigh, participant_id, text, trial.today(), "C. Lindqvist")
    assert errors["weight_kg"].endswith("for example 70.5.")
    with trial.look("coordinator") as act:
        assert rows.weights(act.uow.session, participant_id) == []


def test_all_that_is_wrong_is_said_at_once(trial: Trial) -> None:
    participant_id = trial.register()
    tomorrow = trial.today() + timedelta(days=1)
    errors = wrong(trial, participants.weigh, participant_id, "70,5", tomorrow, " ")
    assert set(errors) == {"weight_kg", "measured_on", "measured_by"}


def test_a_correction_is_another_weighing_with_the_old_value_in_the_trail(trial: Trial) -> None:
    """E3: old and new value, who, when."""
    participant_id = trial.register()
    trial.weigh(participant_id, "95")
    trial.clock.move(minutes=1)
    trial.weigh(participant_id, "59.6")
    with trial.look("coordinator") as act:
        found = rows.weights(act.uow.session, participant_id)
    assert [str(row.weight_kg) for row in found] == ["59.6", "95"]
    assert b'"old":"95"' in trial.events()[0].body


def test_only_the_coordinator_enrols(trial: Trial) -> None:
    participant_id = trial.register()
    for who in ("investigator", "nurse", "monitor", "pharmacist"):
        for verb, args in (
            (participants.register, ("M-777", trial.today())),
            (participants.weigh, (participant_id, "70", trial.today(), "X. Y")),
        ):
            with pytest.raises(Refusal) as refused:
                trial.do(who, verb, *args)
            assert refused.value.status == 403


def next_step(trial: Trial, participant_id: str) -> str:
    with trial.look("coordinator") as act:
        return participant_pages.sheet(act, participant_id).line.next_step


def test_the_next_step_follows_the_work(trial: Trial) -> None:
    participant_id = trial.register()
    steps = [next_step(trial, participant_id)]
    trial.weigh(participant_id)
    steps.append(next_step(trial, participant_id))
    trial.eligible(participant_id)
    steps.append(next_step(trial, participant_id))
    trial.allocate(participant_id)
    steps.append(next_step(trial, participant_id))
    order_id = trial.order(participant_id)
    steps.append(next_step(trial, participant_id))
    course_id = trial.plan(order_id)
    steps.append(next_step(trial, participant_id))
    trial.release(trial.bags(course_id)[0].id)
    steps.append(next_step(trial, participant_id))
    trial.clock.move(hours=2)
    steps.append(next_step(trial, participant_id))
    assert steps == [
        "Enter a weight",
        "Investigator signs eligibility",
        "Pharmacy gives the place; investigator signs an order",
        "Investigator signs the order for Week 0, due 2 Mar 2026",
        "Pharmacy plans Week 0, first day 2 Mar 2026",
        "Week 0: day 1 of 2, planned",
        # Released in the row, but its scheduled moment has not come (B10).
        "Week 0: day 1 of 2, planned",
        "Week 0: day 1 of 2, released",
    ]


def test_without_a_card_a_new_one_comes_first(trial: Trial) -> None:
    """A11: no bag can be started before; whoever left the study gets none."""
    participant_id = trial.enrolled()
    revoke_card(trial)
    assert next_step(trial, participant_id) == "Coordinator makes a new card"
    trial.clock.move(minutes=1)
    replace_card(trial, reason="")
    assert next_step(trial, participant_id).startswith("Investigator signs the order")
    revoke_card(trial, reason="left_study")
    assert next_step(trial, participant_id) == "Nothing: left the study, no card"


def test_visits_are_counted_from_the_place_and_told_as_they_stand(trial: Trial) -> None:
    participant_id = trial.enrolled()
    trial.clock.move(days=32)
    with trial.look("monitor") as act:
        visits = participant_pages.sheet(act, participant_id).visits
    assert [visit["state"] for visit in visits[:3]] == ["late", "late", "planned"]
    assert visits[1]["date"] == "30 Mar 2026"
    assert visits[1]["note"] == "window 27 Mar to 2 Apr 2026"
    trial.clock.move(days=-3)
    with trial.look("monitor") as act:
        assert participant_pages.sheet(act, participant_id).visits[1]["state"] == "due"


def test_without_a_place_there_are_no_dates(trial: Trial) -> None:
    participant_id = trial.register()
    with trial.look("monitor") as act:
        sheet = participant_pages.sheet(act, participant_id)
    assert sheet.visits[1]["date"] == "day 28 from the place"
    assert {visit["state"] for visit in sheet.visits} == {"planned"}


def test_a_nurse_reads_no_participants_page(trial: Trial) -> None:
    participant_id = trial.register()
    for who in ("nurse", "pharmacist"):
        with pytest.raises(Refusal) as refused, trial.look(who) as act:
            participant_pages.sheet(act, participant_id)
        assert refused.value.status == 403
