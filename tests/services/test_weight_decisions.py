"""The investigator's signed ways on with a weight over the limit or changed too much (D2)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from pharmacy.domain.dose_plan import DosePlan
from pharmacy.domain.errors import BadForm, Refusal, WrongPassword
from pharmacy.persistence import courses, participants
from pharmacy.persistence.engine import make_engine
from pharmacy.persistence.weight_decisions import WeightDecision, of_weight
from pharmacy.services import departures, participant_pages, plans, weight_decisions
from tests.support.builders import PASSWORD, Trial, make_trial


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def waiting(trial: Trial, weight: str, before: str = "118") -> tuple[str, str]:
    """A participant with a signed order, weighed a week ago and today; and the order."""
    participant_id = trial.enrolled(weight=before)
    trial.clock.move(days=6)
    trial.weigh(participant_id, weight)
    return participant_id, trial.order(participant_id)


def newest(trial: Trial, participant_id: str) -> str:
    with trial.look("investigator") as act:
        return str(participants.weights(act.uow.session, participant_id)[0].id)


def decide(
    trial: Trial, participant_id: str, choice: str = "", reason: str = "", **named: Any
) -> None:
    given = {"weight_id": "", "password": PASSWORD, "who": "investigator", **named}
    trial.do(
        given["who"],
        weight_decisions.decide,
        participant_id,
        given["weight_id"] or newest(trial, participant_id),
        choice,
        reason,
        given["password"],
    )


def plan_of(trial: Trial, order_id: str) -> DosePlan:
    course_id = trial.plan(order_id)
    with trial.look("pharmacist") as act:
        course = courses.course(act.uow.session, course_id)
        assert course is not None
        return plans.plan_of(course)


def refused(trial: Trial, order_id: str) -> str:
    with pytest.raises(Refusal) as refusal:
        trial.plan(order_id)
    return refusal.value.sentence


def next_step(trial: Trial, participant_id: str) -> str:
    with trial.look("investigator") as act:
        return participant_pages.sheet(act, participant_id).line.next_step


@pytest.mark.parametrize(("choice", "grams"), [("dose_as_limit", 240), ("actual", 250)])
def test_a_weight_over_the_limit_is_dosed_as_signed(trial: Trial, choice: str, grams: int) -> None:
    """D2: 125 kg under MIGHT: as 120 kg, or as it is; nothing before the signature."""
    participant_id, order_id = waiting(trial, "125")
    assert "the investigator must sign what to do" in refused(trial, order_id)
    assert next_step(trial, participant_id) == "Investigator decides on the weight"
    decide(trial, participant_id, choice)
    plan = plan_of(trial, order_id)
    assert (plan.weight_kg, plan.course_g) == (125, grams)


def test_a_skipped_course_is_not_planned(trial: Trial) -> None:
    """D2: until somebody weighs again."""
    participant_id, order_id = waiting(trial, "125")
    decide(trial, participant_id, "skip")
    assert "has signed to skip this course" in refused(trial, order_id)
    assert "is skipped on this weight" in next_step(trial, participant_id)
    trial.clock.move(days=1)
    trial.weigh(participant_id, "119")
    assert plan_of(trial, order_id).weight_kg == 119


def test_to_skip_voids_what_is_planned_and_not_given(trial: Trial) -> None:
    """D1, D2: planned over the limit under one decision, and then another weight is skipped."""
    participant_id, order_id = waiting(trial, "125")
    decide(trial, participant_id, "actual")
    course_id = trial.plan(order_id)
    trial.clock.move(days=1)
    trial.weigh(participant_id, "126")
    assert {bag.state for bag in trial.bags(course_id)} == {"planned"}
    decide(trial, participant_id, "skip")
    with trial.look("pharmacist") as act:
        course = courses.course(act.uow.session, course_id)
        assert course is not None
        assert course.void_why == "skipped"
    assert {bag.state for bag in trial.bags(course_id)} == {"retired"}


def test_a_changed_weight_is_confirmed_with_a_reason(trial: Trial) -> None:
    """D2: 10% or more stops until it is confirmed, with a reason and a signature."""
    participant_id, order_id = waiting(trial, "80", before="60")
    assert "have the investigator confirm it" in refused(trial, order_id)
    for reason in ("", "because"):
        with pytest.raises(BadForm) as wrong:
            decide(trial, participant_id, reason=reason)
        assert set(wrong.value.errors) == {"reason"}
    decide(trial, participant_id, reason="fluid")
    assert plan_of(trial, order_id).weight_kg == 80
    entry = next(e for e in trial.events() if e.event == "weight_decided")
    said = json.loads(entry.body)["new"]
    assert said["decided"] == {"change": ["confirmed", "fluid"]}
    assert (said["weight_kg"], said["meaning"]) == ("80", weight_decisions.MEANING)
    with trial.look("coordinator") as act:
        line = participant_pages.sheet(act, participant_id).weights[0]
    assert line.decision.startswith("Change confirmed: fluid gained or lost. Signed by ")


def test_both_questions_are_answered_by_one_signature(trial: Trial) -> None:
    participant_id, order_id = waiting(trial, "125", before="100")
    with pytest.raises(BadForm) as wrong:
        decide(trial, participant_id)
    assert set(wrong.value.errors) == {"choice", "reason"}
    decide(trial, participant_id, "dose_as_limit", "illness")
    with trial.look("investigator") as act:
        rows = of_weight(act.uow.session, newest(trial, participant_id))
    assert [(row.kind, row.choice, row.reason) for row in rows] == [
        ("over_limit", "dose_as_limit", ""),
        ("change", "confirmed", "illness"),
    ]
    assert len({row.signature_id for row in rows}) == 1
    assert plan_of(trial, order_id).course_g == 240


@pytest.mark.parametrize("choice", ["", "confirmed", "double"])
def test_only_what_the_protocol_allows_is_chosen(trial: Trial, choice: str) -> None:
    participant_id, _ = waiting(trial, "125")
    with pytest.raises(BadForm) as wrong:
        decide(trial, participant_id, choice)
    assert set(wrong.value.errors) == {"choice"}


@pytest.mark.parametrize("who", ["coordinator", "pharmacist", "nurse", "monitor"])
def test_nobody_else_decides(trial: Trial, who: str) -> None:
    participant_id, _ = waiting(trial, "125")
    with pytest.raises(Refusal) as refusal:
        decide(trial, participant_id, "actual", who=who)
    assert refusal.value.status == 403


def test_a_wrong_password_decides_nothing(trial: Trial) -> None:
    participant_id, order_id = waiting(trial, "125")
    with pytest.raises(WrongPassword):
        decide(trial, participant_id, "actual", password="not the password")
    assert "must sign what to do" in refused(trial, order_id)


def test_only_the_newest_weight_is_decided_on(trial: Trial) -> None:
    """K8: the page stood open while another weight was entered."""
    participant_id, order_id = waiting(trial, "125")
    seen = newest(trial, participant_id)
    decide(trial, participant_id, "actual", weight_id=seen)
    with pytest.raises(Refusal, match="Nothing about this weight is left"):
        decide(trial, participant_id, "skip", weight_id=seen)
    trial.clock.move(minutes=1)
    trial.weigh(participant_id, "126")
    with pytest.raises(Refusal, match="A newer weight was entered"):
        decide(trial, participant_id, "actual", weight_id=seen)
    assert "must sign what to do" in refused(trial, order_id)


def test_a_weight_of_another_and_a_weight_that_stops_nothing_are_refused(trial: Trial) -> None:
    participant_id, _ = waiting(trial, "118.5")
    with pytest.raises(Refusal, match="Nothing about this weight"):
        decide(trial, participant_id, "actual")
    other = trial.enrolled("M-003", "70")
    with pytest.raises(Refusal, match="no such weight") as refusal:
        decide(trial, participant_id, "actual", weight_id=newest(trial, other))
    assert refusal.value.status == 404


def test_before_enrolment_and_after_leaving_nothing_is_decided(trial: Trial) -> None:
    """D2: over the limit excludes at screening; no signature goes round that."""
    registered = trial.register("M-004")
    trial.weigh(registered, "125")
    with pytest.raises(Refusal, match="Before eligibility is signed"):
        decide(trial, registered, "actual")
    left, _ = waiting(trial, "125")
    said = (left, trial.today(), "consent", PASSWORD)
    trial.do("investigator", departures.withdraw, *said)
    with pytest.raises(Refusal, match="has left the treatment"):
        decide(trial, left, "actual")


def test_a_confirmed_change_lets_a_void_plan_be_made_again(trial: Trial) -> None:
    """D1, D2: the change voids the plan, the investigator confirms it, the order is planned."""
    course_id = trial.planned(weight="60")
    with trial.look("pharmacist") as act:
        course = courses.course(act.uow.session, course_id)
        assert course is not None
    trial.clock.move(days=1)
    trial.weigh(course.participant_id, "67")
    assert "have the investigator confirm it" in refused(trial, course.order_id)
    decide(trial, course.participant_id, reason="weighed_again")
    assert plan_of(trial, course.order_id).weight_kg == 67


def test_a_signed_decision_stays(database_url: str) -> None:
    """E5, on both databases: neither changed nor deleted, and one of a kind for a weight."""
    trial = make_trial(database_url)
    participant_id, _ = waiting(trial, "125")
    decide(trial, participant_id, "actual")
    trial.units.close()
    engine = make_engine(database_url)
    table = WeightDecision.__table__
    row = {"id": "f" * 32}
    with engine.connect() as connection:
        row = {**connection.execute(sa.select(table)).mappings().one(), **row}
    for statement in (
        sa.update(table).values(choice="skip"),
        sa.delete(table),
        sa.insert(table).values(**row),
    ):
        with engine.connect() as connection, pytest.raises((sa.exc.DBAPIError, Refusal)):
            connection.execute(statement)
    engine.dispose()
