"""Reports of a suspected unblinding: one tap, nothing else at once (J8, J10)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.persistence import marks, notices
from pharmacy.persistence import reports as rows
from pharmacy.services import reports
from pharmacy.services.act import Act
from tests.support.builders import Trial, make_trial

_GUESS = "I saw the word saline on a paper"


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    """A study with people in every role."""
    return make_trial(sqlite_url)


def _sealed(kept: list[tuple[str, str]]) -> Callable[[Act, str, str], None]:
    return lambda _act, report_id, said: kept.append((report_id, said))


@pytest.mark.parametrize("who", ["nurse", "coordinator", "investigator", "monitor"])
def test_whoever_is_blinded_reports_at_one_tap(trial: Trial, who: str) -> None:
    made = trial.do(who, reports.report)
    with trial.look(who) as act:
        (line,) = reports.own_reports(act)
        told = [notice.sentence for notice, _ in notices.of_study(act.uow.session, trial.study_id)]
    assert (line.report_id, line.told, line.assessed) == (made.id, False, "")
    assert len(told) == 1
    assert "may have been unblinded" in told[0]
    assert trial.events()[0].event == "unblinding_reported"


def test_a_report_changes_nothing_at_once(trial: Trial) -> None:
    """keys.md: it is assessed and signed later; until then there is no mark."""
    trial.do("coordinator", reports.report)
    with trial.look("coordinator") as act:
        mark = marks.mark_of(act.uow.session, trial.study_id, act.person.id)
    assert mark is None


def test_nobody_of_the_pharmacy_reports(trial: Trial) -> None:
    with pytest.raises(Refusal) as refused:
        trial.do("pharmacist", reports.report)
    assert refused.value.status == 403


def test_a_bag_names_its_participant_and_a_foreign_one_is_refused(trial: Trial) -> None:
    bag = trial.bags(trial.planned("M-002"))[0]
    made = trial.do("nurse", reports.report, bag_id=bag.id)
    with trial.look("nurse") as act:
        assert reports.line(act, rows.report(act.uow.session, made.id)).participant == "M-002"
    for about in ({"bag_id": "0" * 32}, {"participant_id": "0" * 32}):
        with pytest.raises(Refusal) as refused:
            trial.do("nurse", reports.report, **about)
        assert refused.value.status == 404


def test_what_is_written_goes_to_the_inbox_and_stays_nowhere_here(trial: Trial) -> None:
    """E11, C1: neither the row nor the trail holds a word of it."""
    made, kept = trial.do("nurse", reports.report), []
    trial.do("nurse", reports.add_words, made.id, _GUESS, _sealed(kept))
    assert kept == [(made.id, _GUESS)]
    assert not [entry for entry in trial.events() if b"saline" in entry.body]
    with pytest.raises(Refusal, match="already written"):
        trial.do("nurse", reports.add_words, made.id, "more", _sealed(kept))
    assert len(kept) == 1


def test_words_are_for_ones_own_report_and_not_empty(trial: Trial) -> None:
    made, kept = trial.do("nurse", reports.report), []
    with pytest.raises(Refusal, match="no such report"):
        trial.do("nurse2", reports.add_words, made.id, _GUESS, _sealed(kept))
    with pytest.raises(BadForm):
        trial.do("nurse", reports.add_words, made.id, "  ", _sealed(kept))
    assert kept == []


def test_a_second_report_adds_and_none_is_removed(trial: Trial) -> None:
    first, second = trial.do("nurse", reports.report), trial.do("nurse", reports.report)
    with trial.look("nurse") as act:
        assert {one.report_id for one in reports.own_reports(act)} == {first.id, second.id}
