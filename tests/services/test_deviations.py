"""A place given in error is never taken back: a deviation, two signatures, nothing edited (C3)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.persistence import deviations as kept
from pharmacy.persistence.participants import Participant
from pharmacy.services import deviations
from pharmacy.services.deviations import Report
from pharmacy.unblinded.tables import Slot
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study in which one participant has a place and another waits for one."""
    made = open_study(sqlite_url, enrolled=("M-001",))
    made.eligible("M-002")
    return made


def said_of(study: LitStudy, outcome: str = "keeps", kind: str = "wrong_stratum") -> Report:
    """What somebody writes."""
    return Report(
        kind,
        study.trial.today(),
        "The age was taken from another chart.",
        "Chart read twice.",
        outcome,
    )


def participant(study: LitStudy, code: str = "M-001") -> Participant:
    """One of the two."""
    with study.trial.look("investigator") as act:
        return act.uow.session.scalars(sa.select(Participant).where(Participant.code == code)).one()


def report(study: LitStudy, who: str = "coordinator", **how: str) -> str:
    """Somebody signs a deviation; its id."""
    made = study.trial.do(
        who, deviations.report, participant(study).id, said_of(study, **how), PASSWORD
    )
    return str(made.id)


def confirm(study: LitStudy, who: str, deviation_id: str) -> None:
    """Somebody confirms it."""
    study.trial.do(who, deviations.confirm, deviation_id, PASSWORD)


def test_two_people_sign_it_one_of_them_an_investigator(study: LitStudy) -> None:
    """F1: who reported does not confirm; the list shows both signatures."""
    one = report(study)
    with pytest.raises(Refusal, match="Another person confirms"):
        confirm(study, "coordinator", one)
    confirm(study, "investigator", one)
    with pytest.raises(Refusal, match="confirmed already"):
        confirm(study, "investigator", one)
    with study.trial.look("monitor") as act:
        (sheet,) = deviations.listed(act)
    assert (sheet.reported.name != sheet.confirmed.name) if sheet.confirmed else False
    assert participant(study).state == "allocated"


def test_a_coordinator_confirms_what_an_investigator_reported(study: LitStudy) -> None:
    confirm(study, "coordinator", report(study, "investigator"))


@pytest.mark.parametrize(
    ("first", "second"), [("coordinator", "investigator"), ("investigator", "")]
)
def test_somebody_not_treated_leaves_with_an_investigators_signature(
    study: LitStudy, first: str, second: str
) -> None:
    """The slot is used up all the same."""
    one = report(study, first, outcome="not_treated", kind="not_eligible")
    if second:
        assert participant(study).state == "allocated"
        confirm(study, second, one)
    assert participant(study).state == "withdrawn"
    with study.trial.look("pharmacist") as act:
        first_slot = act.uow.session.scalars(sa.select(Slot).where(Slot.number == 1)).one()
        assert first_slot.participant_id == participant(study).id


def test_what_is_missing_or_wrong_is_said_beside_its_field(study: LitStudy) -> None:
    good = said_of(study)
    for field, value in (
        ("kind", "swapped"),
        ("outcome", ""),
        ("account", "short"),
        ("corrective", "x" * 1001),
    ):
        with pytest.raises(BadForm) as refused:
            study.trial.do(
                "coordinator",
                deviations.report,
                participant(study).id,
                replace(good, **{field: value}),
                PASSWORD,
            )
        assert list(refused.value.errors) == [field]


def test_only_a_place_can_be_given_in_error(study: LitStudy) -> None:
    with pytest.raises(Refusal, match="never had a place"):
        study.trial.do(
            "coordinator",
            deviations.report,
            participant(study, "M-002").id,
            said_of(study),
            PASSWORD,
        )


def test_nobody_else_reports_and_the_pharmacy_reads_none(study: LitStudy) -> None:
    """B: words of blinded people only, read by blinded people only."""
    for who in ("monitor", "nurse", "pharmacist", "statistician"):
        with pytest.raises(Refusal, match="do not include"):
            report(study, who)
    with study.trial.look("pharmacist") as act, pytest.raises(Refusal):
        deviations.listed(act)


def test_a_deviation_stays_as_it_was_signed(study: LitStudy) -> None:
    """C3: by the database's own refusal."""
    confirm(study, "investigator", report(study))
    for table in ("deviation", "deviation_confirmation"):
        for change in (f"DELETE FROM {table}", f"UPDATE {table} SET signed_at = signed_at"):
            with pytest.raises(sa.exc.IntegrityError), study.trial.engine.begin() as connection:
                connection.execute(sa.text(change))


def test_the_tables_words_are_the_pages_words() -> None:
    assert tuple(deviations.KINDS) == kept.KINDS
