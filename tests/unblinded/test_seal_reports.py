"""A seal that is not whole: a card's opens a report to be assessed, a sheet's is told (J8, J4)."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.persistence import marks
from pharmacy.persistence.notices import Notice
from pharmacy.services import break_cards as seals
from pharmacy.services import reports
from pharmacy.unblinded import recovery_custody, sealed_reports
from tests.support.browsing import words
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import build_app

_WHY = "The envelope was found torn; the custodian saw nobody."


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """One participant with both cards in their places."""
    made = open_study(sqlite_url, enrolled=("M-002",))
    made.ready("M-002")
    return made


def _count(study: LitStudy, who: str, card_set: str, said: str) -> str:
    """The card that was counted."""
    with study.trial.look(who) as act:
        (line,) = seals.set_page(act, card_set).sealed
    study.trial.do(who, seals.count, card_set, {line.id: said}, PASSWORD)
    return line.id


def _listed(study: LitStudy) -> list[sealed_reports.SealedReport]:
    room = study.room("statistician")
    with study.trial.look("statistician") as act:
        return sealed_reports.listed(act, room)


def _assess(study: LitStudy, report_id: str, outcome: str, read_by: str = "") -> None:
    said = (report_id, outcome, _WHY, PASSWORD, read_by)
    study.do("pharmacist", sealed_reports.assess, *said)


def _marked(study: LitStudy) -> set[str]:
    with study.trial.look("statistician") as act:
        return {
            who
            for who, person_id in study.trial.ids.items()
            if marks.mark_of(act.uow.session, study.study_id, person_id) is not None
        }


@pytest.mark.parametrize("said", ["broken", "missing"])
def test_a_seal_out_of_order_is_a_report_and_marks_nobody(study: LitStudy, said: str) -> None:
    """Whoever counted suspects nothing of themselves, whatever comes of it."""
    _count(study, "checker", "pharmacy", said)
    (row,) = _listed(study)
    assert (row.participant, row.name, row.outcome) == ("M-002", "Rose Okafor", "")
    assert said in row.seal
    assert "unblinding_suspected" in [entry.event for entry in study.trial.events()]
    _assess(study, row.report_id, "yes")
    assert _marked(study) == set()
    (row,) = _listed(study)
    assert (row.outcome, row.read_by) == (sealed_reports.SEAL_OUTCOMES["yes"], "")


def test_a_whole_seal_opens_no_report(study: LitStudy) -> None:
    _count(study, "checker", "pharmacy", "intact")
    assert _listed(study) == []


def test_whoever_is_named_as_having_read_it_is_marked(study: LitStudy) -> None:
    """Once, by name, and only with a yes; somebody outside the study is nobody here."""
    _count(study, "coordinator", "physician", "broken")
    (row,) = _listed(study)
    nurse = study.trial.ids["nurse"]
    for outcome, whom in (("no", nurse), ("unclear", nurse), ("yes", "0" * 32)):
        with pytest.raises(BadForm) as refused:
            _assess(study, row.report_id, outcome, whom)
        assert list(refused.value.errors) == ["read_by"]
    _assess(study, row.report_id, "yes", nurse)
    assert _marked(study) == {"nurse"}
    assert _listed(study)[0].read_by
    _assess(study, row.report_id, "yes", nurse)
    with pytest.raises(Refusal, match="was assessed"):
        _assess(study, row.report_id, "yes", study.trial.ids["coordinator"])
    assert _marked(study) == {"nurse"}


def test_the_report_of_a_seal_is_not_the_counters_own(study: LitStudy) -> None:
    """Their own reports are what they said of themselves."""
    _count(study, "coordinator", "physician", "missing")
    (row,) = _listed(study)
    with study.trial.look("coordinator") as act:
        assert reports.own_reports(act) == []
        with pytest.raises(Refusal) as refused:
            reports.own(act, row.report_id)
    assert refused.value.status == 404


def test_a_card_made_since_leaves_the_report_as_it_was(study: LitStudy) -> None:
    """A report is never withdrawn: another card in its place answers nothing."""
    card_id = _count(study, "checker", "pharmacy", "missing")
    with study.trial.act("pharmacist") as act:
        act.uow.session.execute(sa.text("UPDATE break_card SET state = 'void'"))
        act.record("card_made_void_by_test", f"study:{study.study_id}")
    (row,) = _listed(study)
    assert "broken or missing at the count; now void" in row.seal
    assert row.outcome == ""
    assert card_id


def test_a_seal_is_assessed_on_the_page(study: LitStudy, sqlite_url: str, tmp_path: Path) -> None:
    """The pharmacist is asked about the card, and may name who read it."""
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    _count(study, "checker", "pharmacy", "broken")
    browser = study.lit_browser(app, "pharmacist")
    shown = browser.get(browser.lit("reports"))
    assert "Did anybody read the card?" in words(shown.text)
    (row,) = _listed(study)
    path = browser.lit(f"reports/{row.report_id}")
    nurse = study.trial.ids["nurse"]
    said = {"outcome": "no", "reason": _WHY, "password": PASSWORD, "read_by": nurse}
    refused = browser.post(path, **said)
    assert refused.status_code == 400
    assert 'id="read_by-error"' in refused.text
    done = browser.post(path, **{**said, "outcome": "yes"})
    assert done.status_code == 303
    assert _marked(study) == {"nurse"}


def _notices(study: LitStudy) -> list[str]:
    with study.trial.look("pharmacist") as act:
        return [one.sentence for one in act.uow.session.scalars(sa.select(Notice))]


def test_a_recovery_sheet_that_is_not_whole_is_told(study: LitStudy) -> None:
    """A half is no arm, so it is a notice; when both halves of a pair may be out, it says so."""
    for name in ("A1", "B1"):
        kept = (f"Custodian {name}", f"Building {name[1]}", f"S-{name}", True, PASSWORD)
        study.do("statistician", recovery_custody.record_place, name, *kept)
    form = "seal-check-form-1"
    for _ in range(2):
        said = ("A1", False, "", "", PASSWORD, form)
        study.do("pharmacist", recovery_custody.record_check, *said)
    (first,) = _notices(study)
    assert "recovery sheet A1 was found broken or missing by Tom Lang" in first
    assert "One sheet alone opens nothing." in first
    said = ("B1", False, "", "", PASSWORD, "seal-check-form-2")
    study.do("pharmacist", recovery_custody.record_check, *said)
    second = next(one for one in _notices(study) if "sheet B1 was found" in one)
    assert "Sheet A1 of the same pair is not whole either" in second
    assert "Report it as unblinding of the study." in second
    assert _listed(study) == []
