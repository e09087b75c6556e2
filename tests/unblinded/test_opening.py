"""Opening an envelope: written down and committed first, once, and not at all open label."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pharmacy.domain.errors import Refusal
from pharmacy.unblinded import bench, trail
from pharmacy.unblinded.arm import Arm
from pharmacy.unblinded.bag_record import Stage
from pharmacy.unblinded.envelope import open_envelope
from pharmacy.unblinded.warrants import Warrant, commit_warrant
from tests.support.lit_builders import LitStudy, open_study
from tests.unblinded.bench_acts import IVIG_FIRST, STAGES, AtBench, a_bag, new_operation


@pytest.fixture
def study(sqlite_url) -> LitStudy:
    return open_study(sqlite_url, arms=IVIG_FIRST)


@pytest.fixture
def at(study) -> AtBench:
    return a_bag(study)


def test_opened_twice_is_opened_once(at):
    at.apply_inner()
    operation = new_operation()
    for said in (operation, operation, new_operation()):
        at.do("pharmacist", bench.open_bag, operation=said)

    assert [entry["event"] for entry in at.trail()] == ["opened"]


def test_opened_by_a_double_click_is_opened_once(database_url):
    """Races are settled by the database: one entry, one arm, whoever comes first."""
    at = a_bag(open_study(database_url, arms=IVIG_FIRST))
    at.apply_inner()
    at.study.room("pharmacist")
    with ThreadPoolExecutor(4) as hands:
        opened = list(hands.map(lambda _: at.do("pharmacist", bench.open_bag), range(4)))

    events = [entry["event"] for entry in at.trail()]
    at.study.trial.engine.dispose()
    assert {record.stage for record in opened} == {Stage.OPENED}
    assert events == ["opened"]


def test_the_entry_says_who_for_whom_and_why(at, study):
    at.open()
    entry = at.trail()[0]

    assert entry["person"] == study.trial.ids["pharmacist"]
    assert entry["subject"] == f"bag:{at.bag_id}"
    assert (entry["reason"], len(entry["participant"])) == ("preparation", 32)


def test_a_power_cut_between_entry_and_opening_goes_on(at, monkeypatch):
    """The entry is committed, the envelope not yet open: the next try opens under that entry."""
    at.apply_inner()
    with monkeypatch.context() as cut:
        cut.setattr(bench, "open_envelope", _power_cut)
        with pytest.raises(PowerCut):
            at.do("pharmacist", bench.open_bag)
    between = at.record()
    at.do("pharmacist", bench.open_bag)

    assert (between.stage, between.arm) == (Stage.PLANNED, None)
    assert at.arm() == "ivig"
    assert [entry["event"] for entry in at.trail()] == ["opened"]


def test_somebody_else_going_on_after_a_power_cut_is_written_down_too(at, study, monkeypatch):
    at.apply_inner()
    with monkeypatch.context() as cut:
        cut.setattr(bench, "open_envelope", _power_cut)
        with pytest.raises(PowerCut):
            at.do("pharmacist", bench.open_bag)
    at.do("pharmacist2", bench.open_bag)

    wrote = [entry["person"] for entry in at.trail()]
    assert wrote == [study.trial.ids["pharmacist"], study.trial.ids["pharmacist2"]]


class PowerCut(Exception):
    """The process ended here."""


def _power_cut(*_args: object) -> Arm:
    raise PowerCut


def test_the_envelope_does_not_open_without_a_committed_entry(at, study):
    room = study.room("pharmacist")
    with study.trial.act("pharmacist") as act:
        participant = bench.find(act, at.bag_id).participant.id
        trail.record(act, room.record_key, "opened", f"bag:{at.bag_id}", reason="preparation")
        waiting = Warrant(
            study.study_id, trail.newest(act) + 1, act.person.id, f"bag:{at.bag_id}", "preparation"
        )
        with pytest.raises(Refusal, match="written down first"):
            open_envelope(act, room, waiting, participant)
        act.uow.rollback()


@pytest.mark.parametrize("changed", ["person_id", "subject", "reason", "seq"])
def test_the_envelope_does_not_open_under_another_entry(at, study, changed):
    room = study.room("pharmacist")
    with study.trial.act("pharmacist") as act:
        participant = bench.find(act, at.bag_id).participant.id
        warrant = commit_warrant(act, room, "opened", f"bag:{at.bag_id}", "preparation")
        opened = open_envelope(act, room, warrant, participant)
        values = {**warrant.__dict__, changed: 1 if changed == "seq" else "another"}
        with pytest.raises(Refusal) as refused:
            open_envelope(act, room, Warrant(**values), participant)

    assert opened == Arm("ivig")
    assert refused.value.status == 403


def test_a_checkers_room_holds_no_list_key(at, study):
    room = study.room("checker")
    with study.trial.act("checker") as act:
        participant = bench.find(act, at.bag_id).participant.id
        warrant = commit_warrant(act, room, "opened", f"bag:{at.bag_id}", "preparation")
        with pytest.raises(Refusal, match="do not hold the list key"):
            open_envelope(act, room, warrant, participant)


def test_open_label_everybody_gets_immune_globulin_and_no_envelope_is_opened(
    sqlite_url, monkeypatch
):
    """The past arm stays sealed: saline's participant draws IVIG, one entry per stage as ever."""
    study = open_study(sqlite_url, arms="2112" * 3)
    at = a_bag(study, visit="W16")
    monkeypatch.setattr(bench, "open_envelope", _power_cut)
    at.covered()

    assert at.arm() == "ivig"
    assert [entry["event"] for entry in at.trail()] == STAGES


def test_the_blinded_course_of_the_same_participant_opens_the_envelope(sqlite_url):
    at = a_bag(open_study(sqlite_url, arms="2112" * 3), visit="W0")
    at.open()

    assert at.arm() == "saline"
