"""When an infusion must begin and end, counted from the run's one notional pooling time.

A limit of kind `begin` (sterility category) is met by starting in time, one of kind `complete`
(the product's in-use limit) only by ending in time. Both arms get the stricter of both arms'
limits, so no arm is asked for here (requirements D7, D8, D10).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pharmacy.domain.dose_plan import DosePlan
from pharmacy.domain.errors import Refusal
from pharmacy.domain.protocol_parts import Protocol
from pharmacy.domain.quantities import format_weight
from pharmacy.domain.site_time import require_utc

_MINUTES_IN_HOUR = 60


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """The latest start of the first bag of a day, and when to stop and discard; both in UTC."""

    latest_start: datetime
    stop_by: datetime


def shortest_limit_min(protocol: Protocol, kind: str) -> int | None:
    """The strictest limit of a kind over both arms' products, in whole minutes rounded down."""
    hours = [limit.hours for limit in protocol.limits if limit.kind == kind]
    return int(min(hours) * _MINUTES_IN_HOUR) if hours else None


def begin_limit_min(protocol: Protocol) -> int | None:
    """Minutes within which an infusion must begin, if any product has such a limit."""
    return shortest_limit_min(protocol, "begin")


def complete_limit_min(protocol: Protocol) -> int:
    """Minutes within which an infusion must end; every protocol has such a limit."""
    minutes = shortest_limit_min(protocol, "complete")
    if minutes is None:
        raise ValueError("a protocol has at least one limit of kind complete")
    return minutes


def time_limits(pooled_at: datetime, duration_min: int, protocol: Protocol) -> TimeLimits:
    """The limits of an infusion day from its notional pooling time (aware, UTC).

    latest start = min(begin limits; complete limits - duration - safety margin). `duration_min`
    is what is still to be infused, in whole minutes rounded up: the day's at first, less at a
    restart. A pooling time that is not in UTC is a `ValueError`.
    """
    require_utc(pooled_at)
    if duration_min < 0:
        raise ValueError("a duration is not negative")
    complete_min = complete_limit_min(protocol)
    start_min = complete_min - duration_min - protocol.margins.safety_min
    begin_min = begin_limit_min(protocol)
    if begin_min is not None:
        start_min = min(start_min, begin_min)
    return TimeLimits(
        latest_start=pooled_at + timedelta(minutes=start_min),
        stop_by=pooled_at + timedelta(minutes=complete_min),
    )


def earliest_start_min(protocol: Protocol) -> int:
    """Minutes from the notional pooling time until an infusion can start at the home."""
    margins = protocol.margins
    return (
        margins.preparation_min + margins.wait_for_run_min + margins.travel_min + margins.set_up_min
    )


def minutes_needed(duration_min: int, protocol: Protocol) -> int:
    """Minutes from the notional pooling time to the end of an infusion day with its margins."""
    return earliest_start_min(protocol) + duration_min + protocol.margins.safety_min


def need_fits(plan: DosePlan, protocol: Protocol) -> None:
    """Refuse (409) a plan of which no run could be started and ended within the time limits."""
    longest = max(plan.days, key=lambda day: day.duration_min)
    needed_min, limit_min = (
        minutes_needed(longest.duration_min, protocol),
        complete_limit_min(protocol),
    )
    if needed_min > limit_min:
        raise Refusal(
            f"At {format_weight(plan.weight_kg)} day {longest.day} takes {longest.duration_min} "
            f"minutes and needs {needed_min} with its margins; the time limit is {limit_min}. "
            "Nothing is planned: call the investigator."
        )
    start_min, begin_min = earliest_start_min(protocol), begin_limit_min(protocol)
    if begin_min is not None and start_min > begin_min:
        raise Refusal(
            f"An infusion can start {start_min} minutes after pooling at the earliest; the limit "
            f"is {begin_min}. Nothing is planned: call the pharmacist in charge."
        )
