"""Reports of a suspected unblinding in the lit room: read, assessed, signed (J8, J10, H)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.persistence import marks
from pharmacy.persistence.signatures import Signature
from pharmacy.services import reports
from pharmacy.unblinded import sealed_reports
from pharmacy.unblinded.tables import INBOX_SIZE, InboxRecord
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study

_WHY = "A label without its cover was seen."


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Keys and a list, nobody enrolled."""
    return open_study(sqlite_url)


def _report(study: LitStudy, who: str = "coordinator", said: str = "") -> str:
    made = study.trial.do(who, reports.report)
    if said:
        study.trial.do(who, reports.add_words, made.id, said, sealed_reports.keep_words)
    return str(made.id)


def _assess(study: LitStudy, report_id: str, outcome: str, who: str = "pharmacist") -> None:
    study.do(who, sealed_reports.assess, report_id, outcome, _WHY, PASSWORD)


def _marked(study: LitStudy, who: str) -> bool:
    with study.trial.look(who) as act:
        return marks.mark_of(act.uow.session, study.study_id, act.person.id) is not None


def _listed(study: LitStudy) -> list[sealed_reports.SealedReport]:
    room = study.room("statistician")
    with study.trial.look("statistician") as act:
        return sealed_reports.listed(act, room)


def test_words_are_sealed_at_one_size_and_read_in_the_room(study: LitStudy) -> None:
    """K4: whatever is written, the record is as long as every other."""
    _report(study, "nurse", "x")
    _report(study, "coordinator", "the word saline " * 60)
    with study.trial.look("monitor") as act:
        lengths = {len(row.record) for row in act.uow.session.scalars(sa.select(InboxRecord))}
    assert len(lengths) == 1
    assert lengths.pop() > INBOX_SIZE
    assert {one.said[:8] for one in _listed(study)} == {"x", "the word"}


def test_words_that_are_too_long_are_refused_and_kept_nowhere(study: LitStudy) -> None:
    made = study.trial.do("nurse", reports.report)
    with pytest.raises(BadForm, match="too long"):
        study.trial.do("nurse", reports.add_words, made.id, "y" * 2000, sealed_reports.keep_words)
    assert _listed(study)[0].said == ""


@pytest.mark.parametrize(("outcome", "marked"), [("yes", True), ("no", False), ("unclear", False)])
def test_only_a_yes_marks_whoever_reported(study: LitStudy, outcome: str, marked: bool) -> None:
    """The mark bars blinded reports and no care (J10)."""
    report_id = _report(study)
    assert not _marked(study, "coordinator")
    _assess(study, report_id, outcome)
    assert _marked(study, "coordinator") is marked
    with study.trial.look("coordinator") as act:
        act.permit(Permission.ENROL)
        if marked:
            with pytest.raises(Refusal, match="learned an arm"):
                act.permit(Permission.READ_BLINDED_TRAIL)
        else:
            act.permit(Permission.READ_BLINDED_TRAIL)
    (row,) = _listed(study)
    assert (row.outcome, row.reason) == (sealed_reports.OUTCOMES[outcome], _WHY)


def test_the_blinded_side_learns_that_it_was_assessed_and_not_how(study: LitStudy) -> None:
    """Neither the trail nor the signature holds outcome or reason, not even as a hash of them."""
    ids = [_report(study), _report(study, "nurse")]
    for report_id, outcome in zip(ids, ("yes", "no"), strict=True):
        _assess(study, report_id, outcome)
    entries = [e for e in study.trial.events() if e.event == "unblinding_report_assessed"]
    bodies = {e.body.replace(e.subject.encode(), b"") for e in entries}
    assert len(entries) == 2
    assert not any(b"yes" in body or _WHY.encode() in body for body in bodies)
    with study.trial.look("monitor") as act:
        found = act.uow.session.scalars(
            sa.select(Signature).where(Signature.record_kind == sealed_reports.KIND)
        ).all()
    from pharmacy.domain.audit import canonical_bytes, leaf_hash

    for row in found:
        facts = {"kind": row.record_kind, "id": row.record_id, "assessed": True}
        assert row.record_sha256 == leaf_hash(canonical_bytes(facts))


def test_a_report_is_assessed_once_and_the_same_form_again_changes_nothing(
    study: LitStudy,
) -> None:
    report_id = _report(study)
    _assess(study, report_id, "no")
    _assess(study, report_id, "no")
    with pytest.raises(Refusal, match="was assessed"):
        _assess(study, report_id, "yes")
    with pytest.raises(Refusal, match="was assessed"):
        _assess(study, report_id, "no", "statistician")
    assert not _marked(study, "coordinator")


@pytest.mark.parametrize("reason", ["", "x", "z" * 601])
def test_an_assessment_says_why(study: LitStudy, reason: str) -> None:
    report_id = _report(study)
    with pytest.raises(BadForm):
        study.do("pharmacist", sealed_reports.assess, report_id, "no", reason, PASSWORD)
    with pytest.raises(BadForm):
        study.do("pharmacist", sealed_reports.assess, report_id, "perhaps", _WHY, PASSWORD)


def test_a_checker_assesses_nothing(study: LitStudy) -> None:
    report_id = _report(study)
    with pytest.raises(Refusal) as refused:
        _assess(study, report_id, "yes", "checker")
    assert refused.value.status == 403
