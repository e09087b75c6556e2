"""A live study that has not gone live: nobody is registered, allocated, prepared for or released.

E21: the configuration is made first, and nothing is done with it before it is released.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import Refusal
from pharmacy.domain.stages import NOT_LIVE_YET
from pharmacy.persistence import bags, studies
from pharmacy.persistence import participants as participant_rows
from pharmacy.persistence.courses import Order
from pharmacy.persistence.going_live import WentLive
from pharmacy.persistence.participants import AllocationRequest
from pharmacy.services import assessments, orders, participants, scanning
from pharmacy.unblinded import allocation, bench, planning, releasing
from tests.support.builders import PASSWORD, make_live
from tests.support.lit_builders import LitStudy, open_study


def _registers(study: LitStudy) -> None:
    consent = study.trial.today() - timedelta(days=1)
    study.trial.do("coordinator", participants.register, "M-009", consent)


def _signs_eligibility(study: LitStudy) -> None:
    study.trial.do("investigator", orders.sign_eligibility, _named(study, "M-003"), PASSWORD)


def _signs_an_order(study: LitStudy) -> None:
    on = study.trial.today()
    said = (_named(study, "M-002"), "W4", on, False, "", PASSWORD)
    study.trial.do("investigator", orders.sign_order, *said)


def _serves_the_oldest(study: LitStudy) -> None:
    study.do("pharmacist", allocation.serve_oldest)


def _serves_the_request(study: LitStudy) -> None:
    with study.trial.look("pharmacist") as act:
        waiting = sa.select(AllocationRequest.id).where(AllocationRequest.served_at.is_(None))
        request_id = act.uow.session.scalars(waiting).one()
    study.do("pharmacist", allocation.serve, request_id)


def _plans(study: LitStudy) -> None:
    with study.trial.look("pharmacist") as act:
        order_id = act.uow.session.scalars(sa.select(Order.id).where(Order.visit == "W8")).one()
    study.do("pharmacist", planning.plan_course, order_id, [study.trial.clock()])


def _applies_the_inner_label(study: LitStudy) -> None:
    study.do("pharmacist", bench.apply_inner, _bag(study), "apply-inner-000001", "x")


def _opens_an_envelope(study: LitStudy) -> None:
    study.do("pharmacist", bench.open_bag, _bag(study), "open-bag-00000001")


def _releases(study: LitStudy) -> None:
    study.do("pharmacist", releasing.release, _bag(study), "release-000000001", PASSWORD)


def _weighs(study: LitStudy) -> None:
    study.trial.weigh(_named(study, "M-003"))


def _signs_assessments(study: LitStudy) -> None:
    said = (_named(study, "M-002"), "W12", study.trial.today(), PASSWORD)
    study.trial.do("assessor", assessments.sign_complete, *said)


def _scans_a_bag(study: LitStudy) -> None:
    with study.trial.look("nurse") as act:
        bag_id = bags.bags_of_study(act.uow.session, study.study_id)[0][0].id
    study.trial.do("nurse", scanning.scan_bag, study.trial.code(bag_id), "scanner", "")


VERBS: tuple[Callable[[LitStudy], None], ...] = (
    _registers,
    _signs_eligibility,
    _signs_an_order,
    _serves_the_oldest,
    _serves_the_request,
    _plans,
    _applies_the_inner_label,
    _opens_an_envelope,
    _releases,
    _weighs,
    _signs_assessments,
    _scans_a_bag,
)


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """One participant with a planned bag and a second order, one who waits, one registered."""
    made = open_study(sqlite_url)
    made.planned("M-002")
    made.trial.order(_named(made, "M-002"), "W8", made.trial.today() + timedelta(days=56))
    made.eligible("M-004")
    made.trial.weigh(made.trial.register("M-003"))
    return made


def test_before_going_live_nothing_is_done_for_a_participant(study: LitStudy) -> None:
    """E21, E15: every step of the line refuses, each with the same sentence."""
    make_live(study.trial)
    with study.trial.act("administrator") as act:
        act.uow.session.execute(sa.delete(WentLive))
        act.record("stage_taken_back_by_test", f"study:{study.study_id}")
    for verb in VERBS:
        with pytest.raises(Refusal) as refused:
            verb(study)
        assert refused.value.sentence == NOT_LIVE_YET, verb.__name__


@pytest.mark.parametrize("verb", VERBS)
def test_once_live_none_is_refused_for_that(
    study: LitStudy, verb: Callable[[LitStudy], None]
) -> None:
    """The same acts go on, or are refused for a reason of their own."""
    make_live(study.trial)
    said = ""
    try:
        verb(study)
    except Refusal as refused:
        said = refused.sentence
    assert said != NOT_LIVE_YET


def _named(study: LitStudy, code: str) -> str:
    with study.trial.look("coordinator") as act:
        found = participant_rows.by_code(act.uow.session, study.study_id, code)
        assert found is not None
        return found.id


def _bag(study: LitStudy) -> str:
    with study.trial.look("pharmacist") as act:
        return bags.bags_of_study(act.uow.session, study.study_id)[0][0].id


def test_a_practice_study_needs_no_stage(study: LitStudy) -> None:
    """C7: a practice study is open from the beginning and never goes live."""
    with study.trial.look("coordinator") as act:
        row = studies.study(act.uow.session, study.study_id)
        assert row is not None
        assert row.practice
    _registers(study)
