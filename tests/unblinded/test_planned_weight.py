"""A weight corrected after planning voids the plan: nothing of it is opened or released."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest

from pharmacy.domain.bag_code import Piece
from pharmacy.domain.errors import Refusal
from pharmacy.domain.scanning import Stop
from pharmacy.services import participants
from pharmacy.unblinded import bench, overview, releasing
from pharmacy.unblinded.bag_record import Stage
from pharmacy.unblinded.bench import Source
from pharmacy.unblinded.bench_page import bench_page
from tests.support.builders import PASSWORD
from tests.support.lit_builders import open_study
from tests.support.scans import scan
from tests.unblinded.bench_acts import (
    ALL_MASKED,
    IVIG_FIRST,
    SALINE_FIRST,
    AtBench,
    a_bag,
    new_operation,
)

_STEPS = (
    (bench.apply_inner, ("A" * 20,)),
    (bench.open_bag, ()),
    (bench.add_source, (Source(scanned="(01)00000000000000"),)),
    (bench.sign_prepared, (True, PASSWORD)),
    (bench.print_cover, ()),
    (bench.put_cover_on, ("A" * 20, "A" * 20, "S-1", ALL_MASKED)),
    (bench.start_over, ("weight corrected",)),
    (releasing.release, (PASSWORD,)),
)


@pytest.fixture
def at(sqlite_url) -> AtBench:
    return a_bag(open_study(sqlite_url), weight="95.6")


def _weigh(at: AtBench, weight: str, days_ago: int = 0) -> None:
    trial = at.study.trial
    trial.clock.move(minutes=1)
    with trial.look("pharmacist") as act:
        participant_id = bench.find(act, at.bag_id).participant.id
    trial.weigh(participant_id, weight, days_ago)


def _course(at: AtBench) -> str:
    with at.study.trial.look("pharmacist") as act:
        return bench.find(act, at.bag_id).course.id


def test_a_corrected_weight_stops_the_opening(at):
    """D2: 95.6 typed for 59.6; the old dose must not be drawn."""
    at.apply_inner()
    _weigh(at, "59.6")
    with pytest.raises(Refusal) as refused:
        at.do("pharmacist", bench.open_bag)

    assert "its weight was corrected after it was planned" in refused.value.sentence
    assert at.record().arm is None


@pytest.mark.parametrize("how_far", ["open", "prepared", "checked", "covered"])
def test_a_weight_corrected_late_stops_every_step_and_the_release(at, how_far):
    """D1, D2, K8: wherever the bag is, nothing more is done with it; and it is retired."""
    getattr(at, how_far)()
    at.wait_for_the_run()
    before = at.sealed()
    _weigh(at, "95.5")
    for verb, said in _STEPS:
        with pytest.raises(Refusal, match="The plan of this course is void") as refused:
            at.do("pharmacist", verb, *said)
        assert "destroy what was drawn" in refused.value.sentence

    assert at.sealed() == before
    assert at.study.bags(_course(at))[0].state == "retired"


def test_the_day_of_a_void_plan_takes_no_later_run(at):
    _weigh(at, "95.5")
    with at.study.trial.look("pharmacist") as act:
        day = bench.find(act, at.bag_id).day
        later = releasing.later_runs(act, bench.find(act, at.bag_id))[0]
    with pytest.raises(Refusal, match="is void"):
        at.study.do(
            "pharmacist", releasing.take_next_run, day.id, new_operation(), later, "courier"
        )


@pytest.mark.parametrize("arms", [IVIG_FIRST, SALINE_FIRST])
def test_both_arms_meet_the_same_stop(sqlite_url, arms):
    """B10: board, bench and scan say the same, whatever was drawn."""
    at = a_bag(open_study(sqlite_url, arms=arms), weight="95.6")
    at.prepared()
    _weigh(at, "59.6")
    room = at.study.room("pharmacist")
    with at.study.trial.look("pharmacist") as act:
        page = bench_page(act, room, at.bag_id)
        lanes = dict(overview.board(act, room).lanes)
        (order,) = overview.board(act, room).orders
    stop = scan(at.study.trial, at.code(Piece.OUTER_COVER)).verdict.stop

    assert (page.title, stop) == ("Plan void", Stop.PLAN_VOID)
    assert not page.may_mend
    assert {card.tag for card in lanes[overview.Lane.DONE]} == {"plan void"}
    assert not lanes[overview.Lane.TO_CHECK]
    assert order.note == "To plan again: the plan before is void. Weighed today"


def test_a_void_plan_is_planned_again_with_fresh_records(at):
    """D1: the new bags begin empty, under codes of their own, and go the whole way."""
    at.prepared()
    old, code = _course(at), at.code(Piece.OUTER_COVER)
    _weigh(at, "59.6")
    at.study.trial.clock.move(days=1)
    with at.study.trial.look("pharmacist") as act:
        order_id = bench.find(act, at.bag_id).course.order_id
    again = AtBench(at.study, at.study.bags(at.study.plan(order_id))[0].id)

    assert again.record().stage is Stage.PLANNED
    assert again.code(Piece.OUTER_COVER) != code
    again.covered()
    again.release()
    assert {bag.state for bag in at.study.bags(old)} == {"retired"}


def test_a_release_waits_for_a_correction_and_then_refuses(database_url):
    """D1, K8, on both databases: no bag leaves under a plan that is being voided."""
    at = a_bag(open_study(database_url), weight="95.6")
    at.covered()
    at.wait_for_the_run()
    room, trial = at.study.room("pharmacist"), at.study.trial
    with trial.look("pharmacist") as act:
        participant_id = bench.find(act, at.bag_id).participant.id

    def release() -> str:
        with pytest.raises(Refusal) as refused, trial.act("pharmacist") as act:
            releasing.release(act, room, at.bag_id, new_operation(), PASSWORD)
        return refused.value.sentence

    with ThreadPoolExecutor(1) as pool:
        with trial.act("coordinator") as act:
            participants.weigh(act, participant_id, "59.6", trial.today(), "C. Lindqvist")
            waiting = pool.submit(release)
            sleep(0.5)
            assert not waiting.done(), "it did not wait"
        said = waiting.result(20)
    state = at.study.bags(_course(at))[0].state
    trial.engine.dispose()

    assert "is void" in said
    assert state == "retired"


@pytest.mark.parametrize(("weight", "opens"), [("87.0", True), ("86.0", False)])
def test_a_later_weighing_stops_from_the_protocols_limit_on(at, weight, opens):
    at.apply_inner()
    at.study.trial.clock.move(days=1)
    _weigh(at, weight)
    if opens:
        at.do("pharmacist", bench.open_bag)
    else:
        with pytest.raises(Refusal, match="changed too much"):
            at.do("pharmacist", bench.open_bag)

    assert (at.record().arm is not None) is opens
