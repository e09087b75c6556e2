"""An infusion in the middle of its ladder: pauses, restarts, the end and its limit. A14, D7, D10,
D11, K10.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmacy.domain.bag_limits import minutes_left
from pharmacy.domain.dose_plan import DayPlan
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.rates import infusion_minutes, step_at_volume
from pharmacy.domain.running import (
    BagRun,
    LeftOff,
    Pause,
    RateChange,
    Standing,
    follow,
    left_off,
    whole_minutes,
)
from tests.domain.protocols import might, plan_for, second

# 10:00 in Birmingham, Alabama, an hour after the run; stop and discard at 17:00.
START = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
STOP_BY = START + timedelta(hours=7)
WORKED = plan_for("59.6").days[0]
TWO_BAGS = plan_for("120").days[0]


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def pause(since: float, infused: str, until: float | None = None, reaction: bool = False) -> Pause:
    return Pause(at(since), Decimal(infused), reaction, None if until is None else at(until))


def worked(*pauses: Pause, stop_by: datetime = STOP_BY) -> BagRun:
    return BagRun(WORKED, 1, START, stop_by, pauses)


def seen(run: BagRun, minutes: float, protocol: Protocol | None = None) -> Standing:
    return follow(run, protocol or might(), at(minutes))


def rates(changes: tuple[RateChange, ...]) -> list[tuple[float, str]]:
    """Changes as minutes from the start and the rate, or a dash."""
    return [
        ((change.at - START) / timedelta(minutes=1), str(change.rate_ml_per_hour or "-"))
        for change in changes
    ]


# The worked example: 59.6 kg, 600 mL, 35, 71 and 143 mL/hour, 290 minutes ----------------------


def test_without_a_pause_it_runs_as_the_label_says() -> None:
    """A14: 35, 71, 143 mL/hour, 30 minutes a step, in after 290 minutes."""
    begun = seen(worked(), 0)
    assert rates(begun.so_far) == [(0, "35")]
    assert rates(begun.to_come) == [(30, "71"), (60, "143")]
    assert (begun.needed_min, begun.running_min, begun.over) == (290, 0, False)
    assert begun.done_at == begun.bag_done_at
    assert at(289) < begun.done_at <= at(290)
    later = seen(worked(), 45)
    assert rates(later.so_far) == [(0, "35"), (30, "71")]
    assert rates(later.to_come) == [(60, "143")]
    assert (later.rate_ml_per_hour, later.needed_min) == (71, 245)
    assert later.done_at == begun.done_at
    assert (later.latest_restart, later.from_first_after) == (None, None)


def test_a_step_changes_at_its_minute_and_not_before() -> None:
    assert seen(worked(), 29.9).rate_ml_per_hour == 35
    assert seen(worked(), 30).rate_ml_per_hour == 71
    assert rates(seen(worked(), 30).so_far) == [(0, "35"), (30, "71")]


def test_a_pause_moves_the_later_steps() -> None:
    """The ladder counts running time only: 10 minutes of pause move both steps and the end."""
    run = worked(pause(20, "11.7", until=30))
    found = seen(run, 30)
    assert rates(found.so_far) == [(0, "35"), (20, "-"), (30, "35")]
    assert rates(found.to_come) == [(40, "71"), (70, "143")]
    assert (found.running_min, found.needed_min) == (20, 270)


def test_a_pause_of_an_hour_goes_on_and_a_longer_one_begins_again() -> None:
    """The label: from the first step again only if stopped longer than 60 minutes."""
    on = seen(worked(pause(90, "124", until=150)), 150)
    assert (on.rate_ml_per_hour, on.running_min) == (143, 90)
    again = seen(worked(pause(90, "124", until=150.001)), 150.001)
    assert (again.rate_ml_per_hour, again.running_min) == (35, 0)
    # 476 mL from the first step: 53 in the first hour, 423 at 143 mL/hour.
    assert again.needed_min == 60 + 178


def test_after_a_reaction_it_restarts_at_no_more_than_half() -> None:
    """Half of 143 is 71.5: the step of 71, which runs its 30 minutes, then 143 again."""
    found = seen(worked(pause(90, "124", until=100, reaction=True)), 100)
    assert (found.rate_ml_per_hour, found.running_min) == (71, 30)
    assert rates(found.to_come) == [(130, "143")]


def test_a_reaction_on_a_low_step_restarts_on_the_first() -> None:
    """Half of 35 is under every step."""
    for since in (10, 29, 40):
        found = seen(worked(pause(since, "5", until=since + 5, reaction=True)), since + 5)
        assert (found.rate_ml_per_hour, found.running_min) == (35, 0)


def test_a_long_pause_for_a_reaction_begins_with_the_first_step() -> None:
    found = seen(worked(pause(90, "124", until=151, reaction=True)), 151)
    assert (found.rate_ml_per_hour, found.running_min) == (35, 0)


def test_while_paused_it_says_how_a_restart_would_go() -> None:
    run = worked(pause(90, "124"))
    found = seen(run, 100)
    assert rates(found.so_far) == [(0, "35"), (30, "71"), (60, "143"), (90, "-")]
    assert (found.rate_ml_per_hour, found.running_min) == (143, 90)
    assert found.from_first_after == at(150)
    # 476 mL from the first step take 238 minutes: 17:00 less 238 less 30, two more than the hour.
    assert found.latest_restart == at(152)
    again = seen(run, 151)
    assert (again.rate_ml_per_hour, again.latest_restart) == (35, found.latest_restart)
    assert rates(again.to_come) == [(181, "71"), (211, "143")]


@pytest.mark.parametrize(
    ("stop_by", "latest"),
    [
        # It goes on for 200 minutes, or begins again for 238; 30 of margin; 60 of pause at most.
        (90 + 230 + 59, 149),
        (90 + 230 + 60, 150),
        (90 + 230 + 61, 150),
        (90 + 230 + 97, 150),
        (90 + 230 + 99, 151),
        (90 + 230 - 10, 80),
    ],
)
def test_the_latest_restart_takes_the_rule_that_holds_then(stop_by: float, latest: float) -> None:
    """D7: as it goes on while it may, as it begins again where that is still later."""
    assert seen(worked(pause(90, "124"), stop_by=at(stop_by)), 91).latest_restart == at(latest)


def test_the_time_limit_is_reached_at_its_minute() -> None:
    """D11."""
    assert not seen(worked(), 419.9).over
    assert seen(worked(), 420).over
    assert seen(worked(pause(90, "124")), 420).over


def test_a_later_bag_goes_on_where_the_ladder_stands() -> None:
    """A14: 120 kg, two bags of 600 mL: after the first, 162.5 minutes, 288 mL/hour."""
    run = BagRun(TWO_BAGS, 2, START, STOP_BY)
    found = seen(run, 0)
    assert (found.rate_ml_per_hour, found.running_min, found.to_come) == (288, 162, ())
    assert found.needed_min == minutes_left(TWO_BAGS, 2)


def test_a_later_bag_never_begins_further_than_the_one_before_came() -> None:
    """The bag before ran from the first step again, and ended on its second."""
    slow = BagRun(TWO_BAGS, 1, at(-200), STOP_BY, (pause(-120, "550", until=-50),))
    before = left_off(slow, might(), at(-10))
    assert (before.stopped_at, before.on_ladder) == (at(-10), timedelta(minutes=40))
    found = seen(BagRun(TWO_BAGS, 2, START, STOP_BY, (), before), 0)
    assert (found.rate_ml_per_hour, found.running_min) == (144, 40)
    long_ago = replace(before, stopped_at=at(-60.1))
    assert seen(BagRun(TWO_BAGS, 2, START, STOP_BY, (), long_ago), 0).rate_ml_per_hour == 72


def test_a_bag_that_ended_while_paused_left_off_at_its_pause() -> None:
    stopped = BagRun(TWO_BAGS, 1, at(-200), STOP_BY, (pause(-30, "590", reaction=True),))
    before = left_off(stopped, might(), at(-5))
    assert before == LeftOff(at(-30), timedelta(minutes=30))


def test_the_first_of_two_bags_tells_its_own_end_and_the_day_s() -> None:
    found = seen(BagRun(TWO_BAGS, 1, START, STOP_BY), 0)
    assert found.bag_done_at == at(162.5)
    assert found.needed_min == TWO_BAGS.duration_min
    # Nobody changed the bag: what is left for the next one counts from now on.
    late = seen(BagRun(TWO_BAGS, 1, START, STOP_BY), 180)
    assert (late.bag_done_at, late.needed_min) == (at(162.5), 125)


def test_a_moment_that_is_not_utc_is_refused() -> None:
    with pytest.raises(ValueError, match="UTC"):
        follow(worked(), might(), datetime(2026, 3, 2, 10, 0))
    with pytest.raises(ValueError, match="UTC"):
        follow(replace(worked(), stop_by=STOP_BY.replace(tzinfo=None)), might(), START)


def test_a_change_of_clocks_changes_nothing() -> None:
    """D10: 01:30 CST on the night of 8 March 2026; half an hour later it is 03:00 CDT."""
    night = datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    moved = night - START
    run = worked(pause(20, "11.7", until=80), pause(100, "50"))
    there = replace(
        run,
        started_at=night,
        stop_by=STOP_BY + moved,
        pauses=tuple(
            replace(
                each,
                paused_at=each.paused_at + moved,
                restarted_at=each.restarted_at and each.restarted_at + moved,
            )
            for each in run.pauses
        ),
    )
    here, found = seen(run, 120), follow(there, might(), night + timedelta(minutes=120))
    assert found.latest_restart is not None
    assert here.latest_restart is not None
    assert found.latest_restart - here.latest_restart == moved
    assert found.done_at - here.done_at == moved
    assert found.needed_min == here.needed_min


# What holds for every plan, bag and pause ------------------------------------------------------

weights = st.integers(min_value=400, max_value=1200).map(lambda tenths: Decimal(tenths) / 10)
protocols = st.sampled_from([might(), second()])


@st.composite
def begun_runs(draw: st.DrawFn) -> tuple[BagRun, Protocol]:
    """A bag of a day that was just begun."""
    protocol = draw(protocols)
    visit = protocol.infusion_visits()[0].code
    day = draw(st.sampled_from(plan_for(draw(weights), draw(st.booleans()), visit, protocol).days))
    number = draw(st.integers(min_value=1, max_value=len(day.bags)))
    return BagRun(day, number, START, at(60 * 20)), protocol


@st.composite
def pauses_of(draw: st.DrawFn, run: BagRun, protocol: Protocol, most: int = 3) -> BagRun:
    """The run with ended pauses at which the pump shows what its own rates gave."""
    now = run.started_at
    for _ in range(draw(st.integers(min_value=1, max_value=most))):
        now += timedelta(seconds=draw(st.integers(min_value=0, max_value=4000)))
        shown = given_ml(run, protocol, now)
        lasts = timedelta(seconds=draw(st.integers(min_value=0, max_value=6000)))
        made = Pause(now, shown, draw(st.booleans()), now + lasts)
        now += lasts
        run = replace(run, pauses=(*run.pauses, made))
    return run


def given_ml(run: BagRun, protocol: Protocol, now: datetime) -> Decimal:
    """What the rates so far gave since the last pause, in tenths of a mL rounded down."""
    changes = follow(run, protocol, now).so_far
    ends = [*(change.at for change in changes[1:]), now]
    since = run.pauses[-1].restarted_at if run.pauses else run.started_at
    given = run.pauses[-1].infused_ml if run.pauses else Decimal(0)
    for change, end in zip(changes, ends, strict=True):
        if change.rate_ml_per_hour and change.at >= since:
            hours = Decimal((end - change.at) // timedelta(microseconds=1)) / 3_600_000_000
            given += change.rate_ml_per_hour * hours
    bag_ml = run.day.bags[run.bag_number - 1].volume_ml
    return min(given, bag_ml) // Decimal("0.1") * Decimal("0.1")


def sometime(run: BagRun, data: st.DataObject) -> datetime:
    """A moment after the last thing that happened."""
    last = run.pauses[-1].restarted_at if run.pauses else run.started_at
    assert last is not None
    return last + timedelta(seconds=data.draw(st.integers(min_value=0, max_value=20_000)))


@given(begun_runs())
def test_a_begun_bag_needs_what_the_label_allows_for(begun: tuple[BagRun, Protocol]) -> None:
    """D7, A14: without a pause the same minutes and rates as the plan, the label, the limits."""
    run, protocol = begun
    found = follow(run, protocol, run.started_at)
    assert found.needed_min == minutes_left(run.day, run.bag_number)
    before_ml = sum((b.volume_ml for b in run.day.bags[: run.bag_number - 1]), Decimal(0))
    assert found.rate_ml_per_hour == step_at_volume(run.day.ladder, before_ml).rate_ml_per_hour
    if run.bag_number == 1:
        assert found.needed_min == infusion_minutes(run.day.ladder, run.day.volume_ml)[0]


@given(begun_runs(), st.data())
def test_a_pause_that_goes_on_moves_the_end_by_itself(
    begun: tuple[BagRun, Protocol], data: st.DataObject
) -> None:
    """K10: whatever the pump showed, d minutes of pause are d minutes at the end."""
    run, protocol = begun
    now, bag_ml = sometime(run, data), run.day.bags[run.bag_number - 1].volume_ml
    infused_ml = data.draw(st.decimals(min_value=0, max_value=bag_ml, places=1))
    lasts = timedelta(
        seconds=data.draw(st.integers(0, 60 * protocol.rates.restart_from_first_after_min))
    )
    short = replace(run, pauses=(Pause(now, infused_ml, False, now),))
    long = replace(run, pauses=(Pause(now, infused_ml, False, now + lasts),))
    one, other = follow(short, protocol, now), follow(long, protocol, now + lasts)
    assert other.done_at - one.done_at == lasts
    assert other.needed_min == one.needed_min
    assert other.rate_ml_per_hour == one.rate_ml_per_hour


@given(begun_runs(), st.data())
def test_the_rate_is_never_above_the_ladder(
    begun: tuple[BagRun, Protocol], data: st.DataObject
) -> None:
    """Never faster to catch up: not above the step of that running minute, nor of the clock."""
    run, protocol = begun
    begins = follow(run, protocol, run.started_at).on_ladder
    run = data.draw(pauses_of(run, protocol))
    now = sometime(run, data)
    stood = sum((each.restarted_at - each.paused_at for each in run.pauses), timedelta(0))
    ran = begins + (now - run.started_at) - stood
    found = follow(run, protocol, now)
    step = [s for s in run.day.ladder if timedelta(minutes=s.start_min) <= ran][-1]
    assert found.on_ladder <= ran
    assert found.rate_ml_per_hour <= step.rate_ml_per_hour
    assert found.so_far[-1].rate_ml_per_hour == found.rate_ml_per_hour
    assert [c.at for c in found.so_far] == sorted(c.at for c in found.so_far)


@given(begun_runs(), st.data())
def test_more_pauses_never_end_earlier(begun: tuple[BagRun, Protocol], data: st.DataObject) -> None:
    run, protocol = begun
    run = data.draw(pauses_of(run, protocol, most=4))
    ends = []
    for count in range(len(run.pauses) + 1):
        shorter = replace(run, pauses=run.pauses[:count])
        last = shorter.pauses[-1].restarted_at if count else run.started_at
        ends.append(follow(shorter, protocol, last).done_at)
    assert ends == sorted(ends)


@given(begun_runs(), st.data())
def test_what_is_needed_falls_by_what_was_given(
    begun: tuple[BagRun, Protocol], data: st.DataObject
) -> None:
    """More in at a pause is never more to come; and without a pause a minute needs one less."""
    run, protocol = begun
    now, bag_ml = sometime(run, data), run.day.bags[run.bag_number - 1].volume_ml
    low, high = sorted(
        data.draw(st.decimals(min_value=0, max_value=bag_ml, places=1)) for _ in range(2)
    )
    less, more = (
        follow(replace(run, pauses=(Pause(now, ml, False, None),)), protocol, now)
        for ml in (low, high)
    )
    assert more.needed_min <= less.needed_min
    assert more.latest_restart >= less.latest_restart
    slowest = run.day.ladder[0].rate_ml_per_hour
    fastest = run.day.ladder[-1].rate_ml_per_hour
    saved = (less.done_at - more.done_at) / timedelta(hours=1)
    tiny = 1e-9
    assert float((high - low) / fastest) - tiny <= saved <= float((high - low) / slowest) + tiny
    begun_at, later = follow(run, protocol, START), follow(run, protocol, now)
    if now <= begun_at.bag_done_at:
        assert later.done_at == begun_at.done_at
        assert later.needed_min == whole_minutes(begun_at.done_at - now)


@given(begun_runs(), st.data())
def test_a_restart_at_the_latest_moment_is_in_before_the_margin(
    begun: tuple[BagRun, Protocol], data: st.DataObject
) -> None:
    """D7: at the latest restart the rest is still in `safety_min` before stop-by."""
    run, protocol = begun
    now, bag_ml = sometime(run, data), run.day.bags[run.bag_number - 1].volume_ml
    infused_ml = data.draw(st.decimals(min_value=0, max_value=bag_ml, places=1))
    paused = replace(run, pauses=(Pause(now, infused_ml, data.draw(st.booleans()), None),))
    latest = follow(paused, protocol, now).latest_restart
    margin = timedelta(minutes=protocol.margins.safety_min)
    if latest >= now:
        assert follow(paused, protocol, latest).done_at <= run.stop_by - margin
    too_late = max(latest, now) + timedelta(minutes=1, seconds=1)
    assert follow(paused, protocol, too_late).done_at > run.stop_by - margin


def test_the_answer_depends_on_no_precision_of_the_caller() -> None:
    run = worked(pause(20, "11.7", until=30, reaction=True), pause(60, "30.3"))
    with localcontext(prec=3):
        coarse = seen(run, 75)
    assert coarse == seen(run, 75)


def test_the_days_of_these_tests_are_what_they_say() -> None:
    def facts(day: DayPlan) -> tuple[list[int], list[str]]:
        return [int(bag.volume_ml) for bag in day.bags], [
            str(step.rate_ml_per_hour) for step in day.ladder
        ]

    assert facts(WORKED) == ([600], ["35", "71", "143"])
    assert facts(TWO_BAGS) == ([600, 600], ["72", "144", "288"])
