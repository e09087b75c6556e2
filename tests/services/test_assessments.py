"""Assessments before a visit's infusion: signed, late, taken back, and barred to whoever knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal, WrongPassword
from pharmacy.domain.roles import Role
from pharmacy.domain.scanning import Answer, Stop
from pharmacy.persistence import assessments as rows
from pharmacy.persistence import bags, marks
from pharmacy.persistence.assessments import AssessmentSignature
from pharmacy.services import assessment_pages, assessments, participant_pages
from pharmacy.services import people as people_verbs
from tests.support import scans
from tests.support.builders import PASSWORD, Trial, make_trial

DUE_IN_DAYS = 84


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    """One study."""
    return make_trial(sqlite_url)


@pytest.fixture
def both(database_url: str) -> Iterator[Trial]:
    """One study, on either database."""
    made = make_trial(database_url)
    yield made
    made.engine.dispose()


def _sign(trial: Trial, participant_id: str, who: str = "assessor", days_ago: int = 0) -> None:
    on = trial.today() - timedelta(days=days_ago)
    trial.do(who, assessments.sign_complete, participant_id, "W12", on, PASSWORD)


def _take_back(trial: Trial, participant_id: str, who: str = "assessor") -> None:
    said = (participant_id, "W12", "not_complete", PASSWORD)
    trial.do(who, assessments.take_back, *said)


def _mark(trial: Trial, who: str) -> None:
    with trial.act("administrator") as act:
        marks.set_mark(act.uow.session, trial.study_id, trial.ids[who], act.now)
        act.record("marked_by_test", f"person:{trial.ids[who]}")


def _standing(trial: Trial) -> tuple[str, ...]:
    with trial.look("coordinator") as act:
        return tuple(line.standing for line in assessment_pages.listed(act).lines)


def _kept(trial: Trial, participant_id: str) -> list[tuple[str, str]]:
    with trial.look("coordinator") as act:
        found = rows.of_visit(act.uow.session, participant_id, "W12")
        return [(row.standing, row.reason) for row in reversed(found)]


@pytest.mark.parametrize("who", ["assessor", "investigator"])
def test_the_assessor_or_the_investigator_signs(trial: Trial, who: str) -> None:
    """E8: name, moment and meaning stand in the blinded trail; the role has a page now."""
    participant_id = trial.enrolled()
    _sign(trial, participant_id, who)
    body = json.loads(next(e for e in trial.events() if e.event == "assessments_signed").body)
    assert body["new"]["meaning"] == assessments.COMPLETE_MEANING
    assert body["new"]["visit"] == "W12"
    with trial.look("assessor") as act:
        (line,) = assessment_pages.listed(act).lines
        (signature,) = assessment_pages.sheet(act, participant_id, "W12").history
    assert (line.code, line.standing, line.words) == ("M-002", "complete", "Signed complete")
    assert signature.signed.name == {"assessor": "Asa Holm", "investigator": "Ana Rivera"}[who]
    with pytest.raises(Refusal, match="signed already"):
        _sign(trial, participant_id, who)


@pytest.mark.parametrize("who", ["nurse", "coordinator", "monitor", "pharmacist", "administrator"])
def test_nobody_else_signs(trial: Trial, who: str) -> None:
    participant_id = trial.enrolled()
    with pytest.raises(Refusal) as refused:
        _sign(trial, participant_id, who)
    assert refused.value.status == 403


@pytest.mark.parametrize("who", ["assessor", "investigator"])
def test_whoever_has_learned_an_arm_assesses_nothing(trial: Trial, who: str) -> None:
    """keys.md: the mark bars outcome assessment for ever, and the sentence says who signs."""
    participant_id = trial.enrolled()
    _sign(trial, participant_id, who)
    _mark(trial, who)
    for verb in (_take_back, _sign):
        with pytest.raises(Refusal, match="You have learned an arm") as refused:
            verb(trial, participant_id, who)
        assert refused.value.status == 403
    with trial.look(who) as act:
        found = assessment_pages.listed(act)
    assert (found.may_sign, len(found.lines)) == (False, 1)
    assert "outcome assessor or another investigator" in found.barred
    _take_back(trial, participant_id, "assessor" if who == "investigator" else "investigator")


def test_the_role_is_not_given_to_somebody_marked(trial: Trial) -> None:
    _mark(trial, "monitor")
    with pytest.raises(Refusal, match="can assess no outcome"):
        trial.do(
            "administrator",
            people_verbs.give_roles,
            trial.ids["monitor"],
            trial.study_id,
            frozenset({Role.OUTCOME_ASSESSOR}),
        )


def test_a_wrong_password_signs_nothing(trial: Trial) -> None:
    participant_id = trial.enrolled()
    with pytest.raises(WrongPassword):
        trial.do(
            "assessor",
            assessments.sign_complete,
            participant_id,
            "W12",
            trial.today(),
            "not the password",
        )
    assert _kept(trial, participant_id) == []


def test_a_late_entry_says_so_and_other_days_are_refused(trial: Trial) -> None:
    """F: what was done on an earlier day is signed with that day, and shown as late."""
    participant_id = trial.enrolled()
    trial.clock.move(days=3)
    for days_ago in (4, -1):
        with pytest.raises(BadForm, match="Choose a day from the place"):
            _sign(trial, participant_id, days_ago=days_ago)
    _sign(trial, participant_id, days_ago=2)
    with trial.look("investigator") as act:
        sheet = assessment_pages.sheet(act, participant_id, "W12")
        (line,) = sheet.history
    assert sheet.opens == "22 May 2026"
    assert line.what.endswith(", late entry")


def test_a_mistaken_signature_is_taken_back_and_stays_on_record(both: Trial) -> None:
    """Nothing is removed: three rows, three entries; the newest counts."""
    participant_id = both.enrolled()
    with pytest.raises(Refusal, match="No signature stands"):
        _take_back(both, participant_id)
    _sign(both, participant_id)
    with pytest.raises(BadForm, match="Choose why"):
        both.do("assessor", assessments.take_back, participant_id, "W12", "", PASSWORD)
    _take_back(both, participant_id, "investigator")
    _sign(both, participant_id)
    assert _kept(both, participant_id) == [
        ("complete", ""),
        ("taken_back", "not_complete"),
        ("complete", ""),
    ]
    events = [entry.event for entry in both.events() if entry.event.startswith("assessments")]
    assert events == ["assessments_signed", "assessments_taken_back", "assessments_signed"]


@pytest.mark.parametrize("verb", [sa.update, sa.delete])
def test_the_database_refuses_to_change_a_signature(
    both: Trial, verb: Callable[[type], Any]
) -> None:
    """Insert only, by trigger, whatever the program would do."""
    _sign(both, both.enrolled())
    statement = verb(AssessmentSignature)
    if verb is sa.update:
        statement = statement.values(standing="taken_back")
    with pytest.raises(sa.exc.DBAPIError), both.engine.begin() as connection:
        connection.execute(statement)


def test_only_visits_of_the_protocol_that_ask_for_it(trial: Trial) -> None:
    """W0 is not assessed before; a participant without a place has nothing to sign."""
    participant_id = trial.enrolled()
    for visit in ("W0", "W16", "W99"):
        with pytest.raises(Refusal) as refused, trial.look("assessor") as act:
            assessment_pages.sheet(act, participant_id, visit)
        assert refused.value.status == 404
    waiting = trial.register("M-003")
    with pytest.raises(Refusal, match="no place"), trial.look("assessor") as act:
        assessment_pages.sheet(act, waiting, "W12")


def test_the_list_follows_the_window(trial: Trial) -> None:
    """Planned, due from three days before, late after three days; the participant's page too."""
    participant_id, begun, seen = trial.enrolled(), trial.clock(), []
    for day in (0, DUE_IN_DAYS - 4, DUE_IN_DAYS - 3, DUE_IN_DAYS + 3, DUE_IN_DAYS + 4):
        trial.clock.at = begun + timedelta(days=day)
        seen += _standing(trial)
    assert seen == ["planned", "planned", "due", "due", "late"]
    with trial.look("coordinator") as act:
        before = participant_pages.sheet(act, participant_id)
    _sign(trial, participant_id)
    with trial.look("coordinator") as act:
        after = participant_pages.sheet(act, participant_id)
    notes = [
        next(visit["note"] for visit in sheet.visits if visit["label"] == "Week 12")
        for sheet in (before, after)
    ]
    assert notes[0].endswith("assessments come first")
    assert notes[1].endswith("assessments signed")
    assert [len(signatures) for _, signatures in after.assessments] == [1]


def test_a_bag_whose_signature_was_taken_back_stops_the_nurse(trial: Trial) -> None:
    """Released, then found mistaken: the scan stops; signed again it goes on."""
    bag_id = _ready_week_12(trial)
    with trial.look("nurse") as act:
        participant_id = act.uow.session.scalars(
            sa.select(AssessmentSignature.participant_id)
        ).one()
    _take_back(trial, participant_id)
    stopped = scans.scan(trial, trial.code(bag_id)).verdict
    assert (stopped.answer, stopped.stop) == (Answer.STOP, Stop.ASSESSMENTS_FIRST)
    _sign(trial, participant_id, "investigator")
    assert scans.go(trial, bag_id).verdict.answer is Answer.GO


def _ready_week_12(trial: Trial) -> str:
    """A released bag of week 12, at an hour at which it may start."""
    participant_id = trial.enrolled()
    _sign(trial, participant_id)
    bag = trial.bags(trial.plan(trial.order(participant_id, "W12")))[0]
    trial.release(bag.id)
    with trial.look("nurse") as act:
        found = bags.bag_with_day(act.uow.session, bag.id)
    assert found is not None
    trial.clock.at = found[1].run_at + timedelta(minutes=60)
    return str(bag.id)
