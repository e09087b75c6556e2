"""Whether and until when one bag of an infusion day may be started.

The day's own limit is that of its first bag. A later bag goes on where the one before it ends,
so that only what is still to be infused counts (requirements D7, D11).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from pharmacy.domain.dose_plan import DayPlan
from pharmacy.domain.protocol_parts import Protocol
from pharmacy.domain.rates import infusion_minutes, step_at_volume
from pharmacy.domain.time_limits import time_limits

# Why a bag was ended early that speaks against the rest of the day as well: whether more is given
# is then for the investigator to say, not for the volume.
_ENDS_THE_DAY = frozenset({"reaction", "ordered", "wish"})


def minutes_left(day: DayPlan, bag_number: int) -> int:
    """Whole minutes, rounded up, from the start of a bag to the end of the day on the ladder.

    A bag that the day does not have is a `ValueError`.
    """
    if not 1 <= bag_number <= len(day.bags):
        raise ValueError("the day has no such bag")
    if bag_number == 1:
        return day.duration_min
    before_ml = sum((bag.volume_ml for bag in day.bags[: bag_number - 1]), Decimal(0))
    _, before_min = infusion_minutes(day.ladder, before_ml)
    return int((day.duration_min_exact - before_min).to_integral_value(ROUND_CEILING))


def goes_on(day: DayPlan, bag_number: int, given_ml: Decimal) -> bool:
    """Whether a bag can go on at its own first rate after what was given of the bags before it.

    That rate is the ladder's after all of them (A14). Whoever had so little that the ladder was
    still on a slower step then would meet it without the steps between.
    """
    before_ml = sum((bag.volume_ml for bag in day.bags[: bag_number - 1]), Decimal(0))
    if before_ml and not given_ml:
        return False
    return step_at_volume(day.ladder, given_ml) == step_at_volume(day.ladder, before_ml)


def day_may_go_on(end_reasons: Iterable[str]) -> bool:
    """Whether the next bag of a day may follow, by the reasons for which those before it ended.

    A bag that was infused whole, or has not ended, has the empty reason.
    """
    return _ENDS_THE_DAY.isdisjoint(end_reasons)


def bag_latest_start(
    day: DayPlan, bag_number: int, run_at: datetime, protocol: Protocol
) -> datetime:
    """The latest start of a bag, UTC, counted from the run's notional pooling time."""
    return time_limits(run_at, minutes_left(day, bag_number), protocol).latest_start
