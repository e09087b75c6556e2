"""A weight that no longer counts voids the plan made with it, everywhere and for good (D1, D2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from time import sleep
from typing import Any

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import Conflict, Refusal
from pharmacy.domain.scanning import Answer, Stop
from pharmacy.domain.weight_limits import void_reason
from pharmacy.persistence import bags, courses
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import Course
from pharmacy.services import (
    arrivals,
    bedside,
    infusions,
    packing,
    participant_pages,
    participants,
    plans,
    scanning,
    today,
)
from pharmacy.services.kept_scans import Scanned
from tests.domain.protocols import might
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.scans import confirm, go, scan

MONDAY = date(2026, 3, 2)


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def course_of(trial: Trial, bag_id: str) -> Course:
    with trial.look("nurse") as act:
        found = bags.bag_with_day(act.uow.session, bag_id)
        assert found is not None
        return found[2]


def weigh(trial: Trial, bag_id: str, weight: str = "95.6", days_ago: int = 0) -> None:
    """Weigh the participant of a bag a minute later."""
    trial.clock.move(minutes=1)
    trial.weigh(course_of(trial, bag_id).participant_id, weight, days_ago)


def receive(trial: Trial, bag_id: str) -> Scanned:
    found: Scanned = trial.do("nurse", arrivals.receive, trial.code(bag_id), "scanner", "")
    return found


def states(trial: Trial, course_id: str) -> list[str]:
    return [bag.state for bag in trial.bags(course_id)]


def events(trial: Trial) -> list[str]:
    return [entry.event for entry in trial.events()]


@pytest.mark.parametrize(
    ("weighed", "why"),
    [
        ([("59.6", 0)], ""),
        ([("59.5", 0)], "corrected"),
        ([("95.6", 0)], "corrected"),
        ([("59.6", 1)], ""),
        ([("65.5", 1)], ""),
        ([("65.6", 1)], "changed"),
        ([("53.7", 1)], ""),
        ([("53.6", 1)], "changed"),
        ([("120.0", 1)], "changed"),
        ([("120.1", 1)], "over_limit"),
        ([("29.9", 1)], "under_limit"),
        # A correction of the day that was planned with, after a later weighing.
        ([("60.0", 1), ("95.6", 0)], "corrected"),
        # Weighed later, and then corrected for an earlier day that was not planned with.
        ([("60.0", 1), ("59.6", 0), ("90.0", -1)], ""),
    ],
)
def test_each_weighing(weighed: list[tuple[str, int]], why: str) -> None:
    """D1, D2: MIGHT, planned with 59.6 kg."""
    rows = [(Decimal(kg), MONDAY + timedelta(days=days)) for kg, days in weighed]
    rows.append((Decimal("59.6"), MONDAY))
    assert void_reason(might(), Decimal("59.6"), MONDAY, rows) == why


def test_a_plan_over_the_limit_is_not_void_because_the_weight_still_is() -> None:
    """It was planned under a signed decision; a change of 10% voids it all the same."""
    planned, later = (Decimal("125"), MONDAY), MONDAY + timedelta(days=1)
    assert void_reason(might(), *planned, [(Decimal("126"), later), planned]) == ""
    assert void_reason(might(), *planned, [(Decimal("138"), later), planned]) == "changed"


def test_a_plan_is_voided_once_and_its_bags_never_leave(trial: Trial) -> None:
    """K8: one entry says why, which bags there were, and that they are retired."""
    course_id = trial.planned()
    bag_id = trial.bags(course_id)[0].id
    weigh(trial, bag_id)
    weigh(trial, bag_id, "96.0")
    assert events(trial).count("course_voided") == 1
    course = course_of(trial, bag_id)
    assert course.void_why == "corrected"
    assert states(trial, course_id) == ["retired", "retired"]
    entry = next(e for e in trial.events() if e.event == "course_voided")
    said = json.loads(entry.body)
    assert said["reason"] == "corrected"
    assert said["old"]["visit"] == "W0"
    assert [state for _, state in said["new"]["bags"]] == ["retired", "retired"]


def test_no_later_weighing_brings_a_plan_back(trial: Trial) -> None:
    """95.6 for 59.6, and 59.6 again: what was printed in between may be anything."""
    bag_id = trial.ready_bag()
    weigh(trial, bag_id)
    weigh(trial, bag_id, "59.6")
    assert course_of(trial, bag_id).void_why == "corrected"
    assert scan(trial, trial.code(bag_id)).verdict.stop is Stop.PLAN_VOID


def test_a_bag_on_its_way_is_stopped_at_the_door_and_on_the_nurses_page(trial: Trial) -> None:
    """D1, D2: released, and then the weight is corrected."""
    bag_id = trial.ready_bag()
    with trial.look("pharmacist") as act:
        day_id = act.uow.session.get_one(Bag, bag_id).day_id
    weigh(trial, bag_id)
    answer = receive(trial, bag_id).verdict
    assert (answer.answer, answer.stop) == (Answer.STOP, Stop.PLAN_VOID)
    with trial.look("nurse") as act:
        (line,) = today.today(act).bags
    assert (line.standing, line.note) == ("stop", "The plan of this bag no longer holds.")
    with trial.look("pharmacist") as act:
        (delivery,) = packing.deliveries(act)
        assert delivery.void
        with pytest.raises(Refusal, match="Send none of them"):
            packing.packing_list(act, day_id)


@pytest.mark.parametrize("received", [False, True])
def test_a_bag_at_the_bedside_is_stopped_at_every_step(trial: Trial, received: bool) -> None:
    """D1, D2: by its scan, after its card, and when Start is pressed."""
    bag_id = trial.ready_bag()
    if received:
        receive(trial, bag_id)
    waiting, may_go = scan(trial, trial.code(bag_id)), go(trial, bag_id)
    weigh(trial, bag_id)
    assert scan(trial, trial.code(bag_id)).verdict.stop is Stop.PLAN_VOID
    assert confirm(trial, waiting, trial.card()).verdict.stop is Stop.PLAN_VOID
    assert trial.do("nurse", infusions.start, may_go.scan.id).verdict.stop is Stop.PLAN_VOID
    with trial.look("nurse") as act:
        assert act.uow.session.get(bags.Administration, bag_id) is None


def two_bags(trial: Trial) -> tuple[str, str]:
    """The two bags of a 120 kg day, both on their way."""
    first = trial.ready_bag(weight="120")
    second = trial.bags(course_of(trial, first).id)[1].id
    trial.release(second)
    return first, second


def test_a_running_bag_goes_on_and_the_next_one_does_not_start(trial: Trial) -> None:
    """As when somebody leaves the treatment: what runs is told and ended, nothing new begins."""
    first, second = two_bags(trial)
    trial.do("nurse", infusions.start, go(trial, first).scan.id)
    weigh(trial, first, "102")
    assert scan(trial, trial.code(first)).verdict.answer is Answer.CONTINUE
    with trial.look("nurse") as act:
        assert "Call the pharmacy now" in bedside.bedside(act, first).void
        running = today.today(act).bags[0]
    assert (running.word, running.tone) == ("Running", "stop")
    assert running.note == "Its plan no longer holds. Call the pharmacy."
    trial.clock.move(minutes=20)
    trial.do("nurse", infusions.pause, first, "10", "vitals")
    with pytest.raises(Refusal, match="no longer counts"):
        trial.do("nurse", infusions.restart, first)
    trial.do("nurse", infusions.end, first, "10", "ordered", PASSWORD)
    assert scan(trial, trial.code(second)).verdict.stop is Stop.PLAN_VOID
    assert states(trial, course_of(trial, first).id)[:2] == ["ended", "released"]
    with trial.look("investigator") as act:
        sheet = participant_pages.sheet(act, course_of(trial, first).participant_id)
    assert "the investigator decides" in sheet.line.next_step


def test_a_course_that_was_wholly_given_stays_as_it_was(trial: Trial) -> None:
    """A weight of months later says nothing about a dose that is in."""
    course_id = trial.planned()
    with trial.act("nurse") as act:
        for day in courses.days_of(act.uow.session, course_id):
            for bag in bags.bags_of_day(act.uow.session, day.id):
                act.uow.session.get_one(Bag, bag.id).state = "ended"
        act.record("given", f"course:{course_id}")
    weigh(trial, trial.bags(course_id)[0].id, "80")
    assert "course_voided" not in events(trial)


def test_a_plan_of_before_that_was_not_voided_stops_all_the_same(trial: Trial) -> None:
    """Rows that an older version left: the weights are asked once more."""
    bag_id = trial.ready_bag()
    weigh(trial, bag_id)
    with trial.act("pharmacist") as act:
        row = act.uow.session.get_one(Course, course_of(trial, bag_id).id)
        row.voided_at, row.void_why = None, ""
        act.record("as_before", f"bag:{bag_id}")
    assert scan(trial, trial.code(bag_id)).verdict.stop is Stop.PLAN_VOID
    weigh(trial, bag_id, "95.7")
    assert course_of(trial, bag_id).void_why == "corrected"


def test_a_void_plan_is_made_again_with_new_codes_and_the_old_ones_stop(trial: Trial) -> None:
    """D1: the corrected weight doses; the participant's page shows both plans."""
    bag_id = trial.ready_bag(weight="95.6")
    old = course_of(trial, bag_id)
    weigh(trial, bag_id, "59.6")
    trial.clock.move(days=1)
    again = trial.plan(old.order_id)
    with trial.look("pharmacist") as act:
        assert plans.plan_of(courses.course(act.uow.session, again)).course_g == 120  # type: ignore[arg-type]
        assert courses.course_of_order(act.uow.session, old.order_id).id == again  # type: ignore[union-attr]
    with trial.look("coordinator") as act:
        shown = participant_pages.sheet(act, old.participant_id)
    fresh = {trial.code(bag.id) for bag in trial.bags(again)}
    assert trial.code(bag_id) not in fresh
    assert scan(trial, trial.code(bag_id)).verdict.stop is Stop.PLAN_VOID
    assert [bool(course.void) for course in shown.courses] == [True, False]
    assert "weight was corrected" in shown.courses[0].void
    assert shown.line.next_step == "Week 0: day 1 of 2, planned"
    with pytest.raises(Refusal, match="already planned"):
        trial.plan(old.order_id)


def test_the_page_asks_for_the_plan_again(trial: Trial) -> None:
    bag_id = trial.bags(trial.planned())[0].id
    weigh(trial, bag_id, "60.0")
    with trial.look("coordinator") as act:
        shown = participant_pages.sheet(act, course_of(trial, bag_id).participant_id)
    assert shown.line.next_step == "Pharmacy plans Week 0 again: the plan is void"


def test_two_full_courses_of_one_order_are_impossible(trial: Trial) -> None:
    """D1: once a bag was started, the order is never planned again."""
    bag_id = trial.ready_bag()
    trial.do("nurse", infusions.start, go(trial, bag_id).scan.id)
    weigh(trial, bag_id)
    with pytest.raises(Refusal, match="was started, so it is not planned again"):
        trial.plan(course_of(trial, bag_id).order_id)


def test_the_database_keeps_one_open_course_of_an_order(database_url: str) -> None:
    """K8: on both databases, whoever writes it; and a void plan has a reason."""
    trial = make_trial(database_url)
    course = course_of(trial, trial.bags(trial.planned())[0].id)
    columns = {c.name: getattr(course, c.key) for c in Course.__table__.columns}
    twice, no_reason = {"id": "f" * 32}, {"id": "f" * 32, "voided_at": trial.clock()}
    for wrong, answer in ((twice, Conflict), (no_reason, sa.exc.IntegrityError)):
        with trial.engine.connect() as connection, pytest.raises(answer):
            connection.execute(sa.insert(Course).values(**{**columns, **wrong}))
    trial.engine.dispose()


def test_another_weight_than_was_seen_is_not_planned_with(trial: Trial) -> None:
    """A form that was filled before the correction, or sent once more after it."""
    bag_id = trial.bags(trial.planned())[0].id
    old = course_of(trial, bag_id)
    with trial.look("pharmacist") as act:
        runs = [day.run_at for day in courses.days_of(act.uow.session, old.id)]
    weigh(trial, bag_id, "60.0")
    with pytest.raises(Refusal, match="changed since this page"):
        trial.do("pharmacist", plans.plan_course, old.order_id, runs, old.weight_id)
    trial.do("pharmacist", plans.plan_course, old.order_id, runs)


def overtaken(trial: Trial, who: str, slow: Callable[[Any], Any], fast: Callable[[], Any]) -> Any:
    """What `fast` is answered that begins while `slow` has acted and not committed yet."""
    with ThreadPoolExecutor(1) as pool:
        with trial.act(who) as act:
            slow(act)
            waiting = pool.submit(fast)
            sleep(0.5)
            assert not waiting.done(), "it did not wait"
        return waiting.result(20)


def test_start_and_correction_take_turns(database_url: str) -> None:
    """D1, K8, on both databases: who presses Start while the weight is corrected meets the Stop."""
    trial = make_trial(database_url)
    bag_id = trial.ready_bag()
    may_go, participant_id = go(trial, bag_id), course_of(trial, bag_id).participant_id
    on = trial.today()

    def correct(act: Any) -> None:
        participants.weigh(act, participant_id, "95.6", on, "C. Lindqvist")

    def start() -> Scanned:
        found: Scanned = trial.do("nurse", infusions.start, may_go.scan.id)
        return found

    assert overtaken(trial, "coordinator", correct, start).verdict.stop is Stop.PLAN_VOID
    trial.engine.dispose()


def test_planning_again_waits_for_a_start(database_url: str) -> None:
    """D1, K8, on both databases: a bag that is being started is a bag of its order."""
    trial = make_trial(database_url)
    bag_id = trial.ready_bag()
    may_go, course = go(trial, bag_id), course_of(trial, bag_id)

    def plan_again() -> str:
        trial.weigh(course.participant_id, "95.6")
        with pytest.raises(Refusal) as refused:
            trial.plan(course.order_id)
        return refused.value.sentence

    said = overtaken(trial, "nurse", lambda act: infusions.start(act, may_go.scan.id), plan_again)
    assert said == plans.PART_GIVEN
    trial.engine.dispose()


def test_a_go_that_a_correction_has_overtaken_says_so(trial: Trial) -> None:
    may_go = go(trial, trial.ready_bag())
    weigh(trial, may_go.bag.id)  # type: ignore[union-attr]
    with trial.look("nurse") as act, pytest.raises(Refusal, match="no longer holds"):
        scanning.need_still_so(act, may_go)
