"""From a signed order to a course: what is computed, kept and refused. D1, D2, D3, D7, D10."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pharmacy.domain.errors import Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.persistence import bags, courses
from pharmacy.persistence.bags import Administration, Bag
from pharmacy.services import plans
from tests.support.builders import MIGHT, Trial, make_trial
from tests.support.laid_down import lay_down

NINE = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def refused(trial: Trial, order_id: str, first: datetime | None = None) -> str:
    with pytest.raises(Refusal) as refusal:
        trial.plan(order_id, first)
    return refusal.value.sentence


def infuse(trial: Trial, course_id: str, infused_ml: str = "600") -> None:
    """Every bag of the course is given at its run."""
    with trial.act("nurse") as act:
        for day in courses.days_of(act.uow.session, course_id):
            for bag in bags.bags_of_day(act.uow.session, day.id):
                act.uow.session.add(
                    Administration(
                        bag_id=bag.id,
                        started_at=day.run_at,
                        started_by=act.person.id,
                        ended_at=day.run_at + timedelta(hours=5),
                        ended_by=act.person.id,
                        infused_ml=Decimal(infused_ml),
                        reason="",
                    )
                )
                act.uow.session.get_one(Bag, bag.id).state = BagState.ENDED.value
        act.record("given", f"course:{course_id}")


def later_order(trial: Trial, participant_id: str, visit: str, days: int) -> str:
    trial.clock.move(days=days)
    trial.weigh(participant_id)
    return trial.order(participant_id, visit)


def test_the_worked_example_becomes_days_limits_and_bags(trial: Trial) -> None:
    """D1, D3, D7: 59.6 kg is 120 g in 2 x 600 mL of 290 minutes."""
    course_id = trial.planned()
    with trial.look("pharmacist") as act:
        course = courses.course(act.uow.session, course_id)
        assert course is not None
        plan = plans.plan_of(course)
        days = courses.days_of(act.uow.session, course_id)
        assert (plan.course_g, plan.course_ml) == (120, 1200)
        assert plans.protocol_of_course(act, course).version == plan.protocol_version
    assert [day.run_at for day in days] == [NINE, NINE + timedelta(days=1)]
    for day in days:
        assert day.stop_by == day.run_at + timedelta(hours=8)
        assert day.latest_start == day.run_at + timedelta(minutes=480 - 290 - 30)
    assert [(bag.volume_ml, bag.state) for bag in trial.bags(course_id)] == [(600, "planned")] * 2
    assert next(entry.event for entry in trial.events()) == "course_planned"


def test_each_bag_has_a_code_of_its_own(trial: Trial) -> None:
    """A12."""
    found = {trial.code(bag.id) for bag in trial.bags(trial.planned(weight="120"))}
    assert len(found) == 4


def test_a_run_over_the_change_to_summer_time_keeps_its_length(trial: Trial) -> None:
    """D10: 8 March 2026 is an hour short; the limits are not."""
    trial.clock.at = datetime(2026, 3, 7, 14, 30, tzinfo=UTC)
    course_id = trial.planned()
    with trial.look("pharmacist") as act:
        days = courses.days_of(act.uow.session, course_id)
    assert [day.run_at.hour for day in days] == [15, 14]
    assert days[1].stop_by - days[1].run_at == timedelta(hours=8)


def test_without_a_slot_nothing_is_planned(trial: Trial) -> None:
    participant_id = trial.register()
    trial.weigh(participant_id)
    trial.eligible(participant_id)
    assert refused(trial, trial.order(participant_id)).startswith(
        "This participant has no slot yet."
    )


@pytest.mark.parametrize(
    ("days_ago", "sentence"), [(7, None), (8, "The weight is 8 days old; at most 7 are allowed")]
)
def test_a_stale_weight_is_refused(trial: Trial, days_ago: int, sentence: str | None) -> None:
    """D2."""
    participant_id = trial.register()
    trial.weigh(participant_id, "59.6", days_ago)
    trial.eligible(participant_id)
    trial.allocate(participant_id)
    order_id = trial.order(participant_id)
    if sentence is None:
        assert trial.plan(order_id)
    else:
        assert refused(trial, order_id).startswith(sentence)


@pytest.mark.parametrize(("travel_min", "fits"), [(95, True), (96, False)])
def test_a_plan_that_cannot_end_in_time_is_refused(
    trial: Trial, travel_min: int, fits: bool
) -> None:
    """D7: 290 minutes with their margins; seen when the plan is made, not at the bedside."""
    order_id = trial.order(trial.enrolled())
    lay_down(trial, "travel_min = 60", f"travel_min = {travel_min}")
    if fits:
        assert trial.plan(order_id)
        return
    with trial.look("pharmacist") as act, pytest.raises(Refusal, match="needs 481 with its"):
        plans.propose(act, order_id)
    assert "day 1 takes 290 minutes" in refused(trial, order_id)


def test_a_weight_that_would_be_stale_on_the_day_is_refused(trial: Trial) -> None:
    """D2: fresh today, eight days old at the infusion."""
    participant_id = trial.enrolled()
    order_id = trial.order(participant_id)
    assert "8 days old on the first infusion day" in refused(
        trial, order_id, NINE + timedelta(days=8) - timedelta(hours=1)
    )
    assert trial.plan(order_id, NINE + timedelta(days=5))


@pytest.mark.parametrize(
    ("before", "now", "stops"), [("70", "76.9", False), ("70", "77", True), ("70", "63", True)]
)
def test_a_change_of_ten_percent_stops(trial: Trial, before: str, now: str, stops: bool) -> None:
    """D2."""
    participant_id = trial.enrolled(weight=before)
    trial.clock.move(days=1)
    trial.weigh(participant_id, now)
    order_id = trial.order(participant_id)
    if stops:
        assert f"changed from {before} kg to {now} kg" in refused(trial, order_id)
    else:
        assert trial.plan(order_id)


def test_a_second_entry_of_the_same_day_is_a_correction(trial: Trial) -> None:
    """D2: the mistyped 95 kg neither doses nor blocks."""
    participant_id = trial.enrolled(weight="95")
    trial.clock.move(minutes=1)
    trial.weigh(participant_id, "59.6")
    course_id = trial.plan(trial.order(participant_id))
    assert [bag.volume_ml for bag in trial.bags(course_id)] == [600, 600]


def test_over_120_kg_after_enrolment_stops(trial: Trial) -> None:
    """D2: the investigator must decide; nothing is capped in silence."""
    participant_id = trial.enrolled(weight="118")
    trial.clock.move(days=1)
    trial.weigh(participant_id, "120.1")
    sentence = refused(trial, trial.order(participant_id))
    assert "over the protocol's limit of 120 kg" in sentence


def test_an_order_is_planned_once(trial: Trial) -> None:
    order_id = trial.order(trial.enrolled())
    trial.plan(order_id)
    assert refused(trial, order_id) == "This order was already planned."


def test_runs_are_the_site_s_own_in_order_and_not_over(trial: Trial) -> None:
    order_id = trial.order(trial.enrolled())
    wrong = [
        [NINE],
        [NINE, NINE + timedelta(hours=4)],
        [NINE + timedelta(days=1), NINE],
        [NINE - timedelta(days=1), NINE],
        [NINE, NINE + timedelta(days=1, minutes=1)],
    ]
    for runs in wrong:
        with pytest.raises(Refusal), trial.act("pharmacist") as act:
            plans.plan_course(act, order_id, runs)
    trial.clock.move(hours=1)
    assert "A chosen run is over" in refused(trial, order_id, NINE)


def test_only_the_pharmacist_plans(trial: Trial) -> None:
    order_id = trial.order(trial.enrolled())
    for who in ("coordinator", "investigator", "nurse", "checker"):
        with pytest.raises(Refusal) as refusal, trial.act(who) as act:
            plans.propose(act, order_id)
        assert refusal.value.status == 403


LATER_LADDER = MIGHT.read_text().replace(
    'later = [\n    { rate_ml_per_kg_per_min = "0.01", minutes = 30 },\n',
    "later = [\n",
)


@pytest.fixture
def two_ladders(sqlite_url: str) -> Trial:
    """MIGHT with a shorter ladder for later courses, so that the history can be told."""
    assert MIGHT.read_text() != LATER_LADDER
    return make_trial(sqlite_url, protocol_text=LATER_LADDER)


def first_infusion(trial: Trial, order_id: str) -> bool:
    with trial.look("pharmacist") as act:
        return plans.propose(act, order_id)[3].first_infusion


def test_the_later_ladder_needs_an_administered_course(two_ladders: Trial) -> None:
    """A planned course that was never given is no history, nor one of which nothing went in."""
    trial = two_ladders
    participant_id = trial.enrolled()
    course_id = trial.plan(trial.order(participant_id))
    order_id = later_order(trial, participant_id, "W4", 28)
    assert first_infusion(trial, order_id)
    infuse(trial, course_id, "0")
    assert first_infusion(trial, order_id)


def test_given_within_eight_weeks_the_later_ladder_applies(two_ladders: Trial) -> None:
    trial = two_ladders
    participant_id = trial.enrolled()
    infuse(trial, trial.plan(trial.order(participant_id)))
    order_id = later_order(trial, participant_id, "W4", 28)
    assert not first_infusion(trial, order_id)
    trial.clock.move(days=30)
    trial.weigh(participant_id)
    assert first_infusion(trial, order_id)


def test_the_first_open_label_course_starts_anew_whatever_the_arm(two_ladders: Trial) -> None:
    """B5: judged as if always on placebo, so that the ladder tells nothing."""
    trial = two_ladders
    participant_id = trial.enrolled()
    for visit, days in (("W0", 0), ("W4", 28), ("W8", 28)):
        infuse(trial, trial.plan(later_order(trial, participant_id, visit, days)))
    order_id = later_order(trial, participant_id, "W12", 28)
    assert first_infusion(trial, order_id)


def test_a_course_cannot_start_before_an_earlier_one_ended(trial: Trial) -> None:
    participant_id = trial.enrolled()
    infuse(trial, trial.plan(trial.order(participant_id)))
    order_id = trial.order(participant_id, "W4")
    assert refused(trial, order_id).startswith("An earlier course ran on that day or later.")


def test_two_courses_of_a_participant_never_share_days(trial: Trial) -> None:
    """D1: both doses on one day would be twice the dose."""
    participant_id = trial.enrolled()
    first, second = trial.order(participant_id), trial.order(participant_id, "W4")
    trial.plan(first)
    for start in (NINE, NINE + timedelta(days=1)):
        assert "has these days" in refused(trial, second, start)
    trial.plan(second, NINE + timedelta(days=2))
