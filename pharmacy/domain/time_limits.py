"""When an infusion must begin and end, counted from the run's one notional pooling time.

A limit of kind `begin` (sterility category) is met by starting in time, one of kind `complete`
(the product's in-use limit) only by ending in time. Both arms get the stricter of both arms'
limits, so no arm is asked for here (requirements D7, D8, D10).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from pharmacy.domain.dosing import plan_course
from pharmacy.domain.errors import Refusal
from pharmacy.domain.protocol_fields import ProtocolError
from pharmacy.domain.protocol_parts import Protocol
from pharmacy.domain.quantities import format_weight
from pharmacy.domain.site_time import require_utc

_MINUTES_IN_HOUR = 60
_WEIGHT_STEP_KG = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """The latest start of the first bag of a day, and when to stop and discard; both in UTC."""

    latest_start: datetime
    stop_by: datetime


@dataclass(frozen=True, slots=True)
class LongestPlan:
    """The infusion day that takes longest under a protocol, with the weight that needs it."""

    weight_kg: Decimal
    at_risk: bool
    day: int
    duration_min: int


def shortest_limit_min(protocol: Protocol, kind: str) -> int | None:
    """The strictest limit of a kind over both arms' products, in whole minutes rounded down."""
    hours = [limit.hours for limit in protocol.limits if limit.kind == kind]
    return int(min(hours) * _MINUTES_IN_HOUR) if hours else None


def time_limits(pooled_at: datetime, duration_min: int, protocol: Protocol) -> TimeLimits:
    """The limits of an infusion day from its notional pooling time (aware, UTC).

    latest start = min(begin limits; complete limits - duration - safety margin). `duration_min`
    is what is still to be infused, in whole minutes rounded up: the day's at first, less at a
    restart. A pooling time that is not in UTC is a `ValueError`.
    """
    require_utc(pooled_at)
    if duration_min < 0:
        raise ValueError("a duration is not negative")
    complete_min = _complete_limit(protocol)
    start_min = complete_min - duration_min - protocol.margins.safety_min
    begin_min = shortest_limit_min(protocol, "begin")
    if begin_min is not None:
        start_min = min(start_min, begin_min)
    return TimeLimits(
        latest_start=pooled_at + timedelta(minutes=start_min),
        stop_by=pooled_at + timedelta(minutes=complete_min),
    )


def _complete_limit(protocol: Protocol) -> int:
    minutes = shortest_limit_min(protocol, "complete")
    if minutes is None:
        raise ValueError("a protocol has at least one limit of kind complete")
    return minutes


def earliest_start_min(protocol: Protocol) -> int:
    """Minutes from the notional pooling time until an infusion can start at the home."""
    margins = protocol.margins
    return (
        margins.preparation_min
        + margins.wait_for_run_min
        + margins.travel_min
        + margins.set_up_min
    )


def longest_plan(protocol: Protocol) -> LongestPlan:
    """The longest infusion day over every weight by 0.1 kg and both risk groups.

    Counted on the first-infusion ladder, which is never the faster one, and on the dosing weight
    itself. A weight that cannot be planned at all is a `ProtocolError`.
    """
    longest: LongestPlan | None = None
    weight_kg = protocol.weight.minimum_kg
    while weight_kg <= protocol.weight.maximum_kg:
        for at_risk in (False, True):
            found = _longest_day(protocol, weight_kg, at_risk)
            if longest is None or found.duration_min > longest.duration_min:
                longest = found
        weight_kg += _WEIGHT_STEP_KG
    if longest is None:
        raise ProtocolError("weight", "leaves no weight to plan for")
    return longest


def _longest_day(protocol: Protocol, weight_kg: Decimal, at_risk: bool) -> LongestPlan:
    try:
        _, _, days = plan_course(weight_kg, protocol, at_risk, first_infusion=True)
    except Refusal as refused:
        raise ProtocolError(
            "dose", f"at {format_weight(weight_kg)} there is no plan: {refused.sentence}"
        ) from None
    day = max(days, key=lambda each: each.duration_min)
    return LongestPlan(weight_kg, at_risk, day.day, day.duration_min)


def longest_plan_check(protocol: Protocol) -> LongestPlan:
    """Refuse a protocol whose longest plan cannot meet its own limits; return that plan if it can.

    Preparation, wait for the run, travel and set-up must leave the longest infusion and the
    safety margin before the complete limits, and must themselves end before the begin limits.
    """
    longest = longest_plan(protocol)
    start_min = earliest_start_min(protocol)
    begin_min = shortest_limit_min(protocol, "begin")
    if begin_min is not None and start_min > begin_min:
        raise ProtocolError(
            "margins", f"{start_min} minutes until the start are over the limit of {begin_min}"
        )
    needed_min = start_min + longest.duration_min + protocol.margins.safety_min
    if needed_min > _complete_limit(protocol):
        raise ProtocolError(
            "limits",
            f"the longest plan, {format_weight(longest.weight_kg)} at {longest.duration_min} "
            f"minutes, needs {needed_min} minutes with its margins; the limit is "
            f"{_complete_limit(protocol)}",
        )
    return longest
