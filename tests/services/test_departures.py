"""Leaving the treatment and replacing: a place stays used, and the next one is the next (C3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.persistence import participants
from pharmacy.services import departures, participant_pages
from pharmacy.unblinded import allocation, bench
from pharmacy.unblinded.code_break import breaking
from pharmacy.unblinded.tables import Slot
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study in which one participant has a place."""
    return open_study(sqlite_url, enrolled=("M-001",))


def leaves(study: LitStudy, code: str, reason: str = "consent", **changes: object) -> None:
    """The investigator signs that somebody left today."""
    day = changes.get("day", study.trial.today())
    study.trial.do(
        "investigator", departures.withdraw, ident(study, code), day, reason, PASSWORD
    )


def replaces(study: LitStudy, code: str, left: str) -> None:
    """The investigator signs that one replaces another."""
    study.trial.do(
        "investigator", departures.replace, ident(study, code), ident(study, left), PASSWORD
    )


def ident(study: LitStudy, code: str) -> str:
    """A participant's id by code."""
    with study.trial.look("investigator") as act:
        found = participants.by_code(act.uow.session, study.study_id, code)
        assert found is not None
        return found.id


def test_a_place_stays_used_and_the_next_one_is_given(study: LitStudy) -> None:
    """C3: the replacement takes the next free place, never the one of who left."""
    leaves(study, "M-001")
    newcomer = study.eligible("M-002")
    replaces(study, "M-002", "M-001")
    assert study.do("pharmacist", allocation.serve_oldest).id == newcomer
    with study.trial.look("pharmacist") as act:
        rows = act.uow.session.scalars(sa.select(Slot).order_by(Slot.number)).all()
    assert [row.participant_id for row in rows[:3]] == [ident(study, "M-001"), newcomer, None]
    with study.trial.look("investigator") as act:
        left = participant_pages.sheet(act, ident(study, "M-001"))
        came = participant_pages.sheet(act, newcomer)
    assert ("Replaced by", "M-002") in left.facts
    assert ("Replaces", "M-001") in came.facts
    assert left.line.state == "Withdrawn"
    assert {visit["state_text"] for visit in left.visits} == {"Not planned any more"}
    assert "Not planned any more" not in {visit.get("state_text") for visit in came.visits}


def test_nobody_is_replaced_twice_unless_the_newcomer_leaves_without_a_place(
    study: LitStudy,
) -> None:
    leaves(study, "M-001")
    study.eligible("M-002")
    study.eligible("M-003")
    replaces(study, "M-002", "M-001")
    with pytest.raises(BadForm):
        replaces(study, "M-003", "M-001")
    leaves(study, "M-002")
    replaces(study, "M-003", "M-001")
    assert [study.do("pharmacist", allocation.serve_oldest).code] == ["M-003"]


def test_who_may_be_replaced_follows_the_protocol(study: LitStudy) -> None:
    """Who had a place and left; whoever replaces has none yet."""
    study.eligible("M-002")
    with pytest.raises(BadForm):
        replaces(study, "M-002", "M-001")
    leaves(study, "M-001")
    study.do("pharmacist", allocation.serve_oldest)
    with pytest.raises(Refusal, match="replaces nobody"):
        replaces(study, "M-002", "M-001")


def test_leaving_stops_bags_and_neither_the_code_break_nor_anything_else(
    study: LitStudy,
) -> None:
    """B9, K: the bench prepares no more; the investigator breaks the code all the same."""
    study.enrol_breaker()
    course = study.planned("M-005")
    bag = study.bags(course)[0]
    leaves(study, "M-005", "adverse_event")
    code = "AB" * 10
    with pytest.raises(Refusal, match="has left the treatment"):
        study.do("pharmacist", bench.apply_inner, bag.id, "operation-id-0001", code)
    with study.trial.look("investigator") as act:
        assert "M-005" in [one.code for one in breaking.choices(act)]
    assert study.break_code(ident(study, "M-005")).participant == "M-005"


def test_somebody_who_waits_and_leaves_gets_no_place(study: LitStudy) -> None:
    """And nobody behind them waits for it; there is no code to break."""
    study.eligible("M-002")
    study.trial.clock.move(minutes=1)
    later = study.eligible("M-003")
    leaves(study, "M-002")
    assert study.do("pharmacist", allocation.serve_oldest).id == later
    with study.trial.look("investigator") as act:
        assert [one.code for one in breaking.choices(act)] == ["M-001", "M-003"]


@pytest.mark.parametrize(
    ("reason", "days", "field"), [("", 0, "reason"), ("error", 0, "reason"), ("lost", 1, "left_on")]
)
def test_day_and_reason_are_asked_for(
    study: LitStudy, reason: str, days: int, field: str
) -> None:
    with pytest.raises(BadForm) as refused:
        leaves(study, "M-001", reason, day=study.trial.today() + timedelta(days=days))
    assert list(refused.value.errors) == [field]


def test_it_is_signed_once_by_an_investigator(study: LitStudy) -> None:
    """F1: with meaning and name; nobody else signs it."""
    with pytest.raises(Refusal, match="do not include"):
        study.trial.do(
            "coordinator",
            departures.withdraw,
            ident(study, "M-001"),
            study.trial.today(),
            "lost",
            PASSWORD,
        )
    leaves(study, "M-001", "lost")
    with pytest.raises(Refusal, match="left the treatment already"):
        leaves(study, "M-001", "lost")
    (entry,) = [one for one in study.trial.events() if one.event == "participant_left_treatment"]
    assert departures.LEFT_MEANING.encode() in entry.body


@pytest.mark.parametrize("table", ["withdrawal", "replacement"])
def test_a_signed_record_stays(study: LitStudy, table: str) -> None:
    """C3: by the database's own refusal."""
    leaves(study, "M-001")
    study.eligible("M-002")
    replaces(study, "M-002", "M-001")
    for change in (f"DELETE FROM {table}", f"UPDATE {table} SET signed_at = signed_at"):
        with pytest.raises(sa.exc.IntegrityError), study.trial.engine.begin() as connection:
            connection.execute(sa.text(change))
