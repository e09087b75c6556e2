"""When to start and when to stop, in UTC and in site time, through clock changes. D7, D10, A15."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmacy.domain.admitted import longest_plan, longest_plan_check
from pharmacy.domain.dosing import plan, plan_course
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.history import History
from pharmacy.domain.protocol import ProtocolError
from pharmacy.domain.site_time import format_limit, site_zone
from pharmacy.domain.time_limits import (
    earliest_start_min,
    need_fits,
    time_limits,
)
from tests.domain.protocols import altered, might, plan_for, second

CHICAGO = ZoneInfo("America/Chicago")


def site(text: str) -> datetime:
    """A Chicago wall-clock time as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO).astimezone(UTC)


def printed(moment: datetime) -> str:
    return format_limit(moment, CHICAGO)


def test_the_designs_label() -> None:
    """A15: 59.6 kg takes 290 min; pooled at 09:00, start by 11:40, stop at 17:00."""
    day = plan_for("59.6").days[0]
    limits = time_limits(site("2026-03-15T09:00"), day.duration_min, might())
    assert printed(limits.latest_start) == "2026-MAR-15 11:40 CDT"
    assert printed(limits.stop_by) == "2026-MAR-15 17:00 CDT"


def test_a_begin_limit_counts_until_the_start_only() -> None:
    """D7: begin and complete limits are different kinds; the stricter start wins."""
    pooled = datetime(2026, 3, 15, 14, 0, tzinfo=UTC)
    short = time_limits(pooled, 100, second())
    assert short.latest_start == pooled + timedelta(hours=4)
    assert short.stop_by == pooled + timedelta(hours=12, minutes=30)
    long = time_limits(pooled, 600, second())
    assert long.latest_start == pooled + timedelta(minutes=750 - 600 - 20)


def test_both_arms_get_the_stricter_of_both() -> None:
    """D7: whichever product has the shorter limit, it holds for all."""
    pooled = datetime(2026, 3, 15, 14, 0, tzinfo=UTC)
    usual = time_limits(pooled, 290, might())
    stricter_placebo = altered(
        'product = "sodium chloride 0.9% (placebo)"\nkind = "begin"\nhours = "12"',
        'product = "sodium chloride 0.9% (placebo)"\nkind = "complete"\nhours = "7"',
    )
    limits = time_limits(pooled, 290, stricter_placebo)
    assert limits.stop_by == usual.stop_by - timedelta(hours=1)
    assert limits.latest_start == usual.latest_start - timedelta(hours=1)
    longer_placebo = altered(
        'product = "sodium chloride 0.9% (placebo)"\nkind = "begin"\nhours = "12"',
        'product = "sodium chloride 0.9% (placebo)"\nkind = "complete"\nhours = "24"',
    )
    assert time_limits(pooled, 290, longer_placebo) == usual


def test_limits_do_not_bend_where_the_clock_goes_forward() -> None:
    """D10: 8 March 2026, 02:00 CST becomes 03:00 CDT; eight hours stay eight hours."""
    limits = time_limits(site("2026-03-08T00:30"), 290, might())
    assert printed(limits.stop_by) == "2026-MAR-08 09:30 CDT"
    assert printed(limits.latest_start) == "2026-MAR-08 04:10 CDT"
    assert limits.stop_by - site("2026-03-08T00:30") == timedelta(hours=8)


def test_limits_do_not_bend_where_the_clock_goes_back() -> None:
    """D10: 1 November 2026, 02:00 CDT becomes 01:00 CST."""
    limits = time_limits(site("2026-10-31T22:00"), 290, might())
    assert printed(limits.latest_start) == "2026-NOV-01 00:40 CDT"
    assert printed(limits.stop_by) == "2026-NOV-01 05:00 CST"
    later = time_limits(site("2026-10-31T22:00"), 210, might())
    assert printed(later.latest_start) == "2026-NOV-01 01:00 CST"
    earlier = time_limits(site("2026-10-31T22:00"), 270, might())
    assert printed(earlier.latest_start) == "2026-NOV-01 01:00 CDT"


def test_a_limit_is_printed_with_its_zone_and_rounded_down() -> None:
    moment = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert format_limit(moment, CHICAGO) == "2026-DEC-31 17:59 CST"
    assert format_limit(moment, ZoneInfo("America/New_York")) == "2026-DEC-31 18:59 EST"
    assert format_limit(moment, ZoneInfo("Pacific/Auckland")) == "2027-JAN-01 12:59 NZDT"


@pytest.mark.parametrize(
    "moment",
    [datetime(2026, 3, 15, 9), datetime(2026, 3, 15, 9, tzinfo=timezone(timedelta(hours=-5)))],
    ids=["naive", "not UTC"],
)
def test_a_time_that_is_not_utc_is_a_bug(moment: datetime) -> None:
    with pytest.raises(ValueError, match="in UTC"):
        time_limits(moment, 290, might())
    with pytest.raises(ValueError, match="in UTC"):
        format_limit(moment, CHICAGO)


def test_a_negative_duration_is_a_bug() -> None:
    with pytest.raises(ValueError, match="not negative"):
        time_limits(datetime(2026, 3, 15, tzinfo=UTC), -1, might())


@pytest.mark.parametrize("name", ["", "Chicago", "America/Nowhere", "../etc/passwd", "/etc/passwd"])
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(BadForm):
        site_zone(name)


def test_a_known_zone_is_found() -> None:
    assert site_zone("America/Chicago") == CHICAGO


@given(st.integers(0, 420), st.integers(0, 60 * 24 * 730))
def test_an_infusion_started_in_time_is_over_in_time(duration: int, minute: int) -> None:
    """D7: no path gives a longer limit than the shortest."""
    pooled = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    limits = time_limits(pooled, duration, might())
    assert limits.stop_by == pooled + timedelta(hours=8)
    assert limits.latest_start <= pooled + timedelta(hours=12)
    margin = timedelta(minutes=might().margins.safety_min)
    assert limits.latest_start + timedelta(minutes=duration) + margin <= limits.stop_by


def test_the_longest_day_of_might() -> None:
    longest = longest_plan_check(might())
    assert (longest.weight_kg, longest.at_risk) == (Decimal("31.3"), False)
    assert (longest.day, longest.duration_min) == (1, 318)
    assert earliest_start_min(might()) == 125
    assert earliest_start_min(might()) + longest.duration_min + 30 == 473


def test_the_heaviest_weight_is_counted_too() -> None:
    to_the_longest = altered('maximum_kg = "120"', 'maximum_kg = "31.3"')
    assert longest_plan(to_the_longest).duration_min == 318


def test_wider_margins_would_not_fit_and_are_refused() -> None:
    """With 60 min of preparation and 30 of set-up, 116 of the 901 weights do not fit the 8 h."""
    used = might().margins.travel_min + might().margins.safety_min + 60 + 30
    too_long = 0
    for tenths in range(300, 1201):
        _, _, days = plan_course(Decimal(tenths) / 10, might(), False, first_infusion=True)
        too_long += used + max(day.duration_min for day in days) > 480
    assert too_long == 116
    wide = altered(
        "preparation_min = 45\nwait_for_run_min = 0\ntravel_min = 60\nset_up_min = 20",
        "preparation_min = 60\nwait_for_run_min = 0\ntravel_min = 60\nset_up_min = 30",
    )
    with pytest.raises(ProtocolError, match=r"31\.3 kg at 318 minutes, needs 498 .* is 480"):
        longest_plan_check(wide)


@pytest.mark.parametrize(("wait", "fits"), [(7, True), (8, False)])
def test_the_check_is_met_at_its_edge(wait: int, fits: bool) -> None:
    protocol = altered("wait_for_run_min = 0", f"wait_for_run_min = {wait}")
    if fits:
        assert longest_plan_check(protocol).duration_min == 318
    else:
        with pytest.raises(ProtocolError, match="needs 481 minutes"):
            longest_plan_check(protocol)


def test_a_begin_limit_before_the_earliest_start_is_refused() -> None:
    with pytest.raises(ProtocolError, match="125 minutes until the start are over the limit"):
        longest_plan_check(altered('kind = "begin"\nhours = "12"', 'kind = "begin"\nhours = "2"'))


def test_a_weight_without_a_plan_is_named() -> None:
    """3.84% off at 31.3 kg: under a tolerance of 3.8% that weight cannot be planned."""
    tight = altered('tolerance_percent = "5"', 'tolerance_percent = "3.8"')
    with pytest.raises(ProtocolError, match=r"at 31\.2 kg there is no plan: Rounding 62\.4 g"):
        longest_plan_check(tight)


def test_two_days_at_risk_would_not_fit() -> None:
    """Why the design asks for three days at risk."""
    with pytest.raises(ProtocolError, match="the limit is 480"):
        longest_plan_check(altered("days_at_risk = 3", "days_at_risk = 2"))


def test_the_second_protocol_is_checked_by_the_same_code() -> None:
    assert longest_plan_check(second()) == longest_plan(second())


@pytest.mark.parametrize(("weight", "fits"), [("191.2", True), ("191.3", False)])
def test_a_plan_that_does_not_fit_is_refused(weight: str, fits: bool) -> None:
    """D7: a dose on the actual weight far over the limit could not end within its 480 minutes."""
    found = plan(Decimal(weight), might(), "W4", False, History(), over_limit="actual")
    if fits:
        need_fits(found, might())
        return
    with pytest.raises(Refusal, match=r"191\.3 kg day 1 takes 327 minutes and needs 482 .* is 480"):
        need_fits(found, might())


def test_a_plan_that_cannot_begin_in_time_is_refused() -> None:
    """D7."""
    late = altered('kind = "begin"\nhours = "12"', 'kind = "begin"\nhours = "2"')
    with pytest.raises(
        Refusal, match="125 minutes after pooling at the earliest; the limit is 120"
    ):
        need_fits(plan_for("70", protocol=late), late)
