"""The end of a study: data lock, unblinding by two, the list in the open (J8, J11, C8, E15, F1)."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta

import pytest

from pharmacy.domain.errors import BadForm, Refusal, WrongPassphrase, WrongPassword
from pharmacy.domain.stages import StudyStage
from pharmacy.services import participants, stages
from pharmacy.unblinded import allocation, list_export, list_opening, study_end, trail
from pharmacy.unblinded.arm import Arm
from pharmacy.unblinded.envelope import STUDY_OPENING, Place, open_envelope
from pharmacy.unblinded.list_proof import is_of, is_signed, read
from pharmacy.unblinded.list_table import read_table
from pharmacy.unblinded.study_files import rules_of
from pharmacy.unblinded.warrants import commit_warrant
from tests.support import closing_acts as acts
from tests.support.builders import PASSWORD
from tests.support.lit_builders import ARMS, PEPPER, LitStudy, open_study

_CODES = ("M-002", "M-003")


@pytest.fixture
def study(database_url: str) -> Iterator[LitStudy]:
    """Two participants with a slot each, on either database."""
    made = open_study(database_url, enrolled=_CODES)
    yield made
    made.trial.units.close()


@pytest.fixture
def quick(sqlite_url: str) -> LitStudy:
    """The same on SQLite alone."""
    return open_study(sqlite_url, enrolled=_CODES)


def _stage(study: LitStudy) -> StudyStage:
    with study.trial.look("coordinator") as act:
        return stages.stage_of(act.uow, act.in_study)


def _lit_events(study: LitStudy) -> list[str]:
    room = study.room("statistician")
    with study.trial.look("statistician") as act:
        return [entry["event"] for entry in trail.entries(act, room.record_key)]


def _blinded_events(study: LitStudy) -> list[str]:
    return [entry.event for entry in study.trial.events()]


def test_a_lock_has_two_signatures_and_then_nobody_new_comes(study: LitStudy) -> None:
    """J11, F1: stated by a blinded person, confirmed by the statistician; in both trails."""
    waiting = study.eligible("M-004")
    acts.state_lock(study)
    assert _stage(study) is StudyStage.OPEN
    acts.confirm(study, StudyStage.LOCKED)
    assert _stage(study) is StudyStage.LOCKED
    with study.trial.look("monitor") as act:
        (step,) = stages.page(act).lines
    assert (step.reference, step.asked.name) == (acts.REFERENCE, "Cora Lindqvist")
    assert step.confirmed is not None
    assert step.confirmed.name == "Sam Statham"
    assert "data_locked" in _lit_events(study)
    assert {"data_lock_stated", "data_locked"} <= set(_blinded_events(study))
    with pytest.raises(Refusal, match=r"data of this study are locked\. No place is given"):
        study.do("pharmacist", allocation.serve_oldest)
    with pytest.raises(Refusal, match="Nobody is enrolled any more"):
        study.trial.register("M-009")
    with study.trial.look("coordinator") as act:
        assert participants.find(act, waiting).state == "eligible"


def test_the_steps_stand_in_the_order_of_the_stages(quick: LitStudy) -> None:
    """F1: whatever the clock said, the last line is the newest step."""
    acts.close(quick)
    with quick.trial.look("monitor") as act:
        lines = stages.page(act).lines
    assert [line.title for line in lines] == ["Data locked", "Unblinded", "Closed"]


def test_what_runs_goes_on_after_the_lock(quick: LitStudy) -> None:
    """Care is refused at no stage but the last: the bag is scanned as before."""
    from pharmacy.services import scanning

    course = quick.plan(quick.trial.order(_participant(quick, "M-002")))
    bag = quick.bags(course)[0]
    quick.trial.release(bag.id)
    quick.trial.clock.move(hours=3)
    acts.lock(quick)
    found = quick.trial.do("nurse", scanning.scan_bag, quick.trial.code(bag.id), "scanner", "")
    assert found.bag is not None
    assert found.scan.answer == "continue"


def test_a_release_waits_for_no_lock(quick: LitStudy) -> None:
    """The bench is told before it opens an envelope or lets a bag go."""
    from pharmacy.unblinded import bench

    course = quick.plan(quick.trial.order(_participant(quick, "M-002")))
    acts.lock(quick)
    with pytest.raises(Refusal, match="No bag is begun"):
        quick.do("pharmacist", bench.open_bag, quick.bags(course)[0].id, "open-form-0000001")
    order = quick.trial.order
    with pytest.raises(Refusal, match="No course is ordered"):
        order(_participant(quick, "M-003"))


def _participant(study: LitStudy, code: str) -> str:
    from pharmacy.persistence import participants as rows

    with study.trial.look("coordinator") as act:
        row = rows.by_code(act.uow.session, study.study_id, code)
    assert row is not None
    return str(row.id)


def test_bags_that_are_out_have_to_be_seen_before_a_lock(quick: LitStudy) -> None:
    """They refuse no lock, which happened elsewhere; whoever states it knows of them."""
    quick.plan(quick.trial.order(_participant(quick, "M-002")))
    trial = quick.trial
    with pytest.raises(BadForm, match="Look at the bags"):
        trial.do("coordinator", stages.state_lock, trial.today(), "DL-1", False, PASSWORD)
    with trial.look("coordinator") as act:
        assert dict(stages.page(act).out)["planned, not released"] >= 1


@pytest.mark.parametrize(
    ("days", "reference", "field"),
    [(1, "DL-1", "locked_on"), (0, "", "reference"), (0, "x" * 121, "reference")],
)
def test_a_lock_names_a_day_and_a_reference(
    quick: LitStudy, days: int, reference: str, field: str
) -> None:
    trial = quick.trial
    day = trial.today() + timedelta(days=days)
    with pytest.raises(BadForm) as wrong:
        trial.do("coordinator", stages.state_lock, day, reference, True, PASSWORD)
    assert list(wrong.value.errors) == [field]


def test_nobody_signs_twice_and_nobody_skips_a_step(quick: LitStudy) -> None:
    """J11: two different people, one of them the statistician, one step after the other."""
    with pytest.raises(Refusal, match="not its next step"):
        quick.do("pharmacist", study_end.ask, StudyStage.UNBLINDED, PASSWORD)
    with pytest.raises(Refusal, match="Nobody has asked"):
        acts.confirm(quick, StudyStage.LOCKED)
    acts.lock(quick)
    quick.do("pharmacist", study_end.ask, StudyStage.UNBLINDED, PASSWORD)
    with pytest.raises(Refusal, match="Two different people"):
        acts.confirm(quick, StudyStage.UNBLINDED, "pharmacist")
    with pytest.raises(Refusal, match="One of the two"):
        acts.confirm(quick, StudyStage.UNBLINDED, "pharmacist2")
    with pytest.raises(Refusal, match="not its next step"):
        quick.do("statistician", study_end.ask, StudyStage.CLOSED, PASSWORD)
    assert _stage(quick) is StudyStage.LOCKED


def test_password_and_passphrase_are_both_asked(quick: LitStudy) -> None:
    acts.state_lock(quick)
    words = quick.passphrases["statistician"]
    with pytest.raises(WrongPassword):
        quick.do("statistician", study_end.confirm, StudyStage.LOCKED, "not the one", words, PEPPER)
    with pytest.raises(WrongPassphrase):
        quick.do(
            "statistician", study_end.confirm, StudyStage.LOCKED, PASSWORD, "not these", PEPPER
        )
    assert _stage(quick) is StudyStage.OPEN


def test_a_step_signed_twice_is_one_step(quick: LitStudy) -> None:
    """One mechanism for once: the second press changes nothing, in either trail."""
    acts.unblind(quick)
    before = (_lit_events(quick), _blinded_events(quick))
    acts.confirm(quick, StudyStage.UNBLINDED)
    assert (_lit_events(quick), _blinded_events(quick)) == before
    assert before[0].count("study_unblinded") == 1


def test_the_list_is_opened_for_nobody_before_two_have_signed(quick: LitStudy) -> None:
    """J11, C2: neither by the export nor by a warrant that somebody writes for it."""
    acts.lock(quick)
    with pytest.raises(Refusal, match="stays sealed"):
        acts.exported(quick)
    room = quick.room("statistician")
    with quick.trial.act("statistician") as act:
        subject = f"study:{quick.study_id}"
        warrant = commit_warrant(act, room, STUDY_OPENING, subject, "export")
        with pytest.raises(Refusal, match="written down first"):
            open_envelope(act, room, warrant, Place("", 1))
        assert list_opening.why_not(act) == "" or not act.in_study.practice


def test_a_bags_warrant_opens_no_unused_slot(quick: LitStudy) -> None:
    """An entry about one bag is none for a place that nobody has taken (C2)."""
    acts.unblind(quick)
    room = quick.room("pharmacist")
    with quick.trial.act("pharmacist") as act:
        warrant = commit_warrant(act, room, "opened", "bag:somebody", "preparation")
        with pytest.raises(Refusal, match="written down first"):
            open_envelope(act, room, warrant, Place("", 12))


def test_the_exported_list_is_whole_and_proves_the_certificate(study: LitStudy) -> None:
    """C5, J11: every slot with its arm, and the table that `list prove` takes."""
    acts.unblind(study)
    with zipfile.ZipFile(io.BytesIO(acts.exported(study))) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    rows = list(csv.DictReader(io.StringIO(files["list.csv"].decode("utf-8-sig"))))
    groups = {"ivig": "1", "saline": "2"}
    if [groups[row["arm"]] for row in rows] != list(ARMS):
        groups = {"ivig": "2", "saline": "1"}
    assert [groups[row["arm"]] for row in rows] == list(ARMS)
    assert [row["participant"] for row in rows[:3]] == [*_CODES, ""]
    assert [row["slot"] for row in rows] == ["taken"] * 2 + ["unused"] * 10
    assert all(row["arm_in_words"] for row in rows)
    (proved,) = json.loads(files["proof.json"])["lists"]
    assert proved["proved_by_allocation_table"] is True
    certificate = read(files["load-certificate.json"].decode())
    rules = rules_of("MIGHT")
    table = read_table(files["allocation-table.csv"], rules)
    assert is_signed(certificate)
    assert is_of(certificate, bytes.fromhex(proved["opening"]), table)


def test_every_download_is_written_down_first_and_each_form_once(quick: LitStudy) -> None:
    """C8, J8: who, what, in both trails; the same form again adds no entry."""
    acts.unblind(quick)
    one = acts.exported(quick)
    assert acts.exported(quick) == one
    assert _lit_events(quick).count(STUDY_OPENING) == 1
    acts.exported(quick, "export-form-000002")
    assert _lit_events(quick).count(STUDY_OPENING) == 2
    assert _blinded_events(quick).count(STUDY_OPENING) == 2


def test_whoever_sits_in_a_changed_slot_is_noticed(quick: LitStudy) -> None:
    """Participants exchanged by somebody who can write the database: nothing is exported."""
    import sqlalchemy as sa

    from pharmacy.unblinded.tables import Slot

    acts.unblind(quick)
    with quick.trial.act("pharmacist") as act:
        one, two = act.uow.session.scalars(
            sa.select(Slot).where(Slot.participant_id.is_not(None)).order_by(Slot.number)
        ).all()
        first, second = one.participant_id, two.participant_id
        one.participant_id = two.participant_id = None
        act.uow.session.flush()
        one.participant_id, two.participant_id = second, first
        act.record("planted", "study:planted")
    with pytest.raises(Refusal, match="not the ones you trusted"):
        acts.exported(quick)


def test_nobody_without_the_list_key_exports(quick: LitStudy) -> None:
    acts.unblind(quick)
    with pytest.raises(Refusal):
        quick.do("checker", list_export.export, "export-form-000009")


def test_an_arm_of_the_export_is_still_no_text() -> None:
    """The value wall stands beside the export: only `_row` reveals."""
    with pytest.raises(TypeError):
        str(Arm("ivig"))
